"""Answers to an inquiry about work that takes minutes or hours and has not ended yet."""

from datetime import datetime, timedelta

from andon.actions.ports import Answer, AnswerKind, Delivery

LONGEST_PAUSE = timedelta(minutes=5)
_SHARE = 10


def still_working(delivery: Delivery, detail: str, *, now: datetime, poll_seconds: float) -> Answer:
    """Return that the receiver is still working. The longer it has worked, the later it is asked again."""
    age = timedelta() if delivery.sent_at is None else now - delivery.sent_at
    pause = max(timedelta(seconds=poll_seconds), min(age / _SHARE, LONGEST_PAUSE))
    return Answer(AnswerKind.WAITING, detail, retry_after=pause)


def not_found(delivery: Delivery, detail: str, *, now: datetime, settle_seconds: float) -> Answer:
    """Return the answer for a key that the receiver does not know, or does not know yet.

    A request that was in flight when its process died may still arrive, so there is no conclusion before
    `settle_seconds` have passed since it was sent.
    """
    settle = timedelta(seconds=settle_seconds)
    if delivery.sent_at is not None and now - delivery.sent_at < settle:
        wait = delivery.sent_at + settle - now
        return Answer(AnswerKind.WAITING, f"{detail}; it may still arrive", retry_after=wait)
    return Answer(AnswerKind.FAILED, f"{detail}: it was not taken")
