"""The chores of workers that read committed decisions and collect evidence."""

from datetime import timedelta

from andon.decisions import CertainRulings
from andon.evidence.service import EvidenceRounds
from andon.evidence.stream import Tally
from andon.kernel.chores import Chore

INTERVAL = timedelta(seconds=2)
AGAIN = timedelta(seconds=30)
LEASE = timedelta(minutes=2)


def chores(*tallies: Tally, rulings: CertainRulings) -> list[Chore]:
    """Read committed decisions for all tallies and collect evidence; count again what a tally could not count."""
    rounds = EvidenceRounds(*tallies, rulings=rulings)
    return [
        Chore("collect_evidence", INTERVAL, rounds.step, LEASE),
        Chore("count_again", AGAIN, rounds.catch_up, LEASE),
    ]
