"""A project as a whole: its automations, their faults, and a line for commands that decide in their own process."""

from collections.abc import Sequence

from andon import (
    actions,
    decisions,
    labels,
    measures,
    monitors,
    policies,
    procedures,
    settling,
    tools,
    trials,
)
from andon.authoring import AgentSpec, Automation
from andon.bootstrap.alerting import check_alert_routes, subscribe_alerts
from andon.bootstrap.announcing import check_event_routes, event_routes
from andon.bootstrap.brokers import trouble_with_brokers
from andon.bootstrap.connecting import Kinds, check_destinations, check_others, require_options
from andon.bootstrap.deploying import rule_of_others
from andon.bootstrap.installation import pepper_of
from andon.bootstrap.trials import loading, require_tried
from andon.decisions import AuditDraws, AutomationInvalid, AutomationNotFound, Deployment, Subjects
from andon.kernel.clock import Clock
from andon.kernel.config import Settings
from andon.kernel.db import Database, Tx
from andon.kernel.errors import AndonError, Fault
from andon.kernel.events import Events
from andon.models import ModelVersion, Ready


def build_events(settings: Settings) -> Events:
    """Return the event bus with all subscribers and outside routes. Raises SettingsInvalid, ConnectorUnusable."""
    events = Events()
    labels.subscribe(events)
    measures.subscribe(events)
    monitors.subscribe(events)
    procedures.subscribe(events)
    trials.subscribe(events)
    tools.subscribe(events)
    settling.subscribe(events)
    subscribe_alerts(events)
    actions.send_outside(events, event_routes(settings, Kinds(settings.root)))
    return events


def load_automations(settings: Settings) -> list[Automation]:
    """Return all automations of the project. Raises AutomationInvalid with file and line."""
    found = [a for file in settings.project.automations for a in decisions.load_file(settings.root / file)]
    names = [automation.name for automation in found]
    kinds = Kinds(settings.root)
    for automation in found:
        require_options(automation, kinds, settings.root)
        if names.count(automation.name) > 1:
            fault = Fault(automation.declared_at, f"the name {automation.name!r} is already used by another automation")
            raise AutomationInvalid(f"{fault.where}: {fault.message}", faults=[fault])
    _check_procedures(found, settings)
    return found


def check_project(settings: Settings, database: Database | None) -> list[Fault]:
    """Return every fault of the project's automations; with a database, also what their models lack."""
    try:
        automations = load_automations(settings)
    except AndonError as error:
        return _faults(error)
    kinds = Kinds(settings.root)
    found = [*check_others(settings, kinds, automations), *check_event_routes(settings, kinds)]
    found += [*check_alert_routes(settings, kinds), *_check_agents(settings, automations)]
    for automation in automations:
        try:
            table, policy = decisions.compile_policy(automation)
            found += policies.unproven_rules(table)
            if database is not None:
                with database.begin() as tx:
                    decisions.check_lookups(tx, automation)
                    champion = decisions.champion_of(tx, automation) if automation.predicts else None
                if champion is not None:
                    decisions.check_signature(automation, champion)
                    found += decisions.idle_features(automation, champion, policy)
        except AndonError as error:
            found += _faults(error)
        found += check_destinations(automation, settings, kinds)
        found += [Fault(automation.declared_at, wrong) for wrong in trouble_with_brokers(settings, automation)]
    return found


def agents_of(automations: Sequence[Automation]) -> list[AgentSpec]:
    """Return the agents in the modules that declare the procedures of a project."""
    places = [one.body.__globals__ for automation in automations for one in automation.procedures]
    return [value for place in places for value in place.values() if isinstance(value, AgentSpec)]


def _check_agents(settings: Settings, automations: Sequence[Automation]) -> list[Fault]:
    """Report agents whose language model is missing from the settings."""
    known = settings.language_models
    return [
        Fault(
            f"language_models.{one.model}",
            f"agent {one.name!r} uses this language model, which andon.toml does not define",
        )
        for one in agents_of(automations)
        if one.model not in known
    ]


def check_force(settings: Settings, database: Database) -> list[Fault]:
    """Return where the deciding code or policy differs from the one on disk."""
    with database.begin() as tx:
        found = [(a, one) for a in load_automations(settings) for one in decisions.apart_from_force(tx, a)]
    return [Fault(automation.name, one) for automation, one in found]


def deployed_alone(settings: Settings, database: Database, clock: Clock, name: str | None) -> Deployment:
    """Return the deployment of one automation, for a command; the only one if `name` is None.

    Raises AutomationNotFound, AutomationInvalid.
    """
    automation, pepper = chosen(load_automations(settings), name), pepper_of(settings)
    events = build_events(settings)
    deployment = Deployment(
        database,
        [automation],
        cache=settings.data / "models",
        clock=clock,
        events=events,
        subjects=Subjects(pepper),
        draws=AuditDraws(pepper),
        load=loading(settings, database, clock, events),
        rule=rule_of_others(settings),
    )
    deployment.refresh()
    problem = deployment.problems.get(automation.name)
    if problem is not None:
        raise problem
    return deployment


def users_of(settings: Settings, model: str, alias: str) -> list[Automation]:
    """Return the automations that an alias's version answers for; none if the project has no automation yet."""
    if not any((settings.root / file).exists() for file in settings.project.automations):
        return []
    return [a for a in load_automations(settings) if a.model == model and decisions.answers_by(a, alias)]


def ready_for(users: Sequence[Automation], settings: Settings, tx: Tx) -> Ready:
    """Return a check of a version: every automation provides its inputs, and it passed its trial here.

    Use it within `once_tried`, which tries it, and builds the environment of an isolated version if necessary, so that
    none is built while a request waits.
    """

    def ready(version: ModelVersion) -> None:
        for automation in users:
            decisions.check_signature(automation, version)
        require_tried(tx, settings, version)

    return ready


def chosen(automations: Sequence[Automation], name: str | None) -> Automation:
    """Return the automation of a name, or the only one. Raises AutomationNotFound."""
    known = ", ".join(automation.name for automation in automations)
    if name is None and len(automations) == 1:
        return automations[0]
    if name is None:
        raise AutomationNotFound(f"There are several automations; choose one with --automation: {known}")
    for automation in automations:
        if automation.name == name:
            return automation
    raise AutomationNotFound(f"No automation {name!r} in this project; there are: {known}")


def _check_procedures(automations: Sequence[Automation], settings: Settings) -> None:
    """Require that a name belongs to one procedure only, and to no destination. Raises AutomationInvalid."""
    present: dict[str, str] = {}
    for one in (one for automation in automations for one in automation.procedures if not one.retired):
        message = ""
        if present.setdefault(one.name, one.flow) != one.flow:
            message = f"the name {one.name!r} is already used by another procedure"
        elif one.name in settings.destinations:
            message = f"procedure {one.name!r} has the same name as [destinations.{one.name}]; rename one"
        if message:
            raise AutomationInvalid(f"{one.declared_at}: {message}", faults=[Fault(one.declared_at, message)])


def _faults(error: AndonError) -> list[Fault]:
    return list(error.faults) or [Fault("", str(error))]
