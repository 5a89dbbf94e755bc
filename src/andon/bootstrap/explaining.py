"""Explanations of decisions in a gateway, a console or a command: the model is run again, one decision at a time."""

from collections.abc import Callable, Sequence
from threading import Lock

from andon import models, serving
from andon.authoring import Automation
from andon.bootstrap.project import chosen, load_automations
from andon.bootstrap.versions import fetch_tried
from andon.decisions import Contract, DecisionRecord, Explain, Explanation, NotExplained, explain, read_for_explaining
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.models import ModelVersion
from andon.serving import LoadedVersion


def explaining(
    settings: Settings,
    database: Database,
    declared: Callable[[str], Automation] | None = None,
    here: Callable[[], Sequence[LoadedVersion]] = tuple,
) -> Explain:
    """Make the function that explains decisions in this process.

    `declared` returns an automation by name; by default it is loaded from the project's code. `here` lists the versions
    that are already loaded. Of all others, only the last one is kept.
    """
    alone = Lock()
    kept: list[LoadedVersion] = []

    def loaded_for(version: ModelVersion) -> LoadedVersion:
        for loaded in (*here(), *kept):
            if loaded.inline and loaded.version.digest == version.digest:
                return loaded
        if version.trusted or version.manifest.runtime.isolated_only:
            raise NotExplained(
                f"{version.name} {version.number} contains its own code, which is not run only to explain a decision"
            )
        kept[:] = [serving.load(version, fetch_tried(settings, database, version))]
        return kept[0]

    def of(record: DecisionRecord) -> Explanation:
        decision = read_for_explaining(record)
        name, model = record.row.automation, decision.line.model
        automation = chosen(load_automations(settings), name) if declared is None else declared(name)
        with database.begin() as tx:
            version = models.get(tx, model.name, model.version)
        with alone:
            return explain(decision, Contract(automation.contract), loaded_for(version))

    return of
