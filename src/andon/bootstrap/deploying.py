"""The deployment of a process: its automations, their versions loaded as the settings say, their processes started and ended."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from andon.authoring import Automation
from andon.bootstrap.hosting import load_hosted
from andon.bootstrap.installation import pepper_of
from andon.decisions import Deployment, Subjects
from andon.kernel.clock import Clock
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.serving import LoadedVersion


def deployment_of(
    settings: Settings,
    database: Database,
    automations: Sequence[Automation],
    clock: Clock,
    *,
    retire: Callable[[LoadedVersion], Coroutine[Any, Any, None]],
) -> Deployment:
    """The deployment of this process; call within its event loop, refresh it in a thread beside."""
    loop = asyncio.get_running_loop()

    def start(loaded: LoadedVersion) -> None:
        asyncio.run_coroutine_threadsafe(loaded.start(), loop).result()

    def let_go(loaded: LoadedVersion) -> None:
        asyncio.run_coroutine_threadsafe(retire(loaded), loop)

    return Deployment(
        database,
        automations,
        cache=settings.data / "models",
        clock=clock,
        subjects=Subjects(pepper_of(settings)),
        load=partial(load_hosted, settings),
        start=start,
        retire=let_go,
    )
