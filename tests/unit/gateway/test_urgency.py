"""How urgent, how long, which version: what the headers say, and what is refused."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.access import Forbidden, Grant, Principal, Role
from andon.decisions import Priority
from andon.gateway.errors import HeaderInvalid
from andon.gateway.urgency import deadline_of, pinned_by, priority_of


@pytest.mark.parametrize(
    ("given_", "priority"),
    [
        (None, Priority.INTERACTIVE),
        ("", Priority.INTERACTIVE),
        ("i", Priority.INTERACTIVE),
        ("u=0", Priority.INTERACTIVE),
        ("u=3, i", Priority.INTERACTIVE),
        ("u=4", Priority.NORMAL),
        ("i, u=5", Priority.NORMAL),
        ("u=6;a=1", Priority.BULK),
        ("i,u=7", Priority.BULK),
        ("u=1, u=7", Priority.BULK),
        ("u=7,u=1", Priority.INTERACTIVE),
        ("u=8", Priority.INTERACTIVE),
        ("u=77", Priority.INTERACTIVE),
        ("xu=7", Priority.INTERACTIVE),
        ("U=7", Priority.INTERACTIVE),
        ("u = 7", Priority.INTERACTIVE),
    ],
)
def test_the_urgency_of_rfc_9218_gives_the_class(given_: str | None, priority: Priority) -> None:
    assert priority_of({} if given_ is None else {"priority": given_}) is priority


@given(st.text(max_size=40))
def test_no_priority_header_is_an_error(text: str) -> None:
    assert priority_of({"priority": text}) in Priority


@pytest.mark.parametrize(("given_", "seconds"), [(None, 10.0), ("0.25", 0.25), ("5", 5.0), ("999999", 999_999.0)])
def test_the_deadline_counts_from_the_beginning_of_the_request(given_: str | None, seconds: float) -> None:
    headers = {} if given_ is None else {"x-request-timeout": given_}
    assert deadline_of(headers, 1000, 10.0) == 1000 + int(seconds * 1e9)


@pytest.mark.parametrize("given_", ["0", "0.0", "-1", "1e3", "", "5s", "nan", "1000000000", "٣", "5\n"])
def test_what_is_no_time_to_wait_is_refused(given_: str) -> None:
    with pytest.raises(HeaderInvalid, match="X-Request-Timeout: expected seconds above 0"):
        deadline_of({"x-request-timeout": given_}, 0, 10.0)


def test_only_who_may_pin_a_version_can() -> None:
    headers = {"andon-model-version": "3"}
    assert pinned_by(headers, caller(Role.ADMIN), "payments") == 3
    assert pinned_by({}, caller(Role.CALLER), "payments") is None
    with pytest.raises(Forbidden):
        pinned_by(headers, caller(Role.CALLER), "payments")


@pytest.mark.parametrize("given_", ["", "0", "03", "-1", "latest", "1.0", "9999999999", "3\n"])
def test_what_is_no_version_is_refused_whoever_asks(given_: str) -> None:
    with pytest.raises(HeaderInvalid, match="Andon-Model-Version: expected the number of a version"):
        pinned_by({"andon-model-version": given_}, caller(Role.CALLER), "payments")


def caller(role: Role) -> Principal:
    return Principal(id=uuid4(), name="bank", grants=(Grant(role, None if role is Role.ADMIN else "payments"),))
