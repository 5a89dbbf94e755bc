"""The page of an endpoint, assembled from the registry, splits, live processes and spending."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from andon import decisions, live, serving, spending
from andon.access import Permission
from andon.console.context import Visitor
from andon.decisions import AutomationVersion
from andon.kernel.db import Tx
from andon.live import Figures, LineCounts, Pool, Process, WaitingCounts
from andon.serving import Candidate, EndpointNotFound, TrafficSplit
from andon.spending import BudgetState, Total


@dataclass(frozen=True, slots=True)
class Answering:
    """A version that answers or did recently: its share of decisions, and how. `place` is its colour."""

    version: int
    place: int
    seen: float | None
    is_champion: bool
    figures: Figures


@dataclass(frozen=True, slots=True)
class TrafficShare:
    """A candidate's part of an automation's traffic, in percent. `place` is the colour of its version."""

    candidate: Candidate
    share: float
    place: int


@dataclass(frozen=True, slots=True)
class User:
    """An automation that uses the endpoint, how its traffic is split, and what it spends."""

    name: str
    split: TrafficSplit
    shares: Sequence[TrafficShare]
    looking_on: Sequence[Candidate]
    figures: Figures
    counts: LineCounts
    today: Sequence[Total]
    month: Sequence[Total]
    budget: BudgetState | None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint. `users` are the automations that the visitor may see, `everybody` all that use it.

    `shared_load`: the visitor may see figures of a process or a version that count the work for all automations.
    """

    name: str
    champion: int | None
    arms: Sequence[Answering]
    figures: Figures
    waiting: WaitingCounts
    users: Sequence[User]
    everybody: Sequence[AutomationVersion]
    pools: Sequence[Pool]
    processes: Sequence[Process]
    shared_load: bool

    @property
    def budget(self) -> BudgetState | None:
        """The budget that is spent furthest."""
        budgets = [user.budget for user in self.users if user.budget is not None]
        return max(budgets, key=lambda budget: budget.used_ratio, default=None)


def endpoints(tx: Tx, visitor: Visitor, now: datetime) -> list[Endpoint]:
    """Return the endpoints of the automations that a visitor may see, by name."""
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
    """Return all automations that use a model, regardless of the visitor."""
    return _users(tx, live.processes(tx, now)).get(name, [])


def _users(tx: Tx, processes: Sequence[Process]) -> Mapping[str, list[AutomationVersion]]:
    """Return the automations by model: those that processes serve, or all deployed ones without processes."""
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
    champion = serving.champion_of(tx, name)
    seen = [user.name for user in _visible(visitor, users)]
    splits = {user: serving.split_of(tx, user, name) for user in seen}
    arms = _arms(processes, name, splits.values(), champion, seen)
    named = {
        one.version for split in splits.values() for one in (*split.answering(champion), *split.looking_on(champion))
    }
    known = len(seen) == len(users)
    return Endpoint(
        name=name,
        champion=champion,
        arms=arms,
        figures=live.figures(processes, lambda arm: arm.model == name and arm.automation in seen),
        waiting=live.waiting(processes, seen),
        users=[_user(tx, split, champion, arms, processes, now) for split in splits.values()],
        everybody=users,
        pools=[pool for pool in live.pools(processes, name) if known or pool.version in named],
        processes=live.processes_of(processes, seen),
        shared_load=visitor.principal.scopes(Permission.READ_MODELS) is None,
    )


def _arms(
    processes: Sequence[Process],
    model: str,
    splits: Iterable[TrafficSplit],
    champion: int | None,
    automations: Sequence[str],
) -> list[Answering]:
    """Return the versions that answer by the splits, and those that still or occasionally do."""
    shares = {candidate.version for split in splits for candidate in split.answering(champion)}
    named = {arm.version for p in processes for arm in p.status.arms if arm.model == model}
    counted = {
        version: live.figures(
            processes,
            lambda arm, version=version: (
                (arm.model, arm.version) == (model, version) and arm.automation in automations  # type: ignore[misc]
            ),
        )
        for version in sorted(shares | named)
    }
    total = sum(figures.decisions for figures in counted.values())
    shown = [version for version, figures in counted.items() if version in shares or figures.decisions]
    return [
        Answering(
            version=version,
            place=place,
            seen=counted[version].decisions / total if total else None,
            is_champion=version == champion,
            figures=counted[version],
        )
        for place, version in enumerate(shown)
    ]


def _user(
    tx: Tx,
    split: TrafficSplit,
    champion: int | None,
    arms: Sequence[Answering],
    processes: Sequence[Process],
    now: datetime,
) -> User:
    today, automation, places = now.date(), split.automation, {arm.version: arm.place for arm in arms}
    month = spending.of(tx, automation, today.replace(day=1), today)
    return User(
        name=automation,
        split=split,
        shares=[TrafficShare(one, share, places[one.version]) for one, share in split.answering(champion).items()],
        looking_on=split.looking_on(champion),
        figures=live.figures(processes, lambda arm: (arm.automation, arm.model) == (automation, split.model)),
        counts=live.line_counts(processes, automation),
        today=spending.totals(row for row in month if row.day == today),
        month=spending.totals(month),
        budget=spending.budget_state(tx, automation, now),
    )
