"""The database is away just as a part starts: it waits for it at every step, and is not started again for it."""

from collections.abc import Iterator

import pytest
from benchmarks.line import Line
from sqlalchemy import make_url

from andon.kernel.db import Database
from proxy import Proxy
from receiver import Receiver
from running import running


@pytest.fixture(scope="module")
def proxy(module_database: Database) -> Iterator[Proxy]:
    """The way to the database."""
    with Proxy("127.0.0.1", make_url(module_database.url).port or 5432) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def line(module_database: Database, proxy: Proxy) -> Iterator[Line]:
    url = make_url(module_database.url)
    through = url.set(port=proxy.port).render_as_string(hide_password=False)
    with Receiver() as receiver, running(receiver.url, {"ANDON_DATABASE_URL": through}) as line:
        yield line


@pytest.mark.parametrize("part", ["gateway", "worker"])
@pytest.mark.parametrize("step", [b"\nFROM access_keys", b"DELETE FROM spend_writers"], ids=["keys", "spending"])
def test_a_part_waits_at_every_step_of_its_start_for_a_database_that_is_away_just_then(
    line: Line, proxy: Proxy, part: str, step: bytes
) -> None:
    """To end and be started again would take longer, most of all on a computer that is busy.

    Keys are read by a statement with a line of its own for FROM; what notes their use, as the part before ends, has none.
    """
    before = len(line.log.read_text(encoding="utf-8"))
    proxy.cut_before(step)
    line.command("restart", part)
    said = line.log.read_text(encoding="utf-8")[before:]
    assert said.count('"event": "start.waits"') == 1
    assert "part_ended" not in said
