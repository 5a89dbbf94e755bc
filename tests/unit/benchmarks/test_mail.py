"""The benchmark of mail triage: what it takes away from mails, what its gate lets through, and what it judges."""

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.goals import missed
from benchmarks.mail import MailFigures, goals_of
from benchmarks.mail_corpus import without_footer
from benchmarks.mail_gate import Passed, by_oracle, mails_until_back, through_gate
from benchmarks.mail_rate import Rates
from benchmarks.mail_side import Answers

from andon.models.risk import evidence_of

GOOD = MailFigures(
    mails=4_334,
    tested=1_358,
    accuracy=0.83,
    automatic=0.67,
    error=0.03,
    oracle=0.75,
    new_share=0.4,
    new_error_ungated=0.27,
    back_after=75,
    automatic_then=0.1,
    automatic_trained=0.5,
    error_trained=0.03,
)
RATES = Rates("Dovecot", andon=600.0, bare=1_000.0, plain=500.0)


@pytest.mark.parametrize(
    "changed",
    [
        {"accuracy": 0.79},
        {"error": 0.051},
        {"automatic": 0.59},
        {"back_after": 225},
        {"back_after": None},
        {"automatic_trained": 0.1},
    ],
)
def test_each_figure_has_its_bound(changed: dict[str, float | None]) -> None:
    assert missed(goals_of(GOOD, RATES)) == []
    assert len(missed(goals_of(replace(GOOD, **changed), RATES))) == 1  # type: ignore[arg-type]


def test_half_the_rate_of_the_bare_loop_is_wanted() -> None:
    assert len(missed(goals_of(GOOD, replace(RATES, andon=499.0)))) == 1


def test_the_footer_of_a_list_goes_and_a_signature_stays() -> None:
    footer = "_______________\nRazor-users mailing list\nhttps://lists.sourceforge.net/lists/listinfo/razor-users"
    assert without_footer(f"It works.\n\n{footer}") == "It works."
    assert without_footer("It works.\n-- \nZoe") == "It works.\n-- \nZoe"


def test_the_gate_keeps_what_is_proven_and_closes_when_errors_come() -> None:
    rng = np.random.default_rng(1)
    sure = rng.uniform(0.8, 1.0, 1_000)
    evidence = evidence_of(sure, sure, np.zeros(1_000, np.bool_))
    calm, bad = np.zeros(200, np.bool_), rng.random(400) < 0.5
    answers = Answers(np.full(600, 0.95), np.concatenate([calm, bad]))
    passed = through_gate(evidence, answers)
    assert passed.part(0, 200).share == 1.0
    assert passed.part(400).share == 0.0
    assert mails_until_back(passed.part(200)) is not None


def test_the_oracle_knows_the_widest_threshold() -> None:
    answers = Answers(np.array([0.9, 0.8, 0.7, 0.6]), np.array([False, False, False, True]))
    assert by_oracle(answers) == 0.75
    assert Passed(np.zeros(0, np.bool_), np.zeros(0, np.bool_)).share == 0.0
