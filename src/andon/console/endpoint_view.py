"""What is shown of an endpoint, put together from the registry, the splits, the processes that are there, and spending."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from andon import decisions, live, serving, spending
from andon.access import Permission
from andon.console.context import Visitor
from andon.decisions import AutomationVersion
from andon.kernel.db import Tx
from andon.live import Figures, LineCounts, Pool, Process, Waiting
from andon.serving import EndpointNotFound, ShadowSummary, TrafficSplit
from andon.spending import BudgetState, Total

_COMPARED = 1000
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Arm:
    """A version that answers: for how many percent by the split, for which part of late, and how."""

    version: int
    share: float
    seen: float | None
    is_champion: bool
    figures: Figures


@dataclass(frozen=True, slots=True)
class User:
    """An automation that uses the endpoint, and what it spends."""

    name: str
    figures: Figures
    counts: LineCounts
    today: Sequence[Total]
    month: Sequence[Total]
    budget: BudgetState | None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint. `users` are the automations that the visitor may see, `everybody` all that use it."""

    name: str
    champion: int | None
    split: TrafficSplit
    arms: Sequence[Arm]
    figures: Figures
    waiting: Waiting
    users: Sequence[User]
    everybody: Sequence[AutomationVersion]
    pools: Sequence[Pool]
    processes: Sequence[Process]

    @property
    def budget(self) -> BudgetState | None:
        """The budget that is spent furthest."""
        budgets = [user.budget for user in self.users if user.budget is not None]
        return max(budgets, key=lambda budget: budget.used_ratio, default=None)


@dataclass(frozen=True, slots=True)
class Shadow:
    """A version that looks on: what it said in the last day, and of the newest `compared` how often it agreed with what was decided."""

    summary: ShadowSummary
    compared: int
    agreed: int

    @property
    def agreement(self) -> float | None:
        """The part in which it agreed, 0 to 1."""
        return self.agreed / self.compared if self.compared else None


def endpoints(tx: Tx, visitor: Visitor, now: datetime) -> list[Endpoint]:
    """The endpoints of the automations that a visitor may see, by name."""
    processes = live.processes(tx, now)
    by_model = _users(tx, processes)
    return [
        _endpoint(tx, name, by_model[name], processes, visitor, now)
        for name in sorted(by_model)
        if _visible(visitor, by_model[name])
    ]


def endpoint_of(tx: Tx, visitor: Visitor, name: str, now: datetime) -> Endpoint:
    """One of them. Raises EndpointNotFound, Forbidden."""
    visitor.scopes(Permission.READ_MODELS)
    processes = live.processes(tx, now)
    users = _users(tx, processes).get(name, [])
    if not _visible(visitor, users):
        raise EndpointNotFound(f"No automation that you may see uses a model {name!r}")
    return _endpoint(tx, name, users, processes, visitor, now)


def users_of(tx: Tx, name: str, now: datetime) -> Sequence[AutomationVersion]:
    """All automations that use a model, whoever looks."""
    return _users(tx, live.processes(tx, now)).get(name, [])


def shadows_of(tx: Tx, split: TrafficSplit, champion: int | None, now: datetime) -> list[Shadow]:
    """What each version that looks on said, beside what was decided."""
    return [_shadow(tx, split.endpoint, version, now - _DAY) for version in split.looking_on(champion)]


def _shadow(tx: Tx, name: str, version: int, since: datetime) -> Shadow:
    said = serving.newest_said(tx, name, version, since, limit=_COMPARED)
    decided = decisions.outcomes_of(tx, list(said))
    agreed = sum(said[decision_id] == outcome for decision_id, outcome in decided.items())
    return Shadow(serving.compare_shadows(tx, name, version, since), len(decided), agreed)


def _users(tx: Tx, processes: Sequence[Process]) -> Mapping[str, list[AutomationVersion]]:
    """The automations by model: those that the processes serve; where none is there, all that were deployed."""
    serves: dict[str, int] = {}
    for process in processes:
        for name, number in process.status.serves.items():
            serves[name] = max(number, serves.get(name, 0))
    by_model: dict[str, list[AutomationVersion]] = {}
    for newest in decisions.newest_versions(tx):
        number = serves.get(newest.name, newest.number)
        if serves and newest.name not in serves:
            continue
        version = newest if newest.number == number else decisions.version(tx, newest.name, number)
        by_model.setdefault(version.description["model"], []).append(version)
    return by_model


def _visible(visitor: Visitor, users: Sequence[AutomationVersion]) -> list[AutomationVersion]:
    return [user for user in users if visitor.may(Permission.READ_MODELS, user.name)]


def _endpoint(
    tx: Tx,
    name: str,
    users: Sequence[AutomationVersion],
    processes: Sequence[Process],
    visitor: Visitor,
    now: datetime,
) -> Endpoint:
    champion, split = serving.champion_of(tx, name), serving.split_of(tx, name)
    seen = [user.name for user in _visible(visitor, users)]
    return Endpoint(
        name=name,
        champion=champion,
        split=split,
        arms=_arms(processes, split, champion, seen),
        figures=live.figures(processes, lambda arm: arm.model == name and arm.automation in seen),
        waiting=live.waiting(processes, name),
        users=[_user(tx, user, name, processes, now) for user in seen],
        everybody=users,
        pools=live.pools(processes, name),
        processes=processes,
    )


def _arms(
    processes: Sequence[Process], split: TrafficSplit, champion: int | None, automations: Sequence[str]
) -> list[Arm]:
    """The versions that answer by the split, and those that still or only now and then do."""
    shares = split.shares if champion is None else split.answering(champion)
    named = {arm.version for p in processes for arm in p.status.arms if arm.model == split.endpoint}
    counted = {
        version: live.figures(
            processes,
            lambda arm, version=version: (
                (arm.model, arm.version) == (split.endpoint, version)  # type: ignore[misc]
                and arm.automation in automations
            ),
        )
        for version in sorted({*shares, *named})
    }
    total = sum(figures.decisions for figures in counted.values())
    return [
        Arm(
            version=version,
            share=shares.get(version, 0.0),
            seen=figures.decisions / total if total else None,
            is_champion=version == champion,
            figures=figures,
        )
        for version, figures in counted.items()
        if version in shares or figures.decisions
    ]


def _user(tx: Tx, automation: str, model: str, processes: Sequence[Process], now: datetime) -> User:
    today = now.date()
    month = spending.of(tx, automation, today.replace(day=1), today)
    return User(
        name=automation,
        figures=live.figures(processes, lambda arm: (arm.automation, arm.model) == (automation, model)),
        counts=live.line_counts(processes, automation),
        today=spending.totals(row for row in month if row.day == today),
        month=spending.totals(month),
        budget=spending.budget_state(tx, automation, now),
    )
