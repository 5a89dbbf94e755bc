"""Any table of typed columns leads to a project that takes all its rows: the central promise of `andon init --from`."""

import csv
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from andon import policies, scaffold
from andon.datafile import read_rows
from andon.decisions import Contract, compile_policy, load_file
from trials import at_most

ROWS = 60

CELLS = {
    "number": lambda random: repr(random.uniform(-1e6, 1e6)),
    "small number": lambda random: f"{random.random():.3f}",
    "scientific": lambda random: f"{random.uniform(-1e300, 1e300):e}",
    "integer": lambda random: str(random.randint(-1000, 1000)),
    "huge integer": lambda random: str(random.randint(10**14, 10**19)),
    "padded": lambda random: f"{random.randint(0, 99):05}",
    "decimal comma": lambda random: f"{random.uniform(0, 9999):.2f}".replace(".", ","),
    "grouped": lambda random: f"${random.uniform(0, 99999):,.2f}",
    "percent": lambda random: f"{random.uniform(0, 100):.1f}%",
    "zero or one": lambda random: random.choice("01"),
    "yes or no": lambda random: random.choice(("Yes", "no", "NO")),
    "category": lambda random: random.choice(("red", 'gr"een', "blue, dark", "blé", "true", "1")),
    "identifier": lambda random: f"{random.getrandbits(64):x}",
    "text": lambda random: " ".join(random.choices(("every", "word\nand", "so; on", "'", '"""', "\\n", "日本"), k=9)),
    "date": lambda random: f"{_moment(random):%Y-%m-%d}",
    "time": lambda random: f"{_moment(random):%Y-%m-%dT%H:%M:%S.%f}",
    "zoned": lambda random: f"{_moment(random):%Y-%m-%d %H:%M}" + random.choice(("Z", "+02:00", "")),
    "day first": lambda random: f"{_moment(random):%d/%m/%Y}",
    "month first": lambda random: f"{_moment(random):%m/%d/%Y %I:%M %p}",
    "german": lambda random: f"{_moment(random):%d.%m.%y %H:%M}",
    "compact": lambda random: f"{_moment(random):%Y%m%d}",
    "named month": lambda random: f"{_moment(random):%d-%b-%Y}",
    "constant": lambda _: "always",
    "empty": lambda _: "",
    "junk": lambda random: random.choice(
        ("12", "1e5", "x", "1.2.3", "0x1F", "١٢", "1_000", "-", "1/2/2024", "+", ".", "2024-13-01")
    ),
}
MISSING = ("", "NA", "n/a", "NULL", "NaN", "?", " ")
NAMES = st.one_of(
    st.text(min_size=1, max_size=20, alphabet=st.characters(exclude_categories=("Cs", "Cc"))).filter(
        lambda name: name.strip()
    ),
    st.sampled_from(
        (
            "class",
            "in",
            "json",
            "model_dump",
            "datetime",
            "str",
            "Field",
            "_x",
            "1st",
            "Größe (cm)",
            "a b",
            "a-b",
            "a_b",
            "self",
            "id",
            "[id]",
            "<date>",
            "{x}",
        )
    ),
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]], str]:
    """Header, rows and delimiter of a table whose last column is a target of two or three classes."""
    kinds = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=6))
    names = draw(st.lists(NAMES, min_size=len(kinds), max_size=len(kinds), unique_by=lambda name: name.strip()))
    holes = draw(st.lists(st.booleans(), min_size=len(kinds), max_size=len(kinds)))
    classes = draw(st.sampled_from((("0", "1"), ("yes", "no"), ("low", "high!", "x\"'y"), ("1", "2", "3"))))
    random = Random(draw(st.integers(0, 2**32)))
    rows = [
        [
            random.choice(MISSING) if hole and random.random() < 0.3 else CELLS[kind](random)
            for kind, hole in zip(kinds, holes, strict=True)
        ]
        for _ in range(ROWS)
    ]
    header = [*names, "always usable", "the target"]
    filled = [[*row, f"{random.random():.3f}", classes[i % len(classes)]] for i, row in enumerate(rows)]
    return header, filled, draw(st.sampled_from(",;\t|"))


@given(tables())
@settings(max_examples=at_most(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_project_takes_every_row_it_was_learnt_from_and_has_an_outcome_for_every_class(
    table: tuple[list[str], list[list[str]], str],
) -> None:
    with _written(*table) as (folder, source, plan):  # half a second, so both halves of the promise look at one
        for script in (folder / "train.py", folder / "tests" / "test_automation.py"):
            compile(script.read_text(encoding="utf-8"), script, "exec")
        (line,) = load_file(folder / "automation.py")
        contract = Contract(line.contract)
        for row in read_rows(source):
            read = contract.read(json.dumps(row).encode())
            assert all(read[column.field] is not None or row[column.name] is None for column in plan.features)
        decision_table, _ = compile_policy(line)
        assert len(decision_table.outcomes) == len(plan.target.classes) + 1
        assert decision_table.otherwise == policies.REVIEW


@contextmanager
def _written(header: list[str], rows: list[list[str]], delimiter: str) -> Iterator[tuple[Path, Path, scaffold.Plan]]:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "data.csv")
        with source.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter=delimiter).writerows([header, *rows])
        written, plan = scaffold.from_data("odd-line", Path(folder), source, target="the target")
        yield written, source, plan


def _moment(random: Random) -> datetime:
    return datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=random.randint(0, 3_000_000))
