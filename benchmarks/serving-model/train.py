"""Trains the model that every side of `script/bench serving` serves: 100 trees on 20 numbers, as ONNX.

`python train.py FOLDER` writes `model.onnx`, and `rows.npz` with the rows it was trained on. Runs in an environment of
its own (requirements.lock), since only this script needs skl2onnx. The seed is fixed, so the file is always the same.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skl2onnx import to_onnx
from sklearn.ensemble import GradientBoostingClassifier

SENT = (
    *(
        "amount",
        "balance",
        "usual_amount",
        "hour",
        "account_age_days",
        "transfers_today",
        "transfers_week",
        "amount_today",
    ),
    *("failed_logins", "device_trust", "device_age_days", "distance_km", "beneficiary_age_days", "beneficiary_count"),
    *("session_seconds", "typing_speed", "credit_used"),
)
"""The inputs that callers send; Andon computes the other three, which the peers receive."""
DERIVED = ("amount_of_balance", "amount_of_usual", "is_night")
ROWS, TRAINING = 12_000, 8_000


def main(folder: Path) -> None:
    """Make the rows, fit the trees, write both."""
    rng = np.random.default_rng(7)
    matrix = rows(rng)
    labels = labels_of(matrix, rng)
    model = GradientBoostingClassifier(n_estimators=100, max_depth=5, random_state=7)
    model.fit(matrix[:TRAINING].astype(np.float32), labels[:TRAINING])
    onnx = to_onnx(model, matrix[:1].astype(np.float32), options={"zipmap": False})
    (folder / "model.onnx").write_bytes(onnx.SerializeToString())
    np.savez(folder / "rows.npz", names=np.array([*SENT, *DERIVED]), matrix=matrix, labels=labels)


def rows(rng: np.random.Generator) -> NDArray[np.float64]:
    """Invent transfers, with a column for each of SENT and DERIVED, rounded as a caller would send them."""
    count = ROWS
    sent = {
        "amount": rng.lognormal(4, 1, count),
        "balance": rng.lognormal(7, 1, count),
        "usual_amount": rng.lognormal(4, 0.6, count),
        "hour": rng.integers(0, 24, count),
        "account_age_days": rng.integers(1, 6_000, count),
        "transfers_today": rng.poisson(1.5, count),
        "transfers_week": rng.poisson(6, count),
        "amount_today": rng.lognormal(3, 1.2, count),
        "failed_logins": rng.poisson(0.3, count),
        "device_trust": rng.beta(5, 2, count),
        "device_age_days": rng.integers(0, 1_500, count),
        "distance_km": rng.exponential(40, count),
        "beneficiary_age_days": rng.integers(0, 2_000, count),
        "beneficiary_count": rng.poisson(9, count),
        "session_seconds": rng.exponential(180, count),
        "typing_speed": rng.normal(4, 1, count),
        "credit_used": rng.beta(2, 5, count),
    }
    sent = {name: np.round(sent[name].astype(np.float64), 3) for name in SENT}
    of_balance = sent["amount"] / np.maximum(sent["balance"], 1.0)
    of_usual = sent["amount"] / np.maximum(sent["usual_amount"], 1.0)
    return np.column_stack([*sent.values(), of_balance, of_usual, (sent["hour"] < 6).astype(np.float64)])


def labels_of(matrix: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Label about one transfer in eleven as fraud (1), by a few of the columns, with some noise."""
    column = dict(zip((*SENT, *DERIVED), matrix.T, strict=True))
    risk = (
        np.log(column["amount_of_usual"] + 0.01)
        + 2.0 * column["amount_of_balance"]
        + 1.5 * column["failed_logins"]
        + 1.2 * column["is_night"]
        - 6.0 * column["device_trust"]
        - 0.001 * column["beneficiary_age_days"]
        + 0.01 * column["distance_km"]
    )
    return (risk + rng.normal(0, 0.3, len(risk)) > -1.0).astype(np.int64)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
