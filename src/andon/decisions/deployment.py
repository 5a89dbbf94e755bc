"""What is deployed in this process: for each automation the line that decides now, swapped whole when something changes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock

import structlog

from andon import models, serving
from andon.authoring import Automation
from andon.decisions import service
from andon.decisions.assembly import assemble
from andon.decisions.errors import AutomationInvalid
from andon.decisions.line import Line
from andon.kernel.clock import Clock
from andon.kernel.db import Database, Tx
from andon.kernel.errors import AndonError, Fault
from andon.kernel.identity import PLATFORM
from andon.models import CHAMPION

log = structlog.get_logger(__name__)


class Deployment:
    """The lines of the automations that were loaded. Reading `lines` never waits; `refresh` builds beside it and swaps."""

    def __init__(self, database: Database, automations: Sequence[Automation], *, cache: Path, clock: Clock) -> None:
        self.lines: Mapping[str, Line] = {}
        self.problems: Mapping[str, AndonError] = {}
        self._database = database
        self._automations = automations
        self._cache = cache
        self._clock = clock
        self._lock = Lock()

    def refresh(self) -> None:
        """Build the lines whose model changed and swap them in. A line that cannot be built stays as it was; see `problems`."""
        with self._lock:
            lines = dict(self.lines)
            problems: dict[str, AndonError] = {}
            for automation in self._automations:
                try:
                    with self._database.begin() as tx:
                        lines[automation.name] = self._line(tx, automation, lines.get(automation.name))
                except AndonError as error:
                    problems[automation.name] = error
                    log.error("automation.not_ready", automation=automation.name, error=str(error))
            self.lines, self.problems = lines, problems

    def _line(self, tx: Tx, automation: Automation, present: Line | None) -> Line:
        deployed = service.deploy(tx, automation, actor=PLATFORM, now=self._clock.now())
        champion = champion_of(tx, automation)
        if (
            present is not None
            and present.ref.model.digest == champion.digest
            and present.ref.model.version == champion.number
        ):
            return present
        endpoint = serving.load(champion, models.fetch(tx, champion, self._cache))
        line = assemble(automation, endpoint, number=deployed.number, clock=self._clock)
        log.info("automation.ready", automation=automation.name, version=deployed.number, model_version=champion.number)
        return line


def champion_of(tx: Tx, automation: Automation) -> models.ModelVersion:
    """The model version that answers for an automation. Raises AutomationInvalid, which says how to get one."""
    try:
        return models.by_alias(tx, automation.model, CHAMPION)
    except (models.ModelNotFound, models.AliasNotFound):
        fault = Fault(
            automation.declared_at,
            f"model {automation.model!r} has no {CHAMPION}; register one with "
            f"`andon models register --from-script train.py --alias {CHAMPION}`",
        )
        raise AutomationInvalid(f"{fault.where}: {fault.message}", faults=[fault]) from None
