"""An environment is built once for each lock file."""

import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.environments import EnvironmentFailed, python_of

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANDON_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_it_is_built_once_and_anew_when_the_lock_changed(cache: Path, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("# nothing\n")
    python = python_of("empty", lock)
    assert (
        subprocess.run([python, "-c", "import sys; sys.exit(sys.prefix == sys.base_prefix)"], check=False).returncode
        == 0
    )
    (cache / "empty" / "left").touch()
    assert python_of("empty", lock) == python
    assert (cache / "empty" / "left").exists()
    lock.write_text("# still nothing\n")
    python_of("empty", lock)
    assert not (cache / "empty" / "left").exists()


def test_of_two_processes_that_want_it_at_once_one_builds_and_the_other_waits(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("# nothing\n")
    program = (
        "import pathlib, sys; from benchmarks.environments import python_of; python_of('empty', "
        "pathlib.Path(sys.argv[1]))"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", program, lock], stderr=subprocess.PIPE, text=True, cwd=ROOT)
        for _ in range(2)
    ]
    told = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert sum("Installing empty" in said for said in told) == 1, told


def test_what_cannot_be_installed_is_told_and_not_taken_for_built(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"{tmp_path}/no-such-wheel-1.0-py3-none-any.whl\n")
    for _ in range(2):
        with pytest.raises(EnvironmentFailed, match="no-such-wheel"):
            python_of("broken", lock)
