"""Locks that die with their holder, and files that appear whole."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from andon.kernel import files


def test_a_lock_has_one_holder_and_is_free_when_it_closes(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first, second = files.open_lock(path), files.open_lock(path)
    try:
        assert files.try_lock(first)
        assert not files.try_lock(second)
        assert files.is_held(path)
        os.close(first)
        assert files.lock_within(second, 1)
    finally:
        os.close(second)
    assert not files.is_held(path)


def test_a_lock_lives_in_whoever_inherited_it_and_ends_with_the_last(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = files.open_lock(path)
    assert files.try_lock(lock)
    heir = subprocess.Popen([sys.executable, "-c", "input()"], pass_fds=[lock], stdin=subprocess.PIPE)
    os.close(lock)
    assert files.is_held(path)
    heir.kill()
    heir.communicate()
    assert not files.is_held(path)


def test_a_lock_that_was_never_taken_is_not_held_and_not_made(tmp_path: Path) -> None:
    assert not files.is_held(tmp_path / "lock")
    assert not (tmp_path / "lock").exists()


def test_a_lock_is_not_opened_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic link"):
        files.open_lock(tmp_path / "lock")


def test_a_replaced_file_has_the_given_mode_and_leaves_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    before = os.umask(0o077)
    try:
        files.replace(path, "one", mode=0o644)
        files.replace(path, "two", mode=0o644)
    finally:
        os.umask(before)
    assert path.read_text() == "two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    files.replace(path, "one")
    with pytest.raises(UnicodeEncodeError):
        files.replace(path, "\ud800")
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_kept_secret_is_drawn_once_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "password"
    secret = files.kept_secret(path)
    assert len(secret) == 64
    assert files.kept_secret(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
