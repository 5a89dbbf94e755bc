"""A reason is text for people to read in the audit log."""

import pytest

from andon.kernel.reasons import LONGEST, fault_of


@pytest.mark.parametrize("reason", ["why not", "two\nlines\tand a tab", "¿por qué? 👩‍💻", "x" * LONGEST])
def test_text_is_a_reason(reason: str) -> None:
    assert fault_of(reason) is None


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("x" * (LONGEST + 1), "at most 2000 characters; this one has 2001"),
        ("a\0b", "a control character"),
        ("\x1b[31mred", "a control character"),
        ("half \ud800", "half of one"),
    ],
)
def test_what_nobody_can_read_is_none(reason: str, said: str) -> None:
    assert said in (fault_of(reason) or "")
