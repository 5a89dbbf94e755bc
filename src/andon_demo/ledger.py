"""The demo's queries of Andon's database: the progress of the events, and the ledger's figures of one way in."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psycopg

from andon.kernel import config, postgres

DONE = (
    "SELECT coalesce(sum(decided), 0), coalesce(sum(repeated + left_out + dead), 0) FROM stream_partitions "
    "WHERE automation = %s"
)
OUTCOMES = "SELECT outcome, count(*) FROM decisions WHERE automation = %s AND caller = %s GROUP BY outcome"
AUDITS = "SELECT count(*) FROM decisions WHERE automation = %s AND audit_drawn"
ROUTED = """
SELECT percentile_cont(ARRAY[0.5, 0.95])
    WITHIN GROUP (ORDER BY 1000 * extract(epoch FROM decided_at - happened_at)::float8), count(*)
FROM (
    SELECT decided_at, coalesce(r ->> 'happened_at', r ->> 'asked_at')::timestamptz AS happened_at
    FROM decisions CROSS JOIN LATERAL (SELECT convert_from(record, 'UTF8')::jsonb AS r) AS written
    WHERE automation = %s AND caller = %s
) AS routed
"""


@dataclass(frozen=True, slots=True)
class Routed:
    """The time from an event to its decision, in milliseconds, and the number of decisions."""

    p50: float
    p95: float
    decisions: int


class Ledger:
    """A connection to the database of a running project."""

    def __init__(self, folder: Path) -> None:
        self.settings = config.load(folder, {})
        self.url = postgres.url_of(self.settings)
        self._database = psycopg.connect(self.url, autocommit=True)

    def done(self, automation: str) -> tuple[int, int]:
        """Return how many events of an automation were decided, and how many ended otherwise."""
        decided, otherwise = self._database.execute(DONE, (automation,)).fetchone() or (0, 0)
        return int(decided), int(otherwise)

    def outcomes(self, automation: str, caller: str) -> Counter[str]:
        """Return the outcomes of one caller's decisions; a stream is a caller too."""
        return Counter(dict(self._database.execute(OUTCOMES, (automation, caller)).fetchall()))

    def audits(self, automation: str) -> int:
        """Return how many decisions of an automation were drawn for a blind audit."""
        (found,) = self._database.execute(AUDITS, (automation,)).fetchone() or (0,)
        return int(found)

    def routed(self, automation: str, caller: str) -> Routed:
        """Return how long the decisions of a caller took: an event since it happened, a call since its request."""
        found, decisions = self._database.execute(ROUTED, (automation, caller)).fetchone() or (None, 0)
        p50, p95 = found or (0.0, 0.0)
        return Routed(p50, p95, decisions)

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
