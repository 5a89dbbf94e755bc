"""A JetStream stream keeps what every source keeps, read as a whole or by its subjects."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest
from tests.contract.sources.contract import SourceContract

from andon.adapters.nats import NatsSource
from brokers import NOBODY, Lost, a_nats, a_stream, send_to_nats


class NatsStage:
    def __init__(self, address: str, stream: str, subjects: Sequence[str]) -> None:
        self._address = address
        self._stream = stream
        self._subjects = subjects
        self.source = self._source()

    async def send(self, data: bytes, *, key: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        await send_to_nats(self._address, (f"{self._stream}.{key or 'none'}", data), headers=headers)

    async def again(self) -> NatsSource:
        return self._source()

    async def elsewhere(self) -> NatsSource:
        return self._source(stream="no-such-stream")

    async def unreachable(self) -> NatsSource:
        return self._source(address=NOBODY)

    def _source(self, *, address: str = "", stream: str = "") -> NatsSource:
        return NatsSource(
            {"servers": [f"nats://{address or self._address}"]},
            stream or self._stream,
            subjects=[f"{self._stream}.{subject}" for subject in self._subjects],
            lost=Lost(),
        )


class TestNatsSource(SourceContract):
    keyed = False
    subjects: Sequence[str] = ()
    address: str

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def server(cls) -> Iterator[None]:
        with a_nats() as server:
            cls.address = server.address
            yield

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[NatsStage]:
        stage = NatsStage(self.address, await a_stream(self.address), self.subjects)
        try:
            yield stage
        finally:
            await stage.source.close()


class TestNatsSourceBySubjects(TestNatsSource):
    subjects = ("one", "two", "*.deep")

    def test_a_server_that_does_not_answer_is_told_from_a_place_that_is_not_there(self) -> None:
        """As above; it takes five seconds."""
