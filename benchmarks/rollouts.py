"""Rollouts with known truth: rollbacks of healthy ones, time until harm is found, and time until promotion.

The tests are those of `andon.statistics`, checked after every event. For comparison, on the same line, the rules of
Flagger, Argo Rollouts and Kayenta. Everything is seeded. `--quick` takes a twentieth of the rollouts, as a smoke test.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import TypeAlias

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import goals, rollouts_healthy, rollouts_peers
from benchmarks.goals import Goal, at_most
from benchmarks.rollouts_found import (
    HARMS,
    MARGINS,
    PROMOTION_ALPHA,
    Course,
    Found,
    course_of,
    harm_found,
    promoted,
    promoted_at_the_margin,
)
from benchmarks.rollouts_traffic import Line

SEED = 20_261_203
HEALTHY, ENDING, BESIDE, JUDGED_BY_RANKS = 10_000, 2_000, 10_000, 1_000
WRONG = 132
"""Healthy rollouts of 10,000 that may be rolled back: the level of 1% and three standard errors."""
WRONGLY_PROMOTED = 566
"""The same for candidates at the margin and the level of 5%."""
ACCOUNT_LOGS = 1_000
WRONGLY_PROMOTED_ACCOUNTS = 71
"""The same of 1,000 whose unit is the account."""
SLOWER = 19
"""Healthy rollouts of 1,000 that a quantile of latencies may roll back: the level of 1% and three standard errors."""
OF_ORACLE = 1.4


Rule: TypeAlias = Callable[[Line, float, int, np.random.Generator], Course]
RULES: Mapping[str, Rule] = {
    "Andon, harm at 1%, margin +50%, 50:50": partial(course_of, 0.5),
    "Flagger, success rate of 99%": partial(rollouts_peers.flagger, 0.99),
    "Flagger, success rate of 98%": partial(rollouts_peers.flagger, 0.98),
    "Argo Rollouts, success rate of 95%": partial(rollouts_peers.argo, 0.95),
    "Argo Rollouts, success rate of 99%": partial(rollouts_peers.argo, 0.99),
    "Kayenta, 50:50": rollouts_peers.kayenta,
}
BESIDE_LINE = Line.steady(0.01, (240, 0.5))
CASES: Mapping[str, tuple[Line, float]] = {
    "healthy": (BESIDE_LINE, 1.0),
    "healthy, an outage of both arms": (BESIDE_LINE.with_outage(5, 20, 0.2), 1.0),
    "twice the errors": (BESIDE_LINE, 2.0),
}
Courses: TypeAlias = dict[str, dict[str, Course]]


def main() -> int:
    """Measure, print, and with --check report whether all goals were reached."""
    arguments = argparse.ArgumentParser(prog="script/bench rollouts", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    arguments.add_argument("--quick", action="store_true", help="a twentieth of the rollouts")
    options = arguments.parse_args()
    part = 20 if options.quick else 1
    with Console(stderr=True).status("rollouts") as status:
        healthy = {}
        for at, (name, count) in enumerate(rollouts_healthy.JUDGED.items()):
            status.update(f"healthy rollouts: {name}")
            healthy[name] = count(HEALTHY // part, np.random.default_rng([SEED, 1, at]))
        status.update("accounts whose every event counts")
        each_event = rollouts_healthy.sticky_each_event(HEALTHY // part // 10, np.random.default_rng([SEED, 2]))
        status.update("latency quantiles")
        slower = rollouts_healthy.quantile_at_the_margin(ACCOUNT_LOGS // part, np.random.default_rng([SEED, 8]))
        status.update("harm, and promotion")
        runs = ENDING // part
        harms = [harm_found(one, runs, np.random.default_rng([SEED, 3, at])) for at, one in enumerate(HARMS)]
        sound = [promoted(*one, runs, np.random.default_rng([SEED, 4, at])) for at, one in enumerate(MARGINS)]
        wrongly = promoted_at_the_margin(0.5, 0.5, 4.0, HEALTHY // part, np.random.default_rng([SEED, 5]))
        accounts = rollouts_healthy.sticky_at_the_margin(ACCOUNT_LOGS // part, np.random.default_rng([SEED, 7]))
        status.update("other tools")
        courses = _courses(part)
    judged = goals_of(healthy, harms, sound, (wrongly, accounts[0]), slower, 1 / part)
    for table in _tables(healthy, (each_event, slower), harms, sound, (wrongly, *accounts), courses, part):
        Console(width=140).print(table)
    Console(width=140).print(goals.table_of(judged))
    figures = {
        "rollouts": HEALTHY // part,
        "healthy_rolled_back": healthy,
        "at_the_margin_rolled_back_by_a_quantile_of_a_tenth": slower,
        "rolled_back_if_each_event_of_accounts_counts_of_a_tenth": each_event,
        "harm": [asdict(one) for one in harms],
        "promotion": [asdict(one) for one in sound],
        "promoted_at_the_margin": wrongly,
        "promoted_at_the_margin_by_first_decisions_of_accounts": accounts[0],
        "promoted_at_the_margin_if_first_events_of_accounts_counted": accounts[1],
        "rules": {rule: {case: asdict(one) for case, one in cases.items()} for rule, cases in courses.items()},
    }
    print(json.dumps({"benchmark": "rollouts", **figures, **goals.as_json(judged)}))
    return 1 if options.check and goals.missed(judged) else 0


def goals_of(
    healthy: Mapping[str, int],
    harms: Sequence[Found],
    sound: Sequence[Found],
    wrongly: tuple[int, int],
    slower: int,
    part: float = 1.0,
) -> list[Goal]:
    """Judge the promises for 10,000 rollouts, and the time until an answer."""
    return [
        *(
            at_most(f"rolled back of {HEALTHY * part:,.0f}: {name}", count, WRONG * part)
            for name, count in healthy.items()
        ),
        at_most(f"rolled back of {ACCOUNT_LOGS * part:,.0f}: p99 of latencies, at its margin", slower, SLOWER * part),
        *(
            at_most(f"{one.name}, candidate's requests, median", one.median, float(harm.wanted))
            for harm, one in zip(HARMS, harms, strict=True)
        ),
        *(at_most(f"promotion against the oracle, {one.name}", one.median / one.beside, OF_ORACLE) for one in sound),
        at_most("promoted although at the margin", wrongly[0], WRONGLY_PROMOTED * part),
        at_most("the same with sticky accounts, by first decisions", wrongly[1], WRONGLY_PROMOTED_ACCOUNTS * part),
    ]


def _courses(part: int) -> Courses:
    found: Courses = {}
    for at, (name, rule) in enumerate(RULES.items()):
        runs = (JUDGED_BY_RANKS if rule is rollouts_peers.kayenta else BESIDE) // part
        found[name] = {
            case: rule(line, ratio, runs, np.random.default_rng([SEED, 6, at, number]))
            for number, (case, (line, ratio)) in enumerate(CASES.items())
        }
    return found


def _tables(
    healthy: Mapping[str, int],
    beside: tuple[int, int],
    harms: Sequence[Found],
    sound: Sequence[Found],
    wrongly: tuple[int, int, int],
    courses: Courses,
    part: int,
) -> Iterator[Table]:
    kept = Table("healthy rollouts at a level of 1%", f"rolled back of {HEALTHY // part:,}")
    for name, count in healthy.items():
        kept.add_row(name, str(count))
    kept.add_row(
        "p99 of latencies, at its margin of 20%, a slow spell of both arms (a tenth of the rollouts)", str(beside[1])
    )
    kept.add_row("sticky accounts, if each event counted (a tenth of the rollouts)", str(beside[0]))
    kept.add_row(f"promoted at the margin of +50% and a level of {PROMOTION_ALPHA:.0%}", str(wrongly[0]))
    kept.add_row("the same with sticky accounts, by first decisions (a tenth)", str(wrongly[1]))
    kept.add_row("the same if first events counted (a tenth)", str(wrongly[2]))
    yield kept
    found = Table("candidate's requests until", "median", "nine of ten", "one of three guardrails", "no answer")
    promotion = Table("an equal candidate is promoted", "median", "nine of ten", "the oracle", "no answer")
    for table, several in ((found, harms), (promotion, sound)):
        for one in several:
            figures = (f"{value:,.0f}" for value in (one.median, one.high, one.beside))
            table.add_row(one.name, *figures, f"{one.never:.1%}")
        yield table
    for case in CASES:
        rules = Table(f"rules compared: {case}", "rolled back", "promoted", "canary requests, median", "minutes")
        for rule, cases in courses.items():
            course = cases[case]
            times = ("" if value is None else f"{value:,.0f}" for value in (course.canary_requests, course.minutes))
            rules.add_row(rule, f"{course.rolled_back:.1%}", f"{course.promoted:.1%}", *times)
        yield rules


if __name__ == "__main__":
    sys.exit(main())
