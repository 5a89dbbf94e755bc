"""A process counts as ready when it has been loaded in time and has answered its probes as it should."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from andon.models import Matrix
from andon.serving.isolated.process import Launch, ModelProcess, ProcessGone, ProcessRefusal


class StartFailed(Exception):
    """A process did not become ready; the message says why, in words for the owner."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The probes that a process must answer before it is ready, and checks of answers that return a fault or None."""

    probes: Matrix
    fault_of_probes: Callable[[Matrix], str | None]
    fault_of: Callable[[Matrix, int], str | None]


async def start_ready(
    launch: Launch, trial: Trial, lost: Callable[[ModelProcess], None], *, within: float
) -> ModelProcess:
    """Start a process and test its probes; `lost` is called when it ends later.

    Raises StartFailed after `within` seconds.
    """
    try:
        async with asyncio.timeout(within):
            return await _tried(launch, trial, lost)
    except TimeoutError:
        raise StartFailed(f"{launch.shown} was not loaded within {within:g} s") from None
    except (ProcessRefusal, ProcessGone, OSError) as error:
        raise StartFailed(f"{launch.shown} cannot be loaded: {error}") from error


async def _tried(launch: Launch, trial: Trial, lost: Callable[[ModelProcess], None]) -> ModelProcess:
    process = await ModelProcess.start(launch, lost)
    try:
        reply = await process.predict(trial.probes)
        if fault := trial.fault_of_probes(reply.probabilities):
            raise ProcessRefusal(fault)
    except BaseException:
        await process.kill()
        raise
    return process
