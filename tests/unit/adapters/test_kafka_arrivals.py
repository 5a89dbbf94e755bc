"""What a message of Kafka says of itself, whatever its producer wrote."""

from datetime import UTC, datetime

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, TIMESTAMP_NOT_AVAILABLE, Message

from andon.adapters.kafka.backlog import arrival_of

MOMENT = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
MILLISECONDS = int(MOMENT.timestamp() * 1000)


@pytest.mark.parametrize(
    ("timestamp", "at"),
    [
        ((TIMESTAMP_CREATE_TIME, MILLISECONDS), MOMENT),
        ((TIMESTAMP_NOT_AVAILABLE, 0), None),
        ((TIMESTAMP_CREATE_TIME, MILLISECONDS * 1000), None),
        ((TIMESTAMP_CREATE_TIME, 2**63 - 1), None),
    ],
)
def test_a_time_that_is_no_moment_is_as_none_was_told(timestamp: tuple[int, int], at: datetime | None) -> None:
    assert arrival_of(Message(topic="payments", partition=0, offset=0, value=b"{}", timestamp=timestamp)).at == at
