"""The story's queries of the line's database: the decision on each mail, and the state of its procedures."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType

import psycopg

from andon.kernel import config, postgres

DECIDED = """
SELECT id, correlation_id, outcome, rule, decided_at FROM decisions
WHERE automation = %s AND decided_at >= %s - interval '10 seconds' ORDER BY decided_at
"""
"""A batch may be committed after a later one, so recent rows are read again for a while."""

PROCEDURES = """
SELECT count(*), count(*) FILTER (WHERE w.status NOT IN ('ENQUEUED', 'PENDING', 'DELAYED'))
FROM procedures p JOIN andon_durable.workflow_status w ON w.workflow_uuid = p.id::text WHERE p.automation = %s
"""

DEAD = "SELECT count(*) FROM dead_events WHERE automation = %s"


@dataclass(frozen=True, slots=True)
class DecidedMail:
    """How one mail was decided."""

    decision_id: str
    message_id: str
    outcome: str
    rule: str

    @property
    def automatic(self) -> bool:
        """Whether no person was asked."""
        return self.outcome != "review"


class MailLedger:
    """A connection to the project's database. `by_mail` and `by_decision` are the decisions read so far.

    `repeated` counts decisions about mails that were decided before: there must be none.
    """

    def __init__(self, folder: Path, automation: str) -> None:
        self._database = psycopg.connect(postgres.url_of(config.load(folder, {})), autocommit=True)
        self._automation = automation
        self._since = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
        self.by_mail: dict[str, DecidedMail] = {}
        self.by_decision: dict[str, DecidedMail] = {}
        self.repeated = 0

    def read(self) -> Mapping[str, DecidedMail]:
        """Read the new decisions, and return all by Message-ID."""
        rows = self._database.execute(DECIDED, (self._automation, self._since)).fetchall()
        for identifier, mail, outcome, rule, at in rows:
            found = DecidedMail(str(identifier), f"<{mail}>", outcome, rule)
            if found.decision_id not in self.by_decision:
                self.repeated += found.message_id in self.by_mail
                self.by_mail[found.message_id] = self.by_decision[found.decision_id] = found
            self._since = at
        return self.by_mail

    def procedures(self) -> tuple[int, int]:
        """Return how many procedures began, and how many of them have ended."""
        begun, ended = self._database.execute(PROCEDURES, (self._automation,)).fetchone() or (0, 0)
        return int(begun), int(ended)

    def dead(self) -> int:
        """Return how many mails could not be decided."""
        (found,) = self._database.execute(DEAD, (self._automation,)).fetchone() or (0,)
        return int(found)

    def __enter__(self) -> "MailLedger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
