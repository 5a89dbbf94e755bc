"""Why a part is not ready, in its own words."""

import pytest

from andon.supervisor.answering import reason_in


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            b'{"status": "not ready", "problems": {"fraud": "no champion", "db": "away"}}',
            "fraud: no champion; db: away",
        ),
        (b"No PostgreSQL answers\n", "No PostgreSQL answers"),
        (b'{"detail": "x"}', '{"detail": "x"}'),
        (b'["x"]', '["x"]'),
        (b'{"problems": null}', '{"problems": null}'),
        (b"\xff", "�"),
    ],
)
def test_problems_are_named_and_anything_else_is_shown_as_it_is(body: bytes, reason: str) -> None:
    assert reason_in(body) == reason
