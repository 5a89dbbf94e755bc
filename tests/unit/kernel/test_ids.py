"""Identifiers carry their time and sort by it."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from andon.kernel.ids import floor_of, time_of, uuid7

moments = st.datetimes(datetime(1970, 1, 2), datetime(2500, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(moments)
def test_an_identifier_tells_its_moment_and_is_a_version_7_uuid(at: datetime) -> None:
    identifier = uuid7(at)
    assert abs(time_of(identifier) - at) < timedelta(milliseconds=1.01)
    assert (identifier.version, identifier.variant) == (7, "specified in RFC 4122")
    assert identifier >= floor_of(at)


@given(moments, st.integers(2, 10**9))
def test_later_identifiers_are_greater(at: datetime, milliseconds: int) -> None:
    later = at + timedelta(milliseconds=milliseconds)
    assert uuid7(at) < floor_of(later) <= uuid7(later)


def test_every_bit_that_says_neither_time_nor_version_nor_variant_is_random() -> None:
    drawn = [uuid7(datetime(2026, 11, 25, tzinfo=UTC)).int for _ in range(2000)]
    always = ever = drawn[0]
    for one in drawn:
        always, ever = always & one, ever | one
    assert ever & ~always == (1 << 76) - 1 - (0b11 << 62)


def test_threads_draw_no_identifier_twice() -> None:
    at = datetime(2026, 11, 25, tzinfo=UTC)
    with ThreadPoolExecutor(8) as threads:
        drawn = list(threads.map(lambda _: [uuid7(at) for _ in range(2000)], range(8)))
    assert len({identifier for some in drawn for identifier in some}) == 8 * 2000


FORKED = """
import os
from datetime import UTC, datetime
from andon.kernel.ids import uuid7
at = datetime(2026, 11, 25, tzinfo=UTC)
uuid7(at)
forked = os.fork()
os.write(1, f"{uuid7(at)}\\n".encode())  # at once: print writes the end of a line by itself
if forked:
    os.waitpid(forked, 0)
"""


def test_a_forked_process_draws_other_identifiers() -> None:
    told = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=30, check=True)
    one, other = told.stdout.split()
    assert one != other
