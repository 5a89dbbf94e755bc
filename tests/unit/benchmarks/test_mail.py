"""The benchmark of mail triage: what it takes away from mails, and what it judges."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from benchmarks.goals import missed
from benchmarks.mail import Appeared, Known, Part, goals_of
from benchmarks.mail_corpus import without_footer
from benchmarks.mail_rate import Rates
from benchmarks.mail_stream import Stream, by_oracle, mails_until_back

KNOWN = Known(mails=1_358, accuracy=0.83, automatic=0.67, error=0.03, oracle=0.75)
PART = Part(mails=400, automatic=0.5, error=0.03, errors=6)
UNKNOWN = replace(PART, automatic=0.1)
APPEARED = Appeared(
    share=0.4, calm=PART, unknown=UNKNOWN, settled=UNKNOWN, trained=PART, ungated=0.27, learned=0.4, back_after=75
)
RATES = Rates("Dovecot", fetched=600.0, fetched_bare=1_000.0, parsed=300.0, parsed_bare=500.0)


def stream(right: str) -> Stream:
    """Return mails: `.` right, `x` wrong, both automatic, and `p` for those that people decide."""
    return Stream(
        confidence=np.linspace(0.9, 0.6, len(right)),
        automatic=np.array([one != "p" for one in right], np.bool_),
        wrong=np.array([one == "x" for one in right], np.bool_),
    )


@pytest.mark.parametrize("changed", [{"accuracy": 0.79}, {"error": 0.051}, {"automatic": 0.59}])
def test_each_figure_of_known_classes_has_its_bound(changed: dict[str, Any]) -> None:
    assert missed(goals_of(KNOWN, APPEARED, RATES)) == []
    assert len(missed(goals_of(replace(KNOWN, **changed), APPEARED, RATES))) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"calm": replace(PART, error=0.06)},
        {"back_after": 225},
        {"back_after": None},
        {"trained": replace(PART, error=0.06)},
        {"trained": replace(PART, automatic=0.2)},
        {"unknown": replace(PART, automatic=0.6)},
        {"learned": 0.0},
    ],
)
def test_each_figure_of_a_new_class_has_its_bound(changed: dict[str, Any]) -> None:
    assert len(missed(goals_of(KNOWN, replace(APPEARED, **changed), RATES))) == 1


@pytest.mark.parametrize("changed", [{"fetched": 499.0}, {"parsed": 249.0}])
def test_half_the_rate_of_a_bare_loop_is_wanted(changed: dict[str, Any]) -> None:
    assert len(missed(goals_of(KNOWN, APPEARED, replace(RATES, **changed)))) == 1


def test_the_footer_of_a_list_goes_and_a_signature_stays() -> None:
    footer = "_______________\nRazor-users mailing list\nhttps://lists.sourceforge.net/lists/listinfo/razor-users"
    assert without_footer(f"It works.\n\n{footer}") == "It works."
    assert without_footer("It works.\n-- \nZoe") == "It works.\n-- \nZoe"


def test_a_stream_is_back_where_the_rest_keeps_the_target() -> None:
    assert mails_until_back(stream("." * 30)) == 0
    assert mails_until_back(stream("xx" + "." * 15)) == 2
    assert mails_until_back(stream("xx" + "p" * 30 + "." * 15)) == 2
    assert mails_until_back(stream("." * 30 + "xx")) is None


def test_sending_everything_to_people_is_no_return() -> None:
    assert mails_until_back(stream("xx" + "p" * 30)) is None
    assert mails_until_back(stream("p" * 30)) is None


def test_share_and_error_are_those_of_the_automatic_part() -> None:
    both = stream("..").then(stream("xp"))
    assert (both.share, both.errors) == (0.75, 1)
    assert both.error == pytest.approx(1 / 3)
    nothing = both.part(3)
    assert (nothing.share, nothing.errors, nothing.error) == (0.0, 0, 0.0)


def test_the_oracle_knows_the_widest_threshold() -> None:
    assert by_oracle(stream("...x")) == 0.75
