"""`andon stop` ends whatever runs in a folder, and says what that was."""

from collections.abc import Callable
from pathlib import Path

import pytest

from andon.kernel import postgres
from andon.kernel.config import Settings
from andon.supervisor import stopping

from .conftest import Up

pytestmark = pytest.mark.postgres


def test_a_running_up_is_stopped_in_order(start: Callable[..., Up]) -> None:
    up = start(embedded=True).until_running()
    assert stopping.stop(Settings(root=up.folder)) == [
        f"Stopped `andon up` (process {up.process.pid}) and all processes that it had started"
    ]
    assert up.process.wait(1) == 0
    assert postgres.running(up.folder / ".andon" / "postgres") is None


def test_a_postgresql_that_nobody_uses_is_stopped(project: Path) -> None:
    server = postgres.start(project / ".andon" / "postgres")
    (said,) = stopping.stop(Settings(root=project))
    assert f"(process {server.pid})" in said
    assert not server.is_alive()


def test_a_postgresql_that_a_command_uses_goes_on(project: Path) -> None:
    with postgres.lend(project / ".andon" / "postgres") as server:
        (said,) = stopping.stop(Settings(root=project))
        assert "continues for a command that uses it" in said
        assert server.is_alive()
    assert not server.is_alive()


def test_where_nothing_runs_nothing_is_stopped_or_made(project: Path) -> None:
    assert stopping.stop(Settings(root=project)) == []
    assert not (project / ".andon").exists()
