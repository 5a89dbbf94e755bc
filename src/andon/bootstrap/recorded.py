"""The lines that made recorded decisions, built again: the model version and the policy as they were then."""

from dataclasses import dataclass, field
from pathlib import Path

from andon import decisions, models, policies
from andon.authoring import Automation
from andon.bootstrap.hosting import load_hosted
from andon.bootstrap.project import chosen, load_automations
from andon.decisions import DecisionRecord, Line
from andon.kernel.config import Settings
from andon.kernel.db import Database


@dataclass(slots=True)
class RecordedLines:
    """Lines by the versions in a record; with `model_version`, all of them predict with that one instead."""

    settings: Settings
    database: Database
    name: str | None
    model_version: int | None
    _declared: Automation = field(init=False)
    _lines: dict[tuple[int, int, str], Line] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._declared = chosen(load_automations(self.settings), self.name)

    @property
    def automation(self) -> str:
        """The automation's name."""
        return self._declared.name

    def of(self, record: DecisionRecord) -> Line:
        """The line for one record. Raises VersionNotFound, AutomationInvalid."""
        row = record.row
        key = (row.automation_version, self.model_version or row.model_version, row.policy_version)
        if key not in self._lines:
            self._lines[key] = self._build(*key)
        return self._lines[key]

    def _build(self, automation_version: int, model_version: int, policy_version: str) -> Line:
        with self.database.begin() as tx:
            deployed = decisions.version(tx, self.automation, automation_version)
            model = models.get(tx, deployed.description["model"], model_version)
            folder = models.fetch(tx, model, self._cache)
            published = policies.find(tx, self.automation, policy_version)
        text = deployed.description["policy"] if published is None else published.text
        then = decisions.as_deployed(self._declared, deployed, text)
        return decisions.assemble(then, load_hosted(self.settings, model, folder), number=automation_version)

    @property
    def _cache(self) -> Path:
        return self.settings.data / "models"
