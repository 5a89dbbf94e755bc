"""A long made-up history of one line: the services make it, and the story notes by itself what a person would count.

Nothing here knows how Andon counts. Each episode notes its own changes and rollbacks when it makes them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from andon.cord import LineState
from andon.kernel.identity import PLATFORM, Actor
from changing import MODEL, OLGA, ChangingLine, policy_version

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(slots=True)
class Noted:
    """A change as the story made it."""

    at: datetime
    kind: str
    lead: timedelta | None
    undone_at: datetime | None = None


@dataclass(slots=True)
class Held:
    """A span of trouble: the cord held (`stopped` or supervised, a `part` or the line), or an incident open."""

    what: str
    at: datetime
    until: datetime | None = None
    state: LineState = LineState.SUPERVISED


@dataclass(slots=True)
class Story:
    """Writes episodes until there are enough changes."""

    line: ChangingLine
    now: datetime
    random: Random = field(default_factory=lambda: Random(33))
    changes: list[Noted] = field(default_factory=list)
    rollbacks: list[Actor] = field(default_factory=list)
    troubles: list[Held] = field(default_factory=list)
    began: datetime | None = None
    _later: list[tuple[datetime, Callable[[datetime], None]]] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    _version: int = 0
    _own: dict[int, int] = field(default_factory=dict)
    _policy: int = 0
    _champion: int = 0
    _deployed: dict[int, datetime] = field(default_factory=dict)

    def write(self, changes: int) -> None:
        """Make so many changes, and give all that was begun a while to end."""
        self._begin()
        episodes = (
            *(self._release,) * 4,
            self._old_release,
            *(self._set_policy,) * 4,
            self._try_version,
            self._try_policy,
            self._promote,
            self._narrow,
            self._pull,
            self._open,
        )
        while len(self.changes) < changes:
            self._pass(self._hours(2, 60))
            self.random.choice(episodes)()
        self._pass(DAY)

    def _begin(self) -> None:
        self._champion = self._new_version(self.now - 9 * DAY)
        self.line.promote(self._champion, self.now - 8 * DAY)
        self._policy = self._next("policy")
        self._bring(self._policy, 5 * HOUR)
        self.began = self.now

    # Episodes

    def _release(self) -> None:
        """Release new code, now and then with a policy of its own; a third of it is rolled back."""
        previous, policy = self._version, self._policy
        own = self._own[previous]
        with_policy = own == policy and self.random.random() < 0.3
        version = self._bring(self._next("policy") if with_policy else own, self._hours(1, 90))
        noted = self.changes[-1]
        if self.random.random() < 0.35:
            self._pass(self._hours(1, 150))
            by = self._somebody()
            self.line.release(previous, self.now, by=by, reason="errors")
            self._roll_back(noted, by)
            self._version, self._policy = previous, policy
        else:
            self._version = version
            self._policy = self._own[version] if with_policy else policy

    def _old_release(self) -> None:
        """Back to earlier code after more than a week, which is a change like any other."""
        same = [one for one, own in self._own.items() if own == self._own[self._version] and one != self._version]
        if not same:
            return
        self._pass(8 * DAY)
        version = self.random.choice(same)
        self.line.release(version, self.now)
        self._note("release", self.now - self._deployed[version])
        self._version = version

    def _set_policy(self) -> None:
        """Another policy; a third goes back soon."""
        before, policy, lead = self._policy, self._next("policy"), self._hours(0, 30)
        self.line.publish(policy, self.now - lead)
        self.line.set_policy(policy, self.now)
        noted = self._note("policy", lead)
        if self.random.random() < 0.3:
            self._pass(self._hours(1, 160))
            by = self._somebody()
            self.line.set_policy(before, self.now, by=by)
            self._roll_back(noted, by)
        else:
            self._policy = policy

    def _try_version(self) -> None:
        """Give a new version a share: taken away soon, taken away late, or promoted."""
        lead = self._hours(1, 200)
        version = self._new_version(self.now - lead)
        self.line.split({str(version): 5}, self.now)
        noted, chance = self._note("split", lead), self.random.random()
        self._pass(self._hours(1, 40))
        self.line.split({str(version): 25}, self.now)
        if chance < 0.35:
            self._pass(self._hours(1, 100))
            by = self._somebody()
            self.line.split({}, self.now, by=by)
            self._roll_back(noted, by)
        elif chance < 0.5:
            self._pass(8 * DAY)
            self.line.split({}, self.now)
        else:
            self._pass(self._hours(1, 40))
            self._make_champion(version, self.now - (noted.at - lead))
            self._pass(HOUR)
            self.line.split({}, self.now)

    def _try_policy(self) -> None:
        """Give the champion a share by a policy of its own, which is taken away."""
        lead, policy = self._hours(1, 20), self._next("policy")
        self.line.publish(policy, self.now - lead)
        self.line.split({f"{self._champion}+{policy_version(policy)}": 50}, self.now)
        noted, soon = self._note("split", lead), self.random.random() < 0.5
        self._pass(self._hours(1, 160) if soon else 9 * DAY)
        by = self._somebody()
        self.line.split({}, self.now, by=by)
        if soon:
            self._roll_back(noted, by)

    def _promote(self) -> None:
        """Promote a new champion at once; a third goes back soon."""
        before, lead = self._champion, self._hours(1, 300)
        noted = self._make_champion(self._new_version(self.now - lead), lead)
        if self.random.random() < 0.35:
            self._pass(self._hours(1, 160))
            by = self._somebody()
            self.line.promote(before, self.now, by=by)
            self._roll_back(noted, by)
            self._champion = before

    def _narrow(self) -> None:
        """Require more confidence."""
        arm = f"{MODEL}@{self._champion}+{policy_version(self._policy)}"
        self.line.prove(arm, 0.9, self.now)
        self._pass(HOUR)
        self.line.narrow(arm, 0.91 + self.random.random() / 20, self.now)
        self._note("gate", None)

    def _pull(self) -> None:
        """Pull the cord of the line or a part, and release it later, while other things go on."""
        part = {"country": "AT"} if self.random.random() < 0.4 else {}
        what = "part" if part else "line"
        if any(one.what == what and one.until is None for one in self.troubles):
            return
        state = self.random.choice([LineState.SUPERVISED, LineState.STOPPED])
        self.line.pull(self.now, state, self._somebody(), **part)
        self._hold(Held(what, self.now, state=state), lambda at: self.line.let_go(at, **part))

    def _open(self) -> None:
        """Open an incident and end it later."""
        if any(one.what == "incident" and one.until is None for one in self.troubles):
            return
        incident: UUID = self.line.open_incident(self.now)
        self._hold(Held("incident", self.now), lambda at: self.line.end_incident(incident, at))

    # Parts of episodes

    def _bring(self, policy: int, lead: timedelta) -> int:
        version = self.line.deploy(self._next("code"), policy, self.now - lead)
        self.line.release(version, self.now)
        self._own[version], self._version = policy, version
        self._deployed[version] = self.now - lead
        self._note("release", lead)
        return version

    def _make_champion(self, version: int, lead: timedelta) -> Noted:
        self.line.promote(version, self.now)
        self._champion = version
        return self._note("promotion", lead)

    def _note(self, kind: str, lead: timedelta | None) -> Noted:
        self.changes.append(Noted(self.now, kind, lead))
        return self.changes[-1]

    def _roll_back(self, noted: Noted, by: Actor) -> None:
        noted.undone_at = self.now
        self.rollbacks.append(by)

    def _hold(self, held: Held, end: Callable[[datetime], None]) -> None:
        self.troubles.append(held)

        def over(at: datetime) -> None:
            end(at)
            held.until = at

        self._later.append((self.now + self._hours(1, 100), over))

    def _pass(self, span: timedelta) -> None:
        """Let time pass; what was to end meanwhile ends at its own moment."""
        until = self.now + span
        for at, over in sorted((one for one in self._later if one[0] <= until), key=lambda one: one[0]):
            over(at)
        self._later = [one for one in self._later if one[0] > until]
        self.now = until

    def _new_version(self, at: datetime) -> int:
        number = self._next("model")
        self.line.register(number, at)
        return number

    def _next(self, what: str) -> int:
        self._numbers[what] = self._numbers.get(what, 0) + 1
        return self._numbers[what]

    def _hours(self, least: float, most: float) -> timedelta:
        return timedelta(minutes=round(self.random.uniform(least, most) * 60))

    def _somebody(self) -> Actor:
        return self.random.choice([PLATFORM, OLGA])
