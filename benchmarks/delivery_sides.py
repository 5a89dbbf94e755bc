"""The two sides of `script/bench delivery`, each a separate process that delivers until it gets SIGTERM.

`python -m benchmarks.delivery_sides andon FOLDER URL`: the delivery loop as a worker runs it, with metrics, for the
project in FOLDER. `... plain FOLDER URL`: a first implementation: 32 tasks that each hold a transaction around claiming
a row, signing it, sending it with httpx and recording the result, and retry after a second when it failed.
"""

import asyncio
import json
import signal
import sys
from pathlib import Path

import asyncpg
import httpx
import uvloop

from andon.bootstrap.connecting import Kinds, destinations
from andon.bootstrap.delivering import build_deliveries
from andon.bootstrap.measures import Measures
from andon.connectors.webhook.signing import Signer
from andon.kernel import config
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.logs import configure_logs

WIDTH = 32

_CLAIM = """
SELECT id, payload, created_at, attempts FROM outbox
WHERE topic = 'action.deliver' AND state = 'pending' AND due_at <= now() AND lane = 'bank'
ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""


async def _andon(folder: Path, url: str, stop: asyncio.Event) -> None:
    database = Database(url)
    deliveries = build_deliveries(config.load(folder), database, SystemClock(), Measures(), Events())
    try:
        await deliveries.run(stop)
    finally:
        await deliveries.close()
        database.close()


async def _plain(folder: Path, url: str, stop: asyncio.Event) -> None:
    settings = config.load(folder)
    bank = destinations(settings, Kinds(settings.root))["bank"]
    signer, clock = Signer(bank.secrets), SystemClock()
    limits = httpx.Limits(max_connections=WIDTH, max_keepalive_connections=WIDTH)
    async with (
        httpx.AsyncClient(limits=limits, trust_env=False, timeout=10) as client,
        asyncpg.create_pool(url, min_size=WIDTH, max_size=WIDTH) as pool,
    ):

        async def deliver(connection: asyncpg.Connection) -> bool:
            async with connection.transaction():
                row = await connection.fetchrow(_CLAIM)
                if row is None:
                    return False
                event = {"type": "decision.release", "data": json.loads(row["payload"])["decision"]}
                body, key, at = json.dumps(event).encode(), str(row["id"]), int(clock.now().timestamp())
                headers = {
                    "content-type": "application/json",
                    "webhook-id": key,
                    "webhook-timestamp": str(at),
                    "webhook-signature": signer.sign(key, at, body),
                }
                answer = await client.post(bank.url, content=body, headers=headers)
                done = answer.is_success
                await connection.execute(
                    "WITH a AS (INSERT INTO delivery_attempts (id, message_id, number, began_at) "
                    "VALUES (gen_random_uuid(), $1, $2, now()) RETURNING id) "
                    "INSERT INTO delivery_answers SELECT id, now(), $3, $4, '' FROM a",
                    row["id"],
                    row["attempts"] + 1,
                    "delivered" if done else "failed",
                    answer.status_code,
                )
                await connection.execute(
                    "UPDATE outbox SET state = $2, attempts = attempts + 1, due_at = now() + interval '1 second' "
                    "WHERE id = $1",
                    row["id"],
                    "done" if done else "pending",
                )
            return True

        async def work() -> None:
            while not stop.is_set():
                async with pool.acquire() as connection:
                    found = await deliver(connection)
                if not found:
                    await asyncio.sleep(0.05)

        await asyncio.gather(*(work() for _ in range(WIDTH)))


async def _run(side: str, folder: Path, url: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await {"andon": _andon, "plain": _plain}[side](folder, url, stop)


if __name__ == "__main__":
    configure_logs("worker", "error")
    uvloop.run(_run(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
