"""An ended process is replaced at once; repeated ends without an answer ever later, but never not at all."""

from andon.serving.isolated.pauses import Pauses


def pause_of(pauses: Pauses) -> float:
    """Seconds until another may be started, found by trying each tenth."""
    pauses.ended(100.0)
    return next(tenths for tenths in range(1_000) if pauses.are_over(100.0 + tenths / 10 + 1e-6)) / 10


def test_nothing_ended_yet() -> None:
    assert Pauses().are_over(0.0)


def test_the_first_is_replaced_at_once_and_the_others_ever_later_up_to_ten_seconds() -> None:
    pauses = Pauses()
    assert [pause_of(pauses) for _ in range(10)] == [0.0, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0]


def test_after_an_answer_the_next_is_the_first_again() -> None:
    pauses = Pauses()
    for _ in range(5):
        pauses.ended(100.0)
    pauses.answered()
    assert pause_of(pauses) == 0.0
