"""A moment is taken in UTC, or refused: PostgreSQL would keep the year 10000, and nobody could read it again."""

from datetime import UTC, datetime

import pytest

from andon.kernel.moments import in_utc


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-11-24T12:00:00", datetime(2026, 11, 24, 12, tzinfo=UTC)),
        ("2026-11-24T12:00:00+02:00", datetime(2026, 11, 24, 10, tzinfo=UTC)),
        ("0001-01-01T00:00:00-01:00", datetime(1, 1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_moment_is_the_same_in_utc(said: str, meant: datetime) -> None:
    moment = in_utc(datetime.fromisoformat(said))
    assert (moment, moment.tzinfo) == (meant, UTC)


@pytest.mark.parametrize("said", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_what_utc_has_no_year_for_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match="outside the years 1 to 9999 in UTC"):
        in_utc(datetime.fromisoformat(said))
