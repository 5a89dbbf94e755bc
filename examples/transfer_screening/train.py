"""Trains the model of transfer screening and packs it: `andon models register --from-script train.py --alias champion`.

The windows of the training rows are computed by the same code as those of decisions.
"""

from pathlib import Path
from typing import Any

from andon.features import FeatureSet
from andon.models import FeatureKind, FeatureSpec, categorical_columns, encode, encode_labels, pack
from lightgbm import LGBMClassifier

from automation import screening
from simulator import CHANNELS, COUNTRIES, Parameters, Transfers, simulate

HERE = Path(__file__).parent
SEED = 1
CLASSES = ("honest", "fraud")

FEATURES = (
    FeatureSpec("amount", FeatureKind.NUMBER),
    FeatureSpec("country", FeatureKind.CATEGORY, COUNTRIES),
    FeatureSpec("channel", FeatureKind.CATEGORY, CHANNELS),
    FeatureSpec("hour", FeatureKind.NUMBER),
    FeatureSpec("beneficiary_is_new", FeatureKind.BOOLEAN),
    FeatureSpec("account_age_days", FeatureKind.NUMBER),
    FeatureSpec("device_trust", FeatureKind.NUMBER),
    FeatureSpec("at_night", FeatureKind.BOOLEAN),
    *(FeatureSpec(name, FeatureKind.NUMBER) for name in screening.feature_names if name.startswith("amount_")),
)


def main() -> None:
    """Train on the first half of the known transfers, and hold out the rest.

    An account's transfers of one day belong together, such as those of a thief: one of them is evidence.
    """
    rows, labels = known(simulate(SEED, accounts=4_000))
    cut = len(rows) // 2
    model = LGBMClassifier(
        n_estimators=120,
        num_leaves=15,
        learning_rate=0.08,
        min_child_samples=40,
        random_state=SEED,
        n_jobs=1,
        verbosity=-1,
    )
    model.fit(
        encode(FEATURES, rows[:cut]),
        encode_labels(CLASSES, labels[:cut]),
        categorical_feature=list(categorical_columns(FEATURES)),
    )
    pack(
        HERE / "package",
        name=screening.model,
        model=model,
        features=FEATURES,
        classes=CLASSES,
        training=(rows[:cut], labels[:cut]),
        held_out=(rows[cut:], labels[cut:]),
        split="by time: the first half trains, the second half is held out",
        groups="account_day",
        description="How likely a transfer is fraud; trained on the simulated bank",
    )


def known(transfers: Transfers) -> tuple[list[dict[str, Any]], list[str]]:
    """Return rows and labels of the transfers whose truth the bank knows when the last one arrives.

    The newest are left out whether reported or not, since frauds are known earlier than honest transfers.
    """
    history = list(transfers)
    inputs = [transfer.input for transfer in history]
    at = [transfer.occurred_at for transfer in history]
    computed = FeatureSet(screening.name, screening.features).compute(inputs, at, {})
    horizon_days = Parameters().mature_days
    mature = [i for i, moment in enumerate(at) if (at[-1] - moment).total_seconds() >= horizon_days * 86_400]
    days = [f"{given['account_id']} on {moment:%Y-%m-%d}" for given, moment in zip(inputs, at, strict=True)]
    rows = [{**inputs[i], **computed.rows[i], "account_day": days[i]} for i in mature]
    return rows, [CLASSES[history[i].label] for i in mature]


if __name__ == "__main__":
    main()
