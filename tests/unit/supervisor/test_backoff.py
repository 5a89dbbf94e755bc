"""A part that dies at once is started less and less often; a healthy one at once."""

from andon.supervisor.backoff import Backoff


def test_short_lives_double_the_wait_up_to_two_seconds() -> None:
    backoff = Backoff()
    assert [backoff.after(0.1) for _ in range(7)] == [0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0]


def test_a_healthy_life_starts_the_count_anew() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.after(0.1)
    assert backoff.after(10.0) == 0.2
    assert backoff.after(9.9) == 0.4


def test_a_part_that_never_lives_long_is_still_tried_after_days() -> None:
    backoff = Backoff(short_lives=10**6)
    assert backoff.after(0.0) == 2.0
