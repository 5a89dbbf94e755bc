"""The source that tests of streams use keeps what all others keep."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from tests.contract.sources.contract import SourceContract

from andon.testing import MemorySource


class MemoryStage:
    def __init__(self) -> None:
        self.source = MemorySource(partitions=3)

    async def send(self, data: bytes, *, key: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        self.source.send(data, key=key, headers={name.lower(): value for name, value in (headers or {}).items()})

    async def again(self) -> MemorySource:
        return self.source

    async def elsewhere(self) -> MemorySource:
        source = MemorySource()
        source.missing = True
        return source

    async def unreachable(self) -> MemorySource:
        source = MemorySource()
        source.silent = True
        return source


class TestMemorySource(SourceContract):
    @asynccontextmanager
    async def stage(self) -> AsyncIterator[MemoryStage]:
        yield MemoryStage()
