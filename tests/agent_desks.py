"""A worker's desk for tests, on an event loop of its own: it decides calls of tools by a real line."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from andon.bootstrap.measures import Measures
from andon.bootstrap.tooling import WorkerDesk
from andon.kernel.config import CostSettings, LanguageModelSettings, Settings
from lines import Installation


@contextmanager
def a_desk(installation: Installation, root: Path, **models: LanguageModelSettings) -> Iterator[WorkerDesk]:
    """Run a decider on a loop in a thread, and give the desk that uses it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    decider = installation.decider()
    settings = Settings(root=root, language_models=models, cost=CostSettings())

    async def made() -> WorkerDesk:
        return WorkerDesk(
            settings,
            installation.database,
            decider,
            lambda: installation.deployment.lines,
            clock=installation.clock,
            metrics=Measures().tools,
        )

    try:
        yield asyncio.run_coroutine_threadsafe(made(), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(decider.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
