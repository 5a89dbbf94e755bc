"""The plain side of `script/bench procedures`: bare DBOS, the same three steps, concurrent in one process.

No automation, no versions of code, no record of causes. `python -m benchmarks.plain_procedures URL COUNT WARM`; prints
procedures per second.
"""

import asyncio
import json
import sys
import time

from dbos import DBOS

SIDE_BY_SIDE = 64


def add(number: int) -> int:
    """Do the step of the other side."""
    return number + 1


@DBOS.workflow(name="three-steps")
async def three_steps() -> int:
    """Run three steps, one after the other."""
    first = await DBOS.run_step_async(None, add, 0)
    second = await DBOS.run_step_async(None, add, first)
    return await DBOS.run_step_async(None, add, second)


async def run(count: int) -> float:
    """Seconds from the first start to the last end."""
    room = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one() -> None:
        async with room:
            handle = await DBOS.start_workflow_async(three_steps)
            assert await handle.get_result() == 3

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(count)))
    return time.perf_counter() - began


async def measured(count: int, warm: int) -> float:
    """Procedures per second."""
    await run(warm)
    return count / await run(count)


def main() -> None:
    """Run this many procedures."""
    url, count, warm = sys.argv[1:]
    DBOS(config={"name": "plain", "system_database_url": url, "log_level": "ERROR", "enable_otlp": False})
    DBOS.launch()
    try:
        print(json.dumps({"per_second": round(asyncio.run(measured(int(count), int(warm))), 1)}))
    finally:
        DBOS.destroy()


if __name__ == "__main__":
    main()
