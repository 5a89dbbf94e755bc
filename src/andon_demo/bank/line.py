"""The line of a story: a newly written project, all its processes, and the bank in front of it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from andon_demo import project
from andon_demo.bank import traffic
from andon_demo.bank.api import LineApi
from andon_demo.bank.people import People
from andon_demo.bank.traffic import Traffic
from andon_demo.line import Line
from andon_demo.stage import Stage, console, phase, prepare, show_doors, shown, stay, undisturbed_end

SEED = 2


@dataclass(frozen=True, slots=True)
class BankLine:
    """A running line, with its API, its traffic, and the people who work for it."""

    line: Line
    api: LineApi
    traffic: Traffic
    people: People


@contextmanager
def bank_line(stage: Stage, write: Callable[[Path], Path], planned: Mapping[str, int]) -> Iterator[BankLine]:
    """Start the project that `write` makes, with this many transfers of each part; stay up at the end if asked to."""
    with phase("Writing a project (andon init)"):
        folder = write(stage.folder)
    with phase("Simulating the bank"):
        parts = traffic.planned(SEED, planned)
    with (
        Line(folder, environment={"CORE_BANKING_SECRET": "whsec_bm9ib2R5IGlzIGV2ZXIgc2VudCBhbnl0aGluZyBoZXJl"}) as line,
        undisturbed_end(),
    ):
        key = prepare(line)
        show_doors(line, key)
        reviewer = line.key("reviewer", "reviewer")
        sent = Traffic(line.url, key, project.AUTOMATION, parts)
        api = LineApi(line.gateway, key, project.AUTOMATION)
        yield BankLine(line, api, sent, People(line.url, reviewer, sent))
        if not stage.once:
            stay(line, key)
    console.print(f"Stopped. The records are in {shown(folder)}.")
