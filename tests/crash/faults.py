"""The faults of the chaos suite: each begins and, after a while, ends. The draw depends on the seed alone.

Which process of several is hit (a backend of PostgreSQL) depends on what lives then; everything else is the same each
time.
"""

import contextlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import psutil

from crash.plant import Plant
from receiver import HangUp, Reply, Slow

SHORT, LONG = (0.2, 1.5), (3.0, 14.0)
"""Seconds: a stutter, and longer than any lease."""

JUMPS = (-3600.0, -90.0, -7.0, 5.0, 45.0, 600.0, 7200.0)
"""Seconds by which a clock is wrong."""


@dataclass
class Fault:
    """One fault: what it is, how long it lasts, how long until the next begins."""

    kind: str
    what: str
    seconds: float
    pause: float
    begin: Callable[[Plant], None]
    end: Callable[[Plant], None] = field(default=lambda _: None)

    def __str__(self) -> str:
        lasts = f" for {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.kind} {self.what}{lasts}"


def drawn(draw: random.Random) -> Fault:
    """Return the next fault."""
    kind = draw.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    fault = KINDS[kind](draw)
    fault.pause = draw.uniform(0.02, 0.4)
    return fault


def kill(draw: random.Random) -> Fault:
    """Kill a process from one moment to the next."""
    role = draw.choice(("gateway", "gateway 2", "worker", "worker 2", "postmaster", *["backend"] * 5, *["nats"] * 3))
    which, seconds = draw.random(), draw.uniform(0.2, 2.0)
    if role == "nats":
        return Fault(
            "kill", role, seconds, 0.0, lambda plant: _broker(plant, up=False), lambda plant: _broker(plant, up=True)
        )
    return Fault("kill", role, 0.0, 0.0, lambda plant: _signal(plant, role, which, "kill"))


def freeze(draw: random.Random) -> Fault:
    """Freeze a process, which later continues, perhaps after others took over its work."""
    role = draw.choice(
        ("gateway", "gateway 2", "worker", "worker 2", "worker", "worker 2", "backend", "up", "nats", "kafka")
    )
    seconds = draw.uniform(*(LONG if role.startswith("worker") and draw.random() < 0.4 else SHORT))
    which = draw.random()
    hit: list[psutil.Process] = []

    def begin(plant: Plant) -> None:
        hit.extend(_signal(plant, role, which, "suspend"))

    def end(plant: Plant) -> None:
        del plant
        for process in hit:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    return Fault("freeze", role, seconds, 0.0, begin, end)


def cut(draw: random.Random) -> Fault:
    """Cut connections, refuse new ones for a while, or let nothing through."""
    name = draw.choice(("gateway", "database", "database", "receiver", "kafka", "nats"))
    how = draw.choice(("cut", "refuse", "stand still"))
    seconds = 0.0 if how == "cut" else draw.uniform(*SHORT)

    def begin(plant: Plant) -> None:
        proxy = plant.proxies.get(name)
        if proxy is None:
            return
        if how == "stand still":
            proxy.stand_still()
        else:
            proxy.refusing = how == "refuse"
            proxy.cut()

    return Fault("cut", f"{how} connections to the {name}", seconds, 0.0, begin, lambda plant: _go_on(plant, name))


def lose(draw: random.Random) -> Fault:
    """Lose answers: requests arrive, their answers do not."""
    name = draw.choice(("gateway", "database", "receiver", "hook", "kafka", "nats"))
    if name == "hook":
        count = draw.randrange(1, 20)
        return Fault(
            "lose",
            f"{count} answers of the receiver",
            draw.uniform(*SHORT),
            0.0,
            lambda plant: plant.receiver.plan(*[HangUp()] * count),
            lambda plant: plant.receiver.plan_nothing(),
        )
    seconds = draw.uniform(0.1, 0.6)

    def begin(plant: Plant) -> None:
        if name in plant.proxies:
            plant.proxies[name].losing = True

    return Fault("lose", f"answers of the {name}", seconds, 0.0, begin, lambda plant: _go_on(plant, name))


def refuse(draw: random.Random) -> Fault:
    """Let the receiver refuse: its disk is full, or it fails, is overloaded or slow."""
    status = draw.choice((507, 507, 500, 503, 429, 0))
    seconds = draw.uniform(0.5, 5.0)
    behaviour = Reply(status) if status else Slow(draw.uniform(0.5, 3.0))
    what = f"every delivery with {status}" if status else "no delivery at once"
    return Fault(
        "answer",
        what,
        seconds,
        0.0,
        lambda plant: plant.receiver.always(behaviour),
        lambda plant: plant.receiver.always(Reply()),
    )


def jump(draw: random.Random) -> Fault:
    """Set the clock of a process wrong, and right again later."""
    name, by = draw.choice(("gateway 2", "worker 2")), draw.choice(JUMPS)
    return Fault(
        "jump",
        f"the clock of {name} by {by:+.0f} s",
        draw.uniform(1.0, 6.0),
        0.0,
        lambda plant: plant.clocks[name].set(by),
        lambda plant: plant.clocks[name].set(0),
    )


def _go_on(plant: Plant, name: str) -> None:
    if name in plant.proxies:
        plant.proxies[name].go_on()


def _broker(plant: Plant, *, up: bool) -> None:
    """Kill NATS, which has on disk what it acknowledged, or start it again; it may be so already."""
    broker = plant.brokers.get("nats")
    if broker is None or (broker.process is not None) == up:
        return
    if up:
        broker.start()
    else:
        broker.kill()


def _signal(plant: Plant, role: str, which: float, how: str) -> list[psutil.Process]:
    """Do something to a process of a role; to none if there is none just now."""
    found = plant.found(role)
    if not found:
        return []
    process = found[int(which * len(found))]
    with contextlib.suppress(psutil.NoSuchProcess):
        getattr(process, how)()
        return [process]
    return []


KINDS: Mapping[str, Callable[[random.Random], Fault]] = {
    "kill": kill,
    "freeze": freeze,
    "cut": cut,
    "lose": lose,
    "refuse": refuse,
    "jump": jump,
}

WEIGHTS = {"kill": 30, "freeze": 20, "cut": 20, "lose": 12, "refuse": 10, "jump": 8}
"""How often each kind comes. Without libfaketime clocks do not jump, and the faults of a seed are still the same."""
