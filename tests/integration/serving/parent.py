"""A gateway in small for a test that kills it: starts a pool, has one process hang and one wait, prints their ids."""

import asyncio
import sys
from pathlib import Path

from troublemaker import troublemaker as trouble
from troubles import a_pool, children, row, settled, status_of


async def main(package: Path) -> None:
    loaded = a_pool(package, processes_min=2, processes_max=2, timeout_seconds=600)
    await loaded.start()
    hanging = asyncio.create_task(loaded.predict_soon(row(trouble.HANG), within=600))
    await settled(lambda: status_of(loaded).busy == 1)
    sys.stdout.write(" ".join(str(child.pid) for child in children()) + "\n")
    sys.stdout.flush()
    await hanging


asyncio.run(main(Path(sys.argv[1])))
