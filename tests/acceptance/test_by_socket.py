"""What `andon up` tells its processes of the embedded PostgreSQL is what they use: batches go through its unix socket."""

import httpx
from sqlalchemy import text

from andon.kernel import config, postgres
from andon.kernel.db import Database
from automations import payment
from calls import DECIDE
from receiver import Receiver
from running import running

# PostgreSQL keeps the first kilobyte of a statement: how a batch begins, not the columns that end it.
WRITERS = text("SELECT client_addr FROM pg_stat_activity WHERE query LIKE 'WITH leaf AS (INSERT INTO audit_entries%'")


def test_gateway_and_worker_write_decisions_through_the_socket() -> None:
    with Receiver() as receiver, running(receiver.url) as line:
        headers = {"Authorization": f"Bearer {line.key('bank', 'caller').split()[-1]}"}
        with httpx.Client(base_url=line.url, headers=headers, trust_env=False, timeout=60) as client:
            for prefer in ("wait=30", "respond-async"):
                answer = client.post(DECIDE, json=payment(1), headers={"Prefer": prefer})
                assert client.get(answer.headers["Location"], params={"wait": 30}).status_code == 200
        database = Database(postgres.url_of(config.load(line.folder)))
        with database.begin() as tx:
            found = tx.execute(WRITERS).scalars().all()
        database.close()
    assert found == [None, None]
