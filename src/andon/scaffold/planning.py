"""Planning: turns a data file into everything the templates need, or gives the reason why it cannot be used."""

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from andon import datafile, notations
from andon.authoring import MOST_CHARACTERS
from andon.datafile import Source
from andon.models import SentenceEmbedding, groups_worth
from andon.scaffold import keeping, leaks, profile, quantities, row_order, target, times, trial, windows
from andon.scaffold.domain import ORDERING, Column, ColumnKind, Plan, Target, TimeFeature
from andon.scaffold.errors import DataUnusable
from andon.scaffold.profile import Table
from andon.scaffold.proposal import propose
from andon.scaffold.quantities import Classing

HELD_OUT = 0.25
"""The share of the rows that a model is measured on; the newest ones where there is a time."""
LEAST_HELD_OUT, MOST_HELD_OUT = 0.05, 0.75
ENOUGH_HELD_OUT = 10
"""Rows of each class that a proposed split holds out, if there are enough."""
_MOST_OF_FEW = 0.4
_ROWS_THAT_PROVE = 240.0
"""The held-out rows that prove an error of 5% with room for a few errors: three quarters of them test it."""
FEWEST_HELD_OUT = 2
"""Rows of each class among them: one to calibrate with, one to measure on."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to read the file and split its rows: sheet or file in an archive, line of the header, share to measure on.

    `keep` names columns that would be left out; `windows` says whether windows are written (None: those that gain);
    `classing` makes classes of a target of numbers. `embedding` reads free text by its meaning, not by its words.
    `groups` is the column whose equal values belong together, such as an account.
    """

    sheet: str | None = None
    header: int | None = None
    held_out: float | None = None
    keep: tuple[str, ...] = ()
    windows: bool | None = None
    classing: Classing | None = None
    embedding: SentenceEmbedding | None = None
    groups: str | None = None


_DEFAULT = Options()


def plan(
    name: str,
    source: Source,
    *,
    target_name: str,
    time_name: str | None,
    positive: str | None,
    options: Options = _DEFAULT,
) -> Plan:
    """Look at the whole file once and decide what the project will contain. Raises DataUnusable, DataFileInvalid."""
    with datafile.reading(source, sheet=options.sheet, header=options.header) as data:
        table = profile.load(data)
        if table.rows < 2:
            raise DataUnusable(
                f"{source} holds {'one row' if table.rows else 'no rows'}; nothing can be learnt from it"
            )
        columns, read = profile.columns(data, table)
        written = aim = target.find(columns, target_name, "target")
        cuts = None
        if options.classing is not None:
            aim, cuts = quantities.cut(table, written, options.classing)
        elif target.is_quantity(aim):
            raise DataUnusable(_about_quantity(aim, quantities.proposed(table, aim, name, source, time_name)))
        goal, told = target.learn(table, aim, positive, () if cuts is None else cuts.classes)
        if cuts is not None:
            told = [f"{written.name}: {cuts.words()}", *told]
        held_out = _held_out(options.held_out, sum(goal.counts), time_name)
        time = None if time_name is None else _time(table, columns, time_name, aim, held_out)
        keeping.check(columns, options.keep, aim)
        others = [column for column in columns if column is not written]
        inputs, kept = _inputs(table, others, aim, goal, time, options.keep)
        time = None if time is None else target.find(inputs, time.name, "time")
        parts, aged = times.features(table, inputs, aim, goal, time)
        _check_features(source, inputs, parts)
        _check_texts(inputs, options)
        tried = windows.tried(table, inputs, aim, goal, time, options.windows)
        together = None if options.groups is None else _groups(inputs, options.groups, aim, time)
        worth = 1.0 if together is None else _worth(table, aim, together, time, held_out)
        proposal = propose(goal, trial.run(table, aim, goal, inputs, time, held_out * worth))
    notes = [
        *data.notices,
        *told,
        *_about_rows(goal, time, table.rows),
        *([] if together is None else [_about_groups(together, worth)]),
        *_about_times(inputs, time, table.rows),
        *read,
        *kept,
        *_left_out(inputs, time),
        *aged,
        *map(windows.about, tried),
    ]
    return Plan(
        name,
        source,
        table.rows,
        tuple(inputs),
        goal,
        time,
        proposal,
        held_out,
        tuple(notes),
        parts,
        tried,
        sheet=options.sheet,
        header=options.header,
        any_case=aim.kind is ColumnKind.BOOLEAN and aim.cell.startswith("lower("),
        cuts=cuts,
        embedding=options.embedding,
        groups=together,
    )


def _about_quantity(column: Column, command: str) -> str:
    return (
        f"The target {column.name!r} is a quantity ({column.distinct:,} different numbers), but a line decides "
        "between classes. "
        "This command makes three classes of about equal size; name others, and cut where your decision "
        "changes:\n\n    "
        f"{command}\n"
    )


def _held_out(asked: float | None, rows: int, time_name: str | None) -> float:
    """Return the share asked for; else a quarter, or more of few rows split at random, so that they prove something."""
    if asked is not None:
        if not LEAST_HELD_OUT <= asked <= MOST_HELD_OUT:
            raise DataUnusable(f"--held-out {asked:g}: expected a share from {LEAST_HELD_OUT:g} to {MOST_HELD_OUT:g}")
        return asked
    return HELD_OUT if time_name is not None else round(min(_MOST_OF_FEW, max(HELD_OUT, _ROWS_THAT_PROVE / rows)), 2)


def _inputs(
    table: Table, others: Sequence[Column], aim: Column, goal: Target, time: Column | None, keep: Sequence[str]
) -> tuple[list[Column], list[str]]:
    """Return the other columns, with reasons to leave some out, and a note for each one kept in spite of its reason."""
    judged = leaks.find(table, row_order.find(table, others), aim, goal, time)
    ordered = [_ordering(column) if time is not None and column.name == time.name else column for column in judged]
    notes = [f"{c.name}: kept as you asked, though it {c.reason}" for c in ordered if c.name in keep and c.reason]
    return [keeping.kept(table, c) if c.name in keep else c for c in ordered], notes


def _ordering(column: Column) -> Column:
    return replace(column, reason=ORDERING)


def _time(table: Table, columns: Sequence[Column], name: str, aim: Column, held_out: float) -> Column:
    column = target.find(columns, name, "time")
    if column.name == aim.name:
        raise DataUnusable(f"{name!r} cannot be both the target and the time")
    if column.number is None:
        count, odd = profile.unordered(table, column)
        raise DataUnusable(
            f"--time {name!r}: {count:,} of {round(table.rows * (1 - column.missing)):,} values order no rows, "
            f"such as {odd};"
            f" expected {notations.TAKEN}"
        )
    ranked = (
        f"SELECT {aim.cell} AS y, row_number() OVER (ORDER BY {column.number} DESC) AS age, count(*) OVER () AS n"
        f" FROM {profile.TABLE} WHERE {aim.cell} IS NOT NULL AND {column.number} IS NOT NULL"
    )
    newest = f"count(*) FILTER (age <= {held_out} * n)"
    enough = f"min_by(age, age, {ENOUGH_HELD_OUT})"
    parts = table.connection.execute(
        f"SELECT y, {newest}, count(*), {enough}, max(age), any_value(n) FROM ({ranked}) GROUP BY y"
    ).fetchall()
    for value, new, rows, *_ in parts:
        if new < FEWEST_HELD_OUT or new == rows:
            raise DataUnusable(
                f"--time {name!r}: {new:,} of {rows:,} rows of {aim.name} {str(value)!r} are in the newest"
                f" {_share(held_out)}, on which the model is measured; some of them must be, but not all. "
                f"{_proposal(parts)}"
            )
    return column


def _groups(columns: Sequence[Column], name: str, aim: Column, time: Column | None) -> Column:
    """Return the column by which rows belong together, which callers must send."""
    column = aim if name == aim.name else target.find(columns, name, "groups")
    if column.name == aim.name or (time is not None and column.name == time.name):
        raise DataUnusable(f"--groups {name!r}: it is the {'target' if column.name == aim.name else 'time'}")
    if not column.kind.carried:
        raise DataUnusable(f"--groups {name!r}: it {column.reason}, so it is not part of the contract")
    return column


def _worth(table: Table, aim: Column, groups: Column, time: Column | None, held_out: float) -> float:
    """Return the part of the held-out rows that counts if one of each group does; a row without a group counts."""
    # At random whole groups are held out, by time the newest rows of each.
    known, newest = f"{aim.cell} IS NOT NULL", "true"
    if time is not None:
        known, newest = f"{known} AND {time.number} IS NOT NULL", f"age <= {held_out} * n"
    order = "" if time is None else f"ORDER BY {time.number} DESC"
    ranked = (
        f"SELECT {groups.cell} AS own, row_number() OVER ({order}) AS age, count(*) OVER () AS n"
        f" FROM {profile.TABLE} WHERE {known}"
    )
    counted = table.connection.execute(
        f"SELECT own IS NULL, count(*) FROM ({ranked}) WHERE {newest} GROUP BY own"
    ).fetchall()
    alone = sum(rows for missing, rows in counted if missing)
    sizes = [rows for missing, rows in counted if not missing]
    return float((groups_worth(sizes) + alone) / max(1, sum(sizes) + alone))


def _about_groups(groups: Column, worth: float) -> str:
    return (
        f"{groups.name}: its rows belong together, so one of each counts, about {worth:.0%} of those held out; "
        "it is the automation's subject"
    )


def _share(held_out: float) -> str:
    return "quarter" if held_out == HELD_OUT else f"{100 * held_out:.3g}%"


def _proposal(parts: Sequence[tuple[object, int, int, Sequence[int], int, int]]) -> str:
    """Return the split by time that has rows of each class on both sides, or else the one at random."""
    at_random = "without --time the rows are split at random"
    for wanted in (ENOUGH_HELD_OUT, FEWEST_HELD_OUT):
        least = max(sorted(ages)[min(wanted, len(ages)) - 1] / n for *_, ages, _, n in parts)
        most = min((oldest - 1) / n for *_, oldest, n in parts)
        share = max(LEAST_HELD_OUT, math.ceil(100 * least) / 100)
        if share <= min(most, MOST_HELD_OUT) and all(rows > wanted for _, _, rows, *_ in parts):
            return f"--held-out {share:g} measures on the newest {100 * share:.3g}% and works; {at_random}"
    return f"No split by this time works; {at_random}"


def _check_features(source: Source, columns: Sequence[Column], parts: Sequence[TimeFeature]) -> None:
    if not parts and not any(column.used for column in columns):
        why = "; ".join(f"{column.name} {column.reason}" for column in columns[:10])
        kept = next((column.name for column in columns if column.keepable), None)
        hint = "" if kept is None else f". --keep {shlex.quote(kept)} brings one back"
        raise DataUnusable(f"{source} has no column to learn from: {why or 'it contains only the target'}{hint}")


def _check_texts(columns: Sequence[Column], options: Options) -> None:
    texts = [column for column in columns if column.used and column.kind is ColumnKind.TEXT]
    if options.embedding is not None and not texts:
        raise DataUnusable("--embeddings is for free text, and no column contains any")
    for column in texts:
        if column.longest > MOST_CHARACTERS:
            raise DataUnusable(
                f"{column.name} has a text of {column.longest:,} characters; a contract takes at most "
                f"{MOST_CHARACTERS:,}"
            )


def _about_rows(goal: Target, time: Column | None, rows: int) -> list[str]:
    notes = []
    if goal.unlabelled:
        notes.append(f"{goal.name}: {goal.unlabelled:,} rows without a value are not trained on")
    if time is not None and time.missing:
        notes.append(f"{time.name}: {round(rows * time.missing):,} rows without a value are not trained on")
    return notes


def _about_times(columns: Sequence[Column], time: Column | None, rows: int) -> list[str]:
    found = [column.name for column in columns if column.kind is ColumnKind.TIME]
    if time is not None or not found:
        return []
    who = [column.name for column in windows.identifiers(columns, rows)]
    tried = f", and windows by {who[0]} are tried" if who else ""
    quoted = shlex.quote(found[0])
    return [
        f"{found[0]} is a time: with --time {quoted} the model is measured on the newest rows, as in real life{tried}"
    ]


def _left_out(columns: Sequence[Column], time: Column | None) -> list[str]:
    """Return a line for each column that the model does not use, with the option that brings it back."""
    notes = []
    for column in columns:
        if column.reason and (time is None or column.name != time.name):
            back = f"; --keep {shlex.quote(column.name)} brings it back" if column.keepable else ""
            notes.append(f"{column.name}: left out, it {column.reason}{back}")
    return notes
