"""The chore of workers that keeps the proofs of risk gates up to date."""

from datetime import UTC, datetime, timedelta

from andon.decisions import Feed
from andon.kernel.chores import Chore
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.proofs import service

INTERVAL = timedelta(seconds=5)
LEASE = timedelta(minutes=2)

LOOKED_BACK = timedelta(days=30)
"""The span back from which counting begins in an installation with earlier decisions."""


def chores(events: Events) -> list[Chore]:
    """Gather labels, prove, and revise gates."""
    rounds = service.ProofRounds(Feed(service.CONSUMER, start=datetime.now(UTC) - LOOKED_BACK))

    def prove_gates(tx: Tx, now: datetime) -> bool:
        return service.prove_lines(tx, rounds, events=events, now=now)

    return [Chore("prove_gates", INTERVAL, prove_gates, LEASE)]
