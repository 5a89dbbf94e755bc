"""What is wrong with a stream is shown in words, each thing once, until it works again."""

import asyncio

from andon.streams import StreamKey, StreamMissing
from andon.streams.troubles import SHOWN, Troubles


def test_every_trouble_is_shown_once_and_of_many_how_many_more_there_are() -> None:
    shown: list[str | None] = []

    async def show(problem: str | None) -> None:
        shown.append(problem)

    async def test() -> None:
        troubles = Troubles(StreamKey("payments", "files:drop"), show)
        for doing in ("read", "count"):
            await troubles.tell(f"{doing} a", StreamMissing("no a"))
            await troubles.tell(f"{doing} b", StreamMissing("no b"))
        assert shown[-1] == "no a; no b"
        troubles.went_well("read a")
        troubles.forget("count a")
        await troubles.show()
        assert shown[-1] == "no b"
        for number in range(SHOWN + 1):
            await troubles.tell(f"read {number}", StreamMissing(f"no {number}"))
        assert shown[-1] is not None
        assert shown[-1].startswith("no b; no 0; no 1; ")
        assert shown[-1].endswith("; and 2 more")

    asyncio.run(test())
