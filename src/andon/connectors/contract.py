"""The contract of every connector.

A connector's test subclasses `ConnectorContract` and describes how to bring its external system into each situation.
It is for pytest, and ships with Andon so that projects can test their own connectors.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Protocol

from andon.actions import Answer, AnswerKind, Connector, Delivery, Destination, Inquiring, Repeat
from andon.kernel.ids import uuid7

SECRET_TEXT = "hush-hush-hush-hush-hush"  # noqa: S105 - of tests
"""Part of every secret that a stage configures, so that a leak can be seen."""


class Stage(Protocol):
    """A real external system on loopback, controlled by the test."""

    def destination(self, *, timeout: timedelta = timedelta(seconds=5)) -> Destination:
        """Return a destination of the external system."""
        ...

    def nowhere(self) -> Destination:
        """Return a destination where nothing listens."""
        ...

    def refuse(self) -> None:
        """Refuse the next delivery permanently."""
        ...

    def fail(self) -> None:
        """Fail to take the next delivery."""
        ...

    def keep_silent(self) -> None:
        """Take the next delivery, but do not answer."""
        ...

    def vanish(self) -> None:
        """Take the next delivery and end the connection before an answer."""
        ...

    def taken(self) -> dict[str, int]:
        """Return how often each key was taken."""
        ...


def a_delivery(destination: Destination, **changes: Any) -> Delivery:
    """Return a delivery as a decision would make it, under a new key."""
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "key": uuid7(now),
        "destination": destination,
        "automation": "screening",
        "action": "release",
        "outcome": "release",
        "data": {"id": "d-1", "outcome": "release", "input": {"name": "Zoë \ud83d\ude00", "amount": 12.5}},
        "created_at": now,
        "correlation_id": "corr-1",
    }
    return Delivery(**(values | changes))


class ConnectorContract:
    """The promises.

    Subclasses provide the fixtures `connector` and `stage`, and the options of an action if needed.

    `counts_repeats`: the external system accepts a repeat as well; otherwise it recognizes the key and accepts it once.
    `knows_after_silence`: an inquiry finds out whether a silent system took a delivery; otherwise the outcome is
    unknown. `silence` is the timeout of the tests; a client that takes long to connect needs more. `many` is the number
    of concurrent deliveries.
    """

    options: ClassVar[Mapping[str, Any]] = {}
    counts_repeats: ClassVar[bool] = True
    knows_after_silence: ClassVar[bool] = True
    silence: ClassVar[timedelta] = timedelta(seconds=0.3)
    many: ClassVar[int] = 50

    def a_delivery(self, destination: Destination) -> Delivery:
        """Return a delivery with the options that this kind needs."""
        return a_delivery(destination, options=self.options)

    def deliver(self, connector: Connector, *deliveries: Delivery) -> list[Answer]:
        """Deliver one after the other, in an event loop of their own; then close."""

        async def run() -> list[Answer]:
            try:
                return [await connector.deliver(delivery) for delivery in deliveries]
            finally:
                await connector.close()

        return asyncio.run(run())

    def test_a_delivery_arrives_once_under_its_key(self, connector: Connector, stage: Stage) -> None:
        delivery = self.a_delivery(stage.destination())
        [answer] = self.deliver(connector, delivery)
        assert answer.kind is AnswerKind.DELIVERED
        assert stage.taken() == {str(delivery.key): 1}

    def test_a_repeat_comes_under_the_same_key(self, connector: Connector, stage: Stage) -> None:
        delivery = self.a_delivery(stage.destination())
        self.deliver(connector, delivery, delivery)
        assert stage.taken() == {str(delivery.key): 2 if self.counts_repeats else 1}

    def test_a_receiver_that_is_not_there_certainly_got_nothing(self, connector: Connector, stage: Stage) -> None:
        [answer] = self.deliver(connector, self.a_delivery(stage.nowhere()))
        assert answer.kind is AnswerKind.FAILED
        assert answer.detail

    def test_a_refusal_is_for_good(self, connector: Connector, stage: Stage) -> None:
        stage.refuse()
        [answer] = self.deliver(connector, self.a_delivery(stage.destination()))
        assert answer.kind is AnswerKind.REFUSED
        assert stage.taken() == {}

    def test_a_failure_may_pass(self, connector: Connector, stage: Stage) -> None:
        stage.fail()
        delivery = self.a_delivery(stage.destination())
        failed, delivered = self.deliver(connector, delivery, delivery)
        assert (failed.kind, delivered.kind) == (AnswerKind.FAILED, AnswerKind.DELIVERED)

    def test_silence_is_unknown_and_ends_with_the_timeout(self, connector: Connector, stage: Stage) -> None:
        stage.keep_silent()
        [answer] = self.deliver(connector, self.a_delivery(stage.destination(timeout=self.silence)))
        assert answer.kind is AnswerKind.UNKNOWN
        assert f"{self.silence.total_seconds():g} s" in answer.detail

    def test_a_connection_that_ends_before_the_answer_is_unknown(self, connector: Connector, stage: Stage) -> None:
        stage.vanish()
        [answer] = self.deliver(connector, self.a_delivery(stage.destination()))
        assert answer.kind is AnswerKind.UNKNOWN, answer

    def test_many_at_once_all_arrive(self, connector: Connector, stage: Stage) -> None:
        deliveries = [self.a_delivery(stage.destination()) for _ in range(self.many)]

        async def run() -> list[Answer]:
            answers = await asyncio.gather(*map(connector.deliver, deliveries))
            await connector.close()
            return answers

        others = [answer for answer in asyncio.run(run()) if answer.kind is not AnswerKind.DELIVERED]
        assert not others, others
        taken = stage.taken()
        assert taken == {str(delivery.key): 1 for delivery in deliveries}, (
            f"{len(taken)} keys, {sum(taken.values())} in all"
        )

    def test_no_secret_is_in_any_answer_or_text_of_a_destination(self, connector: Connector, stage: Stage) -> None:
        stage.refuse()
        stage.vanish()
        destination = stage.destination()
        answers = self.deliver(connector, *[self.a_delivery(destination) for _ in range(3)])
        assert SECRET_TEXT not in repr([answers, destination, self.a_delivery(destination)])

    def test_after_silence_it_can_say_what_became_of_it_if_it_can_be_asked(
        self, connector: Connector, stage: Stage
    ) -> None:
        stage.keep_silent()
        silent = self.a_delivery(stage.destination(timeout=self.silence))
        never_sent = self.a_delivery(stage.destination())
        if not isinstance(connector, Inquiring) or not connector.can_inquire(silent):
            assert connector.repeat in Repeat
            return

        async def run() -> list[Answer]:
            await connector.deliver(silent)
            try:
                return [await connector.inquire(self._patient(one, stage)) for one in (silent, never_sent)]
            finally:
                await connector.close()

        asked = asyncio.run(run())
        silently = AnswerKind.DELIVERED if self.knows_after_silence else AnswerKind.UNKNOWN
        assert [answer.kind for answer in asked] == [silently, AnswerKind.FAILED]

    def _patient(self, delivery: Delivery, stage: Stage) -> Delivery:
        return replace(delivery, destination=stage.destination())

    def test_closing_twice_does_no_harm(self, connector: Connector, stage: Stage) -> None:
        self.deliver(connector, self.a_delivery(stage.destination()))
        asyncio.run(connector.close())
