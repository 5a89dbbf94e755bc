"""How values are written for people."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from andon.audit import CONTROL, AuditEntry, Leaf
from andon.console.rendering import (
    LONG_TEXT,
    amount,
    change,
    cut,
    fine_milliseconds,
    megabytes,
    milliseconds,
    moment,
    number,
    percent,
    reads_long,
    span,
    took,
    value,
)

AT = datetime(2026, 11, 24, 8, 30, 5, 123456, tzinfo=timezone(timedelta(hours=2)))


def an_entry(before: dict[str, object] | None, after: dict[str, object] | None) -> AuditEntry:
    leaf = Leaf(CONTROL, 1, b"", b"", AT, "ada", "x.y", "z", b"")
    return AuditEntry(leaf, None, before, after)


def test_a_moment_is_shown_in_utc_and_kept_exact_for_programs() -> None:
    shown = '<time datetime="2026-11-24T06:30:05.123Z" title="2026-11-24T06:30:05.123Z">2026-11-24 06:30:05</time>'
    assert moment(AT) == moment(AT.astimezone(UTC)) == moment(AT.isoformat()) == shown
    assert moment(None) == "–"


@pytest.mark.parametrize(
    ("figure", "shown"),
    [
        (None, "–"),
        (0, "0"),
        (1234567, "1,234,567"),
        (0.85842, "0.858"),
        (0.01562, "0.016"),
        (12.3456, "12.3"),
        (12345.6, "12,346"),
    ],
)
def test_numbers_have_as_many_digits_as_one_reads(figure: float | None, shown: str) -> None:
    assert number(figure) == shown


def test_small_and_large_measures_keep_their_meaning() -> None:
    assert (percent(0.9487), percent(None)) == ("94.9 %", "–")
    assert (milliseconds(0.84), milliseconds(1234.5)) == ("0.8 ms", "1,234 ms")
    assert (took(940), took(12_300), took(None)) == ("940 µs", "12.3 ms", "")
    assert (value(None), value(False), value("DE"), value(16079.64)) == ("missing", "no", "DE", "16,079.6")


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (timedelta(seconds=20), "under a minute"),
        (timedelta(minutes=-12), "12 min"),
        (timedelta(hours=3, minutes=5), "3 h 5 min"),
        (timedelta(days=2, hours=4, minutes=9), "2 d 4 h"),
    ],
)
def test_a_span_has_its_two_largest_units(length: timedelta, shown: str) -> None:
    assert span(length) == shown


def test_a_change_tells_what_changed_and_leaves_out_what_did_not() -> None:
    assert change(an_entry({"alias": "champion", "number": 1}, {"alias": "champion", "number": 2})) == "number: 1 → 2"
    assert change(an_entry(None, {"name": "vera", "expires_at": None})) == "name: vera"
    assert change(an_entry({"name": "vera"}, None)) == "removed"
    assert change(an_entry(None, {"digest": "a" * 64})) == f"digest: {'a' * 23}…"


@pytest.mark.parametrize(
    ("nanos", "shown"),
    [
        (0, "0.00 EUR"),
        (1, "0.000000001 EUR"),
        (1_234_567, "0.0012 EUR"),
        (850_000_000, "0.85 EUR"),
        (1_234_560_000_000, "1,234.56 EUR"),
    ],
)
def test_money_is_shown_as_far_as_there_is_something_to_see(nanos: int, shown: str) -> None:
    assert amount(nanos, "EUR") == shown


def test_stages_may_be_far_shorter_than_a_millisecond() -> None:
    assert [fine_milliseconds(latency) for latency in (0.0042, 1.25, 250.0, None)] == [
        "0.004 ms",
        "1.2 ms",
        "250 ms",
        "–",
    ]


def test_memory_that_nobody_measured_is_not_zero() -> None:
    assert (megabytes(142_400_000), megabytes(0)) == ("142 MB", "–")


def test_a_long_text_is_cut_in_a_document_and_shown_apart_in_a_review() -> None:
    letter = "Dear bank,\n" + "x" * 5_000
    document = cut({"body": letter, "lines": [letter], "amount": 5, "subject": "Card"})
    assert document["body"].endswith("x… (5,011 characters)")
    assert len(document["body"]) < LONG_TEXT + 30
    assert document["lines"] == [document["body"]]
    assert (document["amount"], document["subject"]) == (5, "Card")
    assert reads_long(letter)
    assert reads_long("two\nlines")
    assert not reads_long("Card stolen")
    assert not reads_long(5.0)
