"""A project as a whole: its automations, what is wrong with them, and a line for commands that decide by themselves."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from andon import decisions, labels
from andon.authoring import Automation
from andon.bootstrap.connecting import Kinds, check_destinations, check_others, require_options
from andon.bootstrap.hosting import load_hosted
from andon.decisions import AutomationInvalid, AutomationNotFound, Deployment, Line
from andon.kernel.clock import Clock
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.errors import AndonError, Fault
from andon.kernel.events import Events


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that keeps an automation from running: where it is and what to do."""

    where: str
    message: str


def build_events() -> Events:
    """Who hears of what: the wiring of everything that goes up."""
    events = Events()
    labels.subscribe(events)
    return events


def load_automations(settings: Settings) -> list[Automation]:
    """All automations of the project. Raises AutomationInvalid with file and line."""
    found = [a for file in settings.project.automations for a in decisions.load_file(settings.root / file)]
    names = [automation.name for automation in found]
    kinds = Kinds(settings.root)
    for automation in found:
        require_options(automation, kinds, settings.root)
        if names.count(automation.name) > 1:
            fault = Fault(automation.declared_at, f"the name {automation.name!r} is taken by another automation")
            raise AutomationInvalid(f"{fault.where}: {fault.message}", faults=[fault])
    return found


def check_project(settings: Settings, database: Database | None) -> list[Problem]:
    """Everything that is wrong with the project's automations; with a database, also what their models lack."""
    try:
        automations = load_automations(settings)
    except AndonError as error:
        return _problems(error)
    kinds = Kinds(settings.root)
    found = [Problem(fault.where, fault.message) for fault in check_others(settings, kinds, automations)]
    for automation in automations:
        try:
            _, policy = decisions.compile_policy(automation)
            if database is not None:
                with database.begin() as tx:
                    champion = decisions.champion_of(tx, automation)
                decisions.check_signature(automation, champion)
                idle = decisions.idle_features(automation, champion, policy)
                found += [Problem(fault.where, fault.message) for fault in idle]
        except AndonError as error:
            found += _problems(error)
        found += [Problem(fault.where, fault.message) for fault in check_destinations(automation, settings, kinds)]
    return found


@contextmanager
def opened_line(settings: Settings, database: Database, clock: Clock, name: str | None) -> Iterator[Line]:
    """The line of one automation, for a command; the only one if `name` is None. Raises AutomationNotFound, AutomationInvalid."""
    automation = chosen(load_automations(settings), name)
    deployment = Deployment(
        database, [automation], cache=settings.data / "models", clock=clock, load=partial(load_hosted, settings)
    )
    deployment.refresh()
    problem = deployment.problems.get(automation.name)
    if problem is not None:
        raise problem
    yield deployment.lines[automation.name]


def chosen(automations: Sequence[Automation], name: str | None) -> Automation:
    """The automation of a name, or the only one. Raises AutomationNotFound."""
    known = ", ".join(automation.name for automation in automations)
    if name is None and len(automations) == 1:
        return automations[0]
    if name is None:
        raise AutomationNotFound(f"There are several automations; name one with --automation: {known}")
    for automation in automations:
        if automation.name == name:
            return automation
    raise AutomationNotFound(f"No automation {name!r} in this project; there is {known}")


def _problems(error: AndonError) -> list[Problem]:
    if error.faults:
        return [Problem(fault.where, fault.message) for fault in error.faults]
    return [Problem("", str(error))]
