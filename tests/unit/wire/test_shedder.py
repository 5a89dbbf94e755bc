"""The shedder itself refuses only one whole request for a decision, and only where its gateway decides."""

import os
import socket
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.wire.shedder import REFUSAL, automation_of, others_than_of, refuse, target_of

heads = st.builds(
    lambda name, more: (f"POST /v1/automations/{name}/decisions HTTP/1.1\r\nHost: g\r\n{more}".encode(), name),
    st.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True),
    st.sampled_from(["", "Authorization: Bearer x\r\n", "X-Request-Timeout: 0.5\r\n"]),
)


@given(heads, st.binary(max_size=300))
def test_a_whole_request_is_known_by_its_automation_and_no_part_of_it_is_taken_for_one(
    head: tuple[bytes, str], body: bytes
) -> None:
    line, name = head
    text = line + b"Content-Length: %d\r\n\r\n" % len(body) + body
    assert automation_of(text) == name
    assert [cut for cut in range(len(text)) if automation_of(text[:cut]) is not None] == []
    assert automation_of(text + b"P") is None
    assert automation_of(text + text) is None


def test_what_asks_for_anything_else_or_does_not_say_how_long_it_is_is_none() -> None:
    rest = b"Host: g\r\nContent-Length: 2\r\n\r\n{}"
    for line in (
        b"GET /v1/automations/payments/decisions HTTP/1.1",
        b"POST /v1/automations/payments/decisions:batch HTTP/1.1",
        b"POST /v1/automations/payments/decisions HTTP/1.0",
        b"POST /v1/automations/%70ayments/decisions HTTP/1.1",
        b"POST /v1/events HTTP/1.1",
    ):
        assert automation_of(line + b"\r\n" + rest) is None
    assert target_of(b"POST /v1/automations/payments/decisions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n") is None


@pytest.mark.parametrize("other", [b"Content-Length: 3", b"transfer-encoding: chunked", b"Transfer-Encoding : chunked"])
def test_what_says_its_length_in_two_ways_is_none(other: bytes) -> None:
    line = b"POST /v1/automations/payments/decisions HTTP/1.1\r\n"
    for headers in (b"Content-Length: 2\r\n" + other, other + b"\r\nContent-Length: 2"):
        assert target_of(line + headers + b"\r\n\r\n") is None


def test_what_is_refused_is_taken_away() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.send(b"a request")
        assert refuse(ours, b"a request")
        with pytest.raises(BlockingIOError):
            ours.recv(9)
        assert theirs.recv(65_536) == REFUSAL


def test_who_reads_no_refusals_is_cut_off() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.send(b"a request")
        with suppress(BlockingIOError):
            while True:
                ours.send(REFUSAL)
        assert not refuse(ours, b"a request")
        theirs.settimeout(10)
        while theirs.recv(65_536):
            pass  # until the end, which comes


def test_it_keeps_off_the_processor_of_a_process_where_there_is_another_one() -> None:
    before = os.sched_getaffinity(0)
    here = min(before)
    try:
        os.sched_setaffinity(0, {here})
        assert others_than_of(os.getpid(), {here, 1_000_000}) == {1_000_000}
        assert others_than_of(os.getpid(), {here}) == {here}
    finally:
        os.sched_setaffinity(0, before)
