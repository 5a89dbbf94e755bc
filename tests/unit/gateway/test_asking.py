"""What the headers of an inference say of it, or the metadata of a call that has a deadline of its own."""

from uuid import UUID

import pytest

from andon.access import Grant, Principal, Role
from andon.gateway.inference.asking import asked_of

CALLER = Principal(UUID(int=1), "bank", (Grant(Role.CALLER),))
SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("header", "left", "seconds"),
    [
        (None, None, 10),
        ("2", None, 2),
        ("30", None, 30),
        (None, 3.0, 3),
        (None, 60.0, 10),
        ("2", 3.0, 2),
        ("30", 3.0, 3),
        ("30", 0.0, 0),
    ],
)
def test_the_caller_waits_as_long_as_he_says_and_never_longer_than_the_call_goes_on(
    header: str | None, left: float | None, seconds: int
) -> None:
    headers = {} if header is None else {"x-request-timeout": header}
    asked = asked_of(headers, CALLER, "payments", UUID(int=2), began_ns=7, patience=10.0, left=left)
    assert asked.deadline_ns == 7 + seconds * SECOND
