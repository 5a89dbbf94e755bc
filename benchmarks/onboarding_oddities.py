"""Oddities of real files that `onboarding` adds to a table: each takes a table and gives another one."""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any, TypeAlias

import numpy as np

from benchmarks.onboarding_tables import START, Draw, Make, Table, moments

Change: TypeAlias = Callable[[Table, Draw], Table]

WRITTEN: dict[str, Callable[[datetime], Any]] = {
    "with_zone": lambda at: at.strftime("%Y-%m-%dT%H:%M:%S+0000"),
    "mailed": format_datetime,
    "week": lambda at: at.strftime("%G-W%V-%u"),
    "german": lambda at: at.strftime("%d.%m.%Y %H:%M"),
    "american": lambda at: at.strftime("%m/%d/%Y %I:%M %p"),
    "named": lambda at: at.strftime("%d-%b-%Y %H:%M:%S"),
    "compact": lambda at: at.strftime("%Y%m%d"),
    "slashes": lambda at: at.strftime("%Y/%m/%d %H:%M"),
    "seconds": lambda at: int(at.timestamp()),
    "milliseconds": lambda at: int(at.timestamp() * 1_000),
    "microseconds": lambda at: int(at.timestamp() * 1_000_000),
}
"""The format of a time in a file, by the name of the notation."""


def then(make: Make, *changes: Change) -> Make:
    """Make a table and change it."""

    def changed(draw: Draw) -> Table:
        table = make(draw)
        for change in changes:
            table = change(table, draw)
        return table

    return changed


def added(name: str, values: Callable[[Draw, Sequence[Any]], Sequence[Any]], target: str = "bad") -> Change:
    """Add a column in front, drawn with knowledge of the target."""
    return lambda table, draw: table.put(name, values(draw, table[target]), at=0)


def spelled(name: str, spell: Callable[[Any], Any]) -> Change:
    """Write the values of a column in another way."""
    return lambda table, _: table.put(name, [spell(value) for value in table[name]])


def varied(name: str, spellings: dict[str, tuple[Any, ...]]) -> Change:
    """Write each value of a column in one of several ways, drawn row by row."""

    def change(table: Table, draw: Draw) -> Table:
        values = [spellings[value] for value in table[name]]
        return table.put(name, [ways[int(draw.integers(len(ways)))] for ways in values])

    return change


def renamed(old: str, new: str) -> Change:
    """Give a column another name."""
    return lambda table, _: table.rename(old, new)


def timed(name: str, notation: str, *, rising: bool = True) -> Change:
    """Add a time in a notation: when the row arrived, or some day of the year before."""

    def change(table: Table, draw: Draw) -> Table:
        rows = len(table.columns[0])
        early = [START - timedelta(minutes=int(one)) for one in draw.integers(1, 500_000, rows)]
        at = moments(draw, rows) if rising else early
        return table.put(name, [WRITTEN[notation](one) for one in at])

    return change


def numbered(_: Draw, target: Sequence[Any]) -> Sequence[Any]:
    """Return the number of each row."""
    return range(len(target))


def along_the_rows(draw: Draw, target: Sequence[Any]) -> Sequence[Any]:
    """Return numbers that grow with the row in steps of any size."""
    return [int(one) for one in np.cumsum(draw.integers(1, 40, len(target)))]


def permuted(draw: Draw, target: Sequence[Any]) -> Sequence[Any]:
    """Return whole numbers, each once, in any order."""
    return [int(one) + 100_000 for one in draw.permutation(len(target))]


def text_ids(draw: Draw, target: Sequence[Any]) -> Sequence[Any]:
    """Return a UUID for each row."""
    return [str(uuid.UUID(bytes=draw.bytes(16))) for _ in target]


def names(draw: Draw, target: Sequence[Any]) -> Sequence[Any]:
    """Return one of a thousand names for each row."""
    return [f"Merchant {int(one)}" for one in draw.integers(1_000, size=len(target))]


def free_text(draw: Draw, target: Sequence[Any]) -> Sequence[Any]:
    """Return a remark for each row, some of several lines."""
    words = ("called", "paid;", "said that\nit was", '"urgent"', "asks, again", "nothing", "wants more")
    return [" ".join(draw.choice(words, 5)) + f" {number}" for number in range(len(target))]


def refund(draw: Draw, target: Sequence[Any]) -> Sequence[Any]:
    """Return values that are filled in only for bad rows, and for most of those."""
    return [int(draw.integers(1, 99)) if one == "yes" and draw.random() < 0.7 else None for one in target]


def copied(draw: Draw, target: Sequence[Any]) -> Sequence[Any]:
    """Return the target in other words, wrong in three of a thousand rows."""
    return ["closed" if (one == "yes") == (draw.random() > 0.003) else "open" for one in target]


def scored(draw: Draw, target: Sequence[Any]) -> Sequence[Any]:
    """Return a number that orders the target nearly by itself."""
    return [round(float(draw.normal(4.0 * (one == "yes"), 1.0)), 4) for one in target]


def settled(table: Table, draw: Draw) -> Table:
    """Add when a row arrived and when it was settled, some days later."""
    came = moments(draw, len(table.columns[0]))
    late = [one + timedelta(days=float(days)) for one, days in zip(came, draw.exponential(9.0, len(came)), strict=True)]
    spell = WRITTEN["with_zone"]
    return table.put("created_at", [spell(one) for one in came]).put("settled_at", [spell(one) for one in late])


def heavy_tails(table: Table, draw: Draw) -> Table:
    """Add columns whose next value may be a thousand times the largest so far."""
    rows = len(table.columns[0])
    for number, shape in enumerate((0.6, 0.9, 1.2)):
        table = table.put(f"volume_{number}", [round(float(one), 3) for one in draw.pareto(shape, rows)], at=number)
    return table


def gaps(table: Table, draw: Draw) -> Table:
    """Empty three in ten cells of every column but the last, the target."""
    columns = [[None if draw.random() < 0.3 else cell for cell in column] for column in table.columns[:-1]]
    return Table(table.names, (*columns, table.columns[-1]), table.file_rows)


def unlabelled(table: Table, draw: Draw) -> Table:
    """Empty the target of a fifth of the rows of the file."""
    emptied = [
        None if at < table.file_rows and draw.random() < 0.2 else one for at, one in enumerate(table.columns[-1])
    ]
    return table.put(table.names[-1], emptied)


def constants(table: Table, _: Draw) -> Table:
    """Add a column without values and one that is always the same."""
    rows = len(table.columns[0])
    return table.put("unused", [None] * rows, at=0).put("currency", ["EUR"] * rows, at=2)


def new_categories(table: Table, draw: Draw) -> Table:
    """Give a tenth of the held-out rows a country that the file does not have."""
    moved = ["BR" if at >= table.file_rows and draw.random() < 0.1 else one for at, one in enumerate(table["country"])]
    return table.put("country", moved)


def drifting(draw: Draw) -> Table:
    """Make loans whose amounts grow gradually, so that more of them default; the cause of a default stays the same."""
    rows, held_out = 6_000, 2_000
    n = rows + held_out
    grown = np.linspace(0.0, 0.8, n)
    amount, income = np.round(draw.lognormal(3.6 + grown, 1, n), 2), np.round(draw.lognormal(8, 0.5, n), 2)
    country = draw.choice(("DE", "FR", "US", "XK"), n)
    risk = np.log(amount) - 4 + 1.5 * (country == "XK") - 0.8 * (np.log(income) - 8) - 0.6
    bad = draw.random(n) < 1 / (1 + np.exp(-6 * risk))
    came = [at.strftime("%Y-%m-%d %H:%M:%S") for at in moments(draw, n)]
    columns = (came, amount.tolist(), income.tolist(), country.tolist(), [int(one) for one in bad])
    return Table(("created", "amount", "income", "country", "bad"), columns, rows)


def bursts(draw: Draw) -> Table:
    """Make payments by accounts, where many in a short time by one account are fraud."""
    rows, held_out = 5_000, 1_500
    at, left, account = 0.0, 0, 0
    found: list[tuple[str, str, int, str, int]] = []
    for _ in range(rows + held_out):
        at += draw.exponential(10.0) + 0.02
        if left == 0 and draw.random() < 0.06:
            account, left = int(draw.integers(100)), 8
        one = account if left else int(draw.integers(100))
        fraud, left = int(0 < left < 6), max(0, left - 1)
        came = (START + timedelta(minutes=at)).strftime("%Y-%m-%d %H:%M:%S")
        found.append((came, f"A{one}", int(draw.integers(1, 120)), str(draw.choice(("DE", "FR"))), fraud))
    return Table(("paid at", "account", "amount", "country", "is_fraud"), tuple(zip(*found, strict=True)), rows)


def wide(draw: Draw) -> Table:
    """Make 2,000 columns, ten of which are informative about the target."""
    rows, held_out, columns = 1_000, 1_000, 2_000
    matrix = draw.normal(size=(rows + held_out, columns)).round(4)
    bad = matrix[:, :10].sum(axis=1) + draw.normal(size=rows + held_out) > 0
    named = (*(f"sensor_{at}" for at in range(columns)), "bad")
    return Table(named, (*(matrix[:, at].tolist() for at in range(columns)), [int(one) for one in bad]), rows)


def kinds_of_mail(draw: Draw) -> Table:
    """Make four classes in text, one of which is rare."""
    n = 6_000
    kind = draw.choice(("complaint", "order", "question", "spam"), n, p=(0.25, 0.4, 0.3, 0.05))
    length = np.array([{"complaint": 900, "order": 300, "question": 500, "spam": 120}[one] for one in kind])
    sender = {"complaint": "customer", "order": "shop", "question": "customer", "spam": "unknown"}
    seen = [sender[one] if draw.random() < 0.97 else "partner" for one in kind]
    columns = (
        np.round(length * draw.lognormal(0, 0.15, n)).astype(int).tolist(),
        seen,
        draw.integers(0, 5, n).tolist(),
        draw.integers(0, 24, n).tolist(),
        kind.tolist(),
    )
    return Table(("length", "sender", "attachments", "hour", "kind"), columns, 4_000)
