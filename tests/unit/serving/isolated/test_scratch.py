"""A model's folder stays while its gateway lives, and what a killed one left goes when the next needs one."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from andon.serving.isolated.scratch import Scratch

HOLD = """
import sys
from andon.serving.isolated.scratch import Scratch
scratch = Scratch()
(scratch.folder / "weights").write_text("large")
print(scratch.folder, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """TMPDIR of this process and of those it starts."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


@contextmanager
def another() -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """Run a gateway with a folder of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


def test_it_is_removed_with_all_that_is_in_it(below: Path) -> None:
    with Scratch() as folder:
        (folder / "unpacked").mkdir()
        (folder / "unpacked" / "weights").write_text("large")
        assert folder.parent == below
    assert list(below.iterdir()) == []


def test_that_of_a_gateway_that_lives_stays_and_that_of_a_killed_one_goes() -> None:
    with another() as (process, folder):
        with Scratch():
            assert (folder / "weights").exists()
        process.kill()
        process.wait()
        assert (folder / "weights").exists()
        with Scratch() as mine:
            assert not folder.exists()
            assert mine.is_dir()


def test_own_folders_and_what_is_no_folder_stay(below: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    foreign = tmp_path_factory.mktemp("foreign")
    (below / "andon-model-file").write_text("no folder")
    (below / "andon-model-link").symlink_to(foreign)
    with Scratch() as first, Scratch() as second:
        assert first.is_dir()
        assert second.is_dir()
    assert foreign.is_dir()
    assert {place.name for place in below.iterdir()} == {"andon-model-file", "andon-model-link"}


def test_of_many_that_begin_at_once_each_has_a_folder_that_stays(below: Path) -> None:
    def hold(_: int) -> bool:
        with Scratch() as folder:
            (folder / "weights").write_text("large")
            with Scratch():
                return (folder / "weights").exists()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(hold, range(400)))
    assert list(below.iterdir()) == []
