"""A reason is text for people to read in the audit log."""

import pytest

from andon.kernel.reasons import LONGEST, ReasonInvalid, faults_of, require


@pytest.mark.parametrize("reason", ["why not", "two\nlines\tand a tab", "¿por qué? 👩‍💻", "x" * (LONGEST - 2)])
def test_text_is_a_reason(reason: str) -> None:
    assert faults_of(reason) == []
    assert require(f" {reason} ") == reason


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("x" * (LONGEST + 1), "at most 2000 characters; this one has 2001"),
        (" \n", "A reason is required"),
        ("a\0b", "invisible character"),
        ("\x1b[31mred", "invisible character"),
        ("turned \u202eround", "invisible character"),
        ("half \ud800", "invisible character"),
    ],
)
def test_what_nobody_can_read_is_none(reason: str, said: str) -> None:
    (fault,) = faults_of(reason)
    assert fault.where == "reason"
    assert said in fault.message
    with pytest.raises(ReasonInvalid, match=said) as refused:
        require(reason)
    assert refused.value.faults == (fault,)
