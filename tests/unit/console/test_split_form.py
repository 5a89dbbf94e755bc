"""What is typed into the form is meant as shares, or refused at its field."""

import pytest

from andon.console.split_form import SplitForm, faults_at
from andon.kernel.errors import Fault
from andon.serving import Candidate, SplitInvalid, TrafficSplit
from arms import shares_of


def test_the_form_begins_with_the_split_that_holds() -> None:
    form = SplitForm.of(TrafficSplit("payments", "fraud-risk", 7, shares_of({2: 12.5, 3: 5.0}), (Candidate(4),)))
    assert form == SplitForm({Candidate(2): "12.5", Candidate(3): "5"}, frozenset({Candidate(4)}), "", 7)
    assert form.shares() == shares_of({2: 12.5, 3: 5.0})


def test_an_empty_field_and_a_zero_are_no_share() -> None:
    form = SplitForm({Candidate(2): " ", Candidate(3): "0", Candidate(4): " 7.25 % "}, frozenset(), "", 0)
    assert form.shares() == shares_of({4: 7.25})


@pytest.mark.parametrize("text", ["a lot", "1,5", "%", "5 5"])
def test_what_is_no_number_is_named_with_its_version(text: str) -> None:
    with pytest.raises(SplitInvalid) as refused:
        SplitForm({Candidate(2): "5", Candidate(3): text}, frozenset(), "", 0).shares()
    assert [fault.where for fault in refused.value.faults] == ["shares.3"]


def test_faults_are_found_by_their_field() -> None:
    faults = [Fault("shares.1", "a"), Fault("reason", "b"), Fault("shares.1", "c")]
    assert faults_at(faults, "shares.1") == ["a", "c"]
    assert faults_at(faults, "shares.12") == []
