"""The deployment of a process: its automations, their loaded versions, and the processes of those versions."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any

from andon.authoring import Automation
from andon.bootstrap.installation import pepper_of
from andon.bootstrap.trials import loading
from andon.decisions import AuditDraws, Deployment, NotReleased, ReleaseRule, Releasing, Subjects
from andon.kernel.clock import Clock
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import person_here
from andon.serving import LoadedVersion


def deployment_of(
    settings: Settings,
    database: Database,
    automations: Sequence[Automation],
    clock: Clock,
    *,
    rule: ReleaseRule,
    events: Events,
    retire: Callable[[LoadedVersion], Coroutine[Any, Any, None]],
) -> Deployment:
    """Return the deployment of this process. Call it within its event loop; refresh it in a thread."""
    loop, pepper = asyncio.get_running_loop(), pepper_of(settings)

    def start(loaded: LoadedVersion) -> None:
        asyncio.run_coroutine_threadsafe(loaded.start(), loop).result()

    def let_go(loaded: LoadedVersion) -> None:
        asyncio.run_coroutine_threadsafe(retire(loaded), loop)

    return Deployment(
        database,
        automations,
        cache=settings.data / "models",
        clock=clock,
        events=events,
        subjects=Subjects(pepper),
        draws=AuditDraws(pepper),
        load=loading(settings, database, clock, events),
        start=start,
        retire=let_go,
        rule=rule,
    )


def rule_of_gateway(settings: Settings) -> ReleaseRule:
    """Return a gateway's rule: it releases its own code once ready, unless a person has to approve it."""
    return _rule(settings, Releasing.WHAT_IS_HERE, held=True)


def rule_of_others(settings: Settings) -> ReleaseRule:
    """Return a worker's or command's rule: use the code that gateways release, and release only if none is yet."""
    return _rule(settings, Releasing.FIRST, held=False)


def _rule(settings: Settings, releases: Releasing, *, held: bool) -> ReleaseRule:
    wanted = settings.releases
    return ReleaseRule(
        Releasing.NOTHING if wanted.approval == "required" else releases,
        person_here(),
        timedelta(seconds=wanted.hand_over_seconds),
        held,
    )


def unreleased(deployment: Deployment | None) -> dict[str, str]:
    """Return the automations that this process skips because its code is not the released one, with the reason."""
    problems = {} if deployment is None else deployment.problems
    return {f"automation {name}": str(error) for name, error in problems.items() if isinstance(error, NotReleased)}
