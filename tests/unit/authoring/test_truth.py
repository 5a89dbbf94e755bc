"""A truth that cannot be meant is refused where it is declared."""

from datetime import timedelta
from typing import Any

import pytest

from andon import Truth
from andon.authoring import DeclarationInvalid

OUTCOMES = {"pause": "fraud", "release": "honest", "escalate": None}


def test_a_truth_knows_its_classes_in_order() -> None:
    truth = Truth(OUTCOMES | {"block": "fraud"}, matures=timedelta(days=30), unreported="honest")
    assert truth.classes == ("fraud", "honest")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"outcomes": ["pause"]}, "a dict from outcomes to classes"),
        ({"outcomes": {"pause": True}}, "a class \\(or None\\) as text, got 'pause': True"),
        ({"outcomes": {1: "fraud"}}, "expected an outcome"),
        ({"outcomes": {"review": "fraud"}}, "asks a person"),
        ({"outcomes": {}}, "at least one outcome"),
        ({"outcomes": {"escalate": None}}, "at least one outcome"),
        ({"outcomes": OUTCOMES, "matures": timedelta(days=-1)}, "zero or more"),
        ({"outcomes": OUTCOMES, "matures": 30}, "a timedelta"),
        (
            {"outcomes": OUTCOMES, "matures": timedelta(days=1), "unreported": "legal"},
            r"\(fraud, honest\), got 'legal'",
        ),
        ({"outcomes": OUTCOMES, "unreported": "honest"}, "needs matures"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(DeclarationInvalid, match=message):
        Truth(**given)


def test_classes_that_no_model_was_trained_for_are_some_of_the_outcomes_classes() -> None:
    assert Truth({"cards": "cards", "crypto": "crypto"}, untrained=["crypto"]).untrained == ["crypto"]
    with pytest.raises(DeclarationInvalid, match=r"untrained must be a list of classes of the outcomes \(cards\)"):
        Truth({"cards": "cards"}, untrained=["crypto"])
    with pytest.raises(DeclarationInvalid, match="untrained"):
        Truth({"cards": "cards"}, untrained="cards")
