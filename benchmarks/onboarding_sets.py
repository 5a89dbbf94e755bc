"""The data sets of `onboarding`, by name: a table, the format of its file, and what its owner declares about it."""

from dataclasses import dataclass

from benchmarks import onboarding_formats as formats
from benchmarks import onboarding_oddities as oddities
from benchmarks.onboarding_formats import Write
from benchmarks.onboarding_oddities import WRITTEN, added, renamed, spelled, then, timed, varied
from benchmarks.onboarding_tables import Make, bundled, loans, made


@dataclass(frozen=True, slots=True)
class DataSet:
    """One file of a user. `options` are those of `andon init` in addition to the source and the target.

    No column of `left_out` may be learnt from; those also in `later` are not known yet when a row is decided.
    """

    name: str
    make: Make
    target: str = "bad"
    options: tuple[str, ...] = ()
    write: Write = formats.as_csv
    left_out: tuple[str, ...] = ()
    later: tuple[str, ...] = ()


def _odd(name: str, *changes: oddities.Change, write: Write = formats.as_csv, options: tuple[str, ...] = ()) -> DataSet:
    return DataSet(name, then(loans(), *changes), options=options, write=write)


def _leaking(name: str, column: str, values: oddities.Change, *, later: bool = True) -> DataSet:
    return DataSet(name, then(loans(), values), left_out=(column,), later=(column,) if later else ())


def _bundled() -> list[DataSet]:
    named = [
        DataSet(name.replace("_", "-"), bundled(name), "y") for name in ("iris", "wine", "breast_cancer", "digits")
    ]
    thirds = DataSet("diabetes-thirds", bundled("diabetes"), "y", ("--classes", "low,middle,high"))
    cut = DataSet("diabetes-cut", bundled("diabetes"), "y", ("--classes", "low,high", "--cuts", "140"))
    return [*named, thirds, cut]


def _made() -> list[DataSet]:
    twenty = {"n_features": 20, "n_informative": 8}
    several = {"n_classes": 5, "n_informative": 12, "class_sep": 1.5}
    tables = {
        "classes-apart": made("classification", **twenty, class_sep=2.0),
        "classes-mixed": made("classification", **twenty, flip_y=0.3),
        "classes-one-rare": made("classification", **twenty, weights=[0.96], flip_y=0.0, class_sep=1.5),
        "classes-five": made("classification", n_features=20, **several),
        "moons": made("moons", noise=0.25),
        "circles": made("circles", noise=0.1, factor=0.6),
        "blobs-eight": made("blobs", centers=8, n_features=6, cluster_std=2.0),
        "quantiles-three": made("gaussian_quantiles", n_features=4, n_classes=3),
        "hastie": made("hastie_10_2"),
    }
    found = [DataSet(name, make, "y") for name, make in tables.items()]
    friedman = made("friedman1", noise=0.5)
    return [*found, DataSet("friedman-cut", friedman, "y", ("--classes", "low,high", "--cuts", "14.5"))]


def _columns() -> list[DataSet]:
    return [
        _leaking("row-number", "line", added("line", oddities.numbered), later=False),
        _leaking("row-order", "meter", added("meter", oddities.along_the_rows), later=False),
        _leaking("permuted-ids", "reference", added("reference", oddities.permuted), later=False),
        _leaking("text-ids", "transfer", added("transfer", oddities.text_ids), later=False),
        _leaking("leak-filled-afterwards", "refund", added("refund", oddities.refund)),
        _leaking("leak-copy", "status", added("status", oddities.copied)),
        _leaking("leak-order", "collections", added("collections", oddities.scored)),
        DataSet(
            "leak-settled-later",
            then(loans(), oddities.settled),
            options=("--time", "created_at"),
            left_out=("settled_at",),
            later=("settled_at",),
        ),
        _odd("many-names", added("merchant", oddities.names)),
        _odd("free-text", added("remark", oddities.free_text)),
        _odd("heavy-tails", oddities.heavy_tails),
        _odd("gaps", oddities.gaps),
        _odd("unlabelled-rows", oddities.unlabelled),
        _odd("constants", oddities.constants),
        _odd("new-categories", oddities.new_categories),
        _odd("duplicate-names", renamed("income", "amount")),
        _odd("odd-names", renamed("income", "class"), renamed("age", "Größe (m²) / 100%"), renamed("channel", "1st")),
        DataSet("wide", oddities.wide),
        DataSet("many-rows", loans(200_000, 5_000)),
    ]


def _formats() -> list[DataSet]:
    written: dict[str, Write] = {
        "excel": formats.workbook,
        "json-lines": formats.json_lines,
        "json-array": formats.json_array,
        "gzip": formats.gzipped,
        "zstd": formats.zstandard,
        "zip": formats.zipped,
        "parquet": formats.parquet,
        "sqlite-query": formats.sqlite_query,
        "preamble": formats.with_preamble,
        "blank-last-row": formats.with_blank_end,
    }
    return [_odd(name, write=write) for name, write in written.items()]


def _values() -> list[DataSet]:
    german = "{:,.2f} €".format
    texts = [name for name, spell in WRITTEN.items() if name not in ("seconds", "milliseconds", "microseconds")]
    epochs = ("seconds", "milliseconds", "microseconds")
    return [
        _odd("currencies", spelled("amount", "${:,.2f}".format), spelled("income", "{:.2f} EUR".format)),
        _odd("per-cents", spelled("age", "{} %".format)),
        _odd("brackets", spelled("amount", lambda one: f"({one:,.2f})" if one < 20 else f"{one:,.2f}")),
        _odd("german", spelled("amount", lambda one: _swapped(german(one))), write=formats.german),
        _odd("mixed-case-target", varied("bad", {"yes": ("True", "TRUE"), "no": ("False", "FALSE", "false")})),
        _odd("times-in-text", *(timed(f"{name}_on", name, rising=False) for name in texts)),
        _odd("times-as-numbers", *(timed(f"{name}_at", name, rising=False) for name in epochs)),
        *(
            _odd(f"ordered-by-{name.replace('_', '-')}", timed("created_at", name), options=("--time", "created_at"))
            for name in ("with_zone", "mailed", "german", "milliseconds")
        ),
    ]


def _targets() -> list[DataSet]:
    return [
        DataSet("rare-positives", loans(20_000, 5_000, shift=3.2)),
        DataSet("four-kinds", oddities.kinds_of_mail, "kind"),
        DataSet("tiny", loans(60, 1_000)),
        DataSet("small", loans(300, 1_000)),
        DataSet("small-and-plain", loans(500, 1_000, sharp=40.0)),
        DataSet("drift", oddities.drifting, options=("--time", "created")),
        DataSet("bursts", oddities.bursts, "is_fraud", ("--time", "paid at")),
    ]


def _swapped(number: str) -> str:
    return number.translate(str.maketrans(",.", ".,"))


SETS = {one.name: one for one in (*_bundled(), *_made(), *_columns(), *_formats(), *_values(), *_targets())}
