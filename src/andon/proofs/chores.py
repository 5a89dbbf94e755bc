"""The chore of workers that keeps the proofs of risk gates up to date."""

from datetime import datetime, timedelta

from andon.kernel.chores import Chore
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.proofs import service

INTERVAL = timedelta(seconds=5)
LEASE = timedelta(minutes=2)


def chores(events: Events) -> list[Chore]:
    """Prove, and revise gates."""
    rounds = service.ProofRounds()

    def prove_gates(tx: Tx, now: datetime) -> bool:
        return service.prove_lines(tx, rounds, events=events, now=now)

    return [Chore("prove_gates", INTERVAL, prove_gates, LEASE)]
