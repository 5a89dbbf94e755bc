"""What the headers of a call say, however they are written."""

import pytest

from andon.gateway.asgi import headers_of_lines
from andon.gateway.headers import LONGEST_WAIT, preferences_of, wait_of


@pytest.mark.parametrize(
    ("prefer", "asked"),
    [
        ("", {}),
        ("respond-async", {"respond-async": ""}),
        ("Respond-Async , WAIT = 5", {"respond-async": "", "wait": "5"}),
        ('wait="5"; a=b, respond-async', {"wait": "5", "respond-async": ""}),
        ("wait=1, wait=9", {"wait": "1"}),
        ("x-respond-asyncx", {"x-respond-asyncx": ""}),
        ('other="a, respond-async"', {"other": "a, respond-async"}),
        ('other; a="b, respond-async, c"', {"other": ""}),
        ('other="never ends, respond-async', {"other": "never ends, respond-async"}),
    ],
)
def test_a_preference_is_one_by_its_name_and_not_by_what_looks_like_it(prefer: str, asked: dict[str, str]) -> None:
    assert preferences_of(prefer) == asked


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [("wait=20", 20.0), ("wait=600", LONGEST_WAIT), ("respond-async", 0.0), ("wait=soon", 0.0), ("wait=-1", 0.0)],
)
def test_a_wait_is_whole_seconds_and_has_an_end(prefer: str, seconds: float) -> None:
    assert wait_of(prefer) == seconds


def test_what_comes_in_several_lines_is_one_list() -> None:
    lines = [(b"prefer", b"respond-async"), (b"host", b"a"), (b"prefer", b"wait=1")]
    assert headers_of_lines(lines) == {"prefer": "respond-async, wait=1", "host": "a"}
