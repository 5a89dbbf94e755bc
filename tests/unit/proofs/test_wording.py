"""The sentence of a proof says what is automatic, how often it is wrong, and what proves it."""

from dataclasses import replace

import pytest

from andon import MaxCost, MaxError
from andon.models.manifest import RiskEvidence, RiskRow
from andon.proofs.domain import ProvenRegion
from andon.proofs.series import series_of
from andon.proofs.wording import percent, sentence_of

TABLE = RiskEvidence(table=(RiskRow(threshold=0.9, planned=200, rows=190, errors=1),), rows=300)
PROOF = ProvenRegion(0.9, 0.87, 0.006, 0.009, 1583, 1583, settled=True, suspicion=0.0, breaks=0)
SERIES = series_of("gated", "m@1+p", MaxError(0.01), TABLE, [])[0]


def test_the_sentence_of_a_proof() -> None:
    assert sentence_of(PROOF, SERIES) == (
        "87% automatic; error of the automatic part 0.6%, at most 0.9% with 95% confidence, target 1%; "
        "1,583 audits and 190 held-out rows"
    )
    mixed = sentence_of(replace(PROOF, audits=3, breaks=1), SERIES)
    assert mixed.endswith("target 1%; 1,583 labels since the error rose")


def test_the_sentence_of_what_is_not_proven() -> None:
    nothing = replace(PROOF, threshold=None, labels=12, audits=12)
    assert sentence_of(nothing, SERIES) == "nothing automatic: no region is proven; target 1%; 12 audits"
    doubted = replace(nothing, breaks=1, in_doubt=True)
    assert sentence_of(doubted, SERIES).startswith(
        "nothing automatic: the error rose, unless new labels refute it; target 1%"
    )
    broken = replace(nothing, breaks=1)
    assert sentence_of(broken, SERIES) == (
        "nothing automatic: the error rose; target 1%; 12 audits since the error rose"
    )


def test_the_sentence_of_a_cost() -> None:
    cost = series_of("gated", "m@1+p", MaxCost(2.0, {("ok", "fraud"): 400.0}), TABLE, [])[0]
    said = sentence_of(replace(PROOF, error=0.75, bound=1.5), cost)
    assert "mean cost of the automatic part 0.75, at most 1.5 with 95% confidence, target 2;" in said


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0%"), (0.0004, "0.04%"), (0.006, "0.6%"), (0.0135, "1.4%"), (0.1, "10%"), (1.0, "100%")]
)
def test_a_share_is_written_with_the_digits_that_matter(share: float, text: str) -> None:
    assert percent(share) == text


def test_each_segment_and_class_is_a_series_of_its_own_and_sees_its_own_evidence() -> None:
    risk = MaxError(0.01, by="country", per_class={"fraud": 0.02})
    found = series_of("gated", "m@1+p", risk, TABLE, [{"country": "DE"}])
    assert [(one.key.segment, one.key.predicted, one.target) for one in found] == [
        ({}, "", 0.01),
        ({}, "fraud", 0.02),
        ({"country": "DE"}, "", 0.01),
        ({"country": "DE"}, "fraud", 0.02),
    ]
