"""Cases of a project, run with a model from a folder or from the database.

The database is opened only if a case needs a model from it.
"""

from collections.abc import Sequence
from pathlib import Path

from andon import migrations, models
from andon.authoring import Automation
from andon.bootstrap.versions import load_version
from andon.cases import CaseResult, CaseRunner, FiledCase
from andon.decisions import champion_of
from andon.kernel import postgres
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.errors import NotFound
from andon.serving import LoadedVersion
from andon.testing import endpoint_of


class ModelUnknown(NotFound):
    """There is no such model: name a folder that `pack` wrote, or the number of a registered version."""


def results_of(
    settings: Settings, automations: Sequence[Automation], filed: Sequence[FiledCase], model: str | None
) -> list[CaseResult]:
    """Run cases, each with the runner of its automation. Raises ModelUnknown, and the errors of loading a model."""
    results = []
    for automation in automations:
        own = [one for one in filed if one.automation == automation.name]
        needs = automation.predicts and (model is not None or any(one.case.prediction is None for one in own))
        loaded = _loaded(settings, automation, model) if needs and own else None
        runner = CaseRunner(automation, loaded, tested=model is not None)
        results += [runner.run(one) for one in own]
    return results


def _loaded(settings: Settings, automation: Automation, model: str | None) -> LoadedVersion:
    """Load the model in a folder, a registered version, or the champion."""
    if model is not None and not model.isdigit():
        return _packed(Path(model))
    with postgres.available(settings) as url:
        database = Database(url)
        try:
            migrations.ensure(database)
            with database.begin() as tx:
                named = None if model is None else models.get(tx, automation.model, int(model))
                version = champion_of(tx, automation) if named is None else named
            return load_version(settings, database, version)
        finally:
            database.close()


def _packed(folder: Path) -> LoadedVersion:
    if not folder.is_dir():
        raise ModelUnknown(
            f"There is no folder {folder}: name one that `pack` wrote, or the number of a registered version"
        )
    return endpoint_of(folder)
