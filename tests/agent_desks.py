"""A worker's desk for tests: it decides calls of tools by a real line."""

from collections.abc import Mapping
from pathlib import Path

from andon.authoring import Budget
from andon.bootstrap.measures import Measures
from andon.bootstrap.project import build_events
from andon.bootstrap.tooling import WorkerDesk
from andon.kernel.config import LanguageModelSettings, Settings
from andon.spending import Advances
from lines import Installation


def a_desk(
    installation: Installation,
    root: Path,
    *,
    budgets: Mapping[str, Budget] | None = None,
    **models: LanguageModelSettings,
) -> WorkerDesk:
    """Return a desk; a conductor closes it."""
    return WorkerDesk(
        Settings(root=root, language_models=models),
        installation.database,
        installation.decider,
        lambda: installation.deployment.lines,
        clock=installation.clock,
        metrics=Measures().tools,
        advances=Advances(budgets or {}, "USD", build_events(Settings())),
    )
