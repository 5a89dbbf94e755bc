"""A count agrees with its noun."""

from andon.kernel.plurals import plural


def test_one_is_singular_and_all_else_plural() -> None:
    assert [plural(count, "decision") for count in (0, 1, 2500)] == ["0 decisions", "1 decision", "2,500 decisions"]
    assert [plural(2, noun) for noun in ("entry", "day", "key")] == ["2 entries", "2 days", "2 keys"]
