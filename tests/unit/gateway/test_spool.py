"""What is written comes out in its order, however much waits, and no more of it is in memory than is allowed."""

import asyncio
import os

from hypothesis import given, settings
from hypothesis import strategies as st

from andon.gateway.batch.spool import Spool


async def all_of(spool: Spool) -> bytes:
    pieces = []
    while piece := await spool.read():
        pieces.append(piece)
    return b"".join(pieces)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=40), max_size=30), st.lists(st.booleans(), max_size=60))
def test_everything_comes_out_in_order_whoever_is_faster(parts: list[bytes], turns: list[bool]) -> None:
    async def run() -> bytes:
        spool, found, left = Spool(in_memory=60), b"", list(parts)
        for reads in turns:
            if not reads and left:
                await spool.write(left.pop(0))
            elif len(found) < sum(map(len, parts)) - sum(map(len, left)):
                found += await spool.read()
        for part in left:
            await spool.write(part)
        spool.end()
        found += await all_of(spool)
        spool.close()
        return found

    assert asyncio.run(run()) == b"".join(parts)


def test_what_nobody_reads_is_on_disk_and_comes_back_from_there() -> None:
    async def run() -> tuple[int, bytes]:
        spool = Spool(in_memory=1_000)
        for n in range(1_000):
            await spool.write(bytes([n % 256]) * 100)
        held, file = sum(map(len, spool._first)), spool._file
        assert file is not None
        file.flush()
        assert os.fstat(file.fileno()).st_size == 100_000 - held
        spool.end()
        content = await all_of(spool)
        assert os.fstat(file.fileno()).st_size == 0
        spool.close()
        return held, content

    held, content = asyncio.run(run())
    assert held <= 1_100
    assert content == b"".join(bytes([n % 256]) * 100 for n in range(1_000))


def test_with_too_much_on_disk_the_writer_waits_for_the_reader() -> None:
    async def run() -> bytes:
        spool = Spool(in_memory=10, on_disk=50)

        async def write() -> None:
            for n in range(30):
                await spool.write(bytes([n]) * 10)
            spool.end()

        writing = asyncio.create_task(write())
        done, _ = await asyncio.wait({writing}, timeout=0.2)
        assert not done
        content = await all_of(spool)
        await writing
        spool.close()
        return content

    assert asyncio.run(run()) == b"".join(bytes([n]) * 10 for n in range(30))


def test_who_reads_first_waits_for_what_is_written() -> None:
    async def run() -> bytes:
        spool = Spool()
        reading = asyncio.create_task(all_of(spool))
        await asyncio.sleep(0)
        await spool.write(b"a")
        spool.end()
        return await reading

    assert asyncio.run(run()) == b"a"
