"""Environments are built from what was captured, once, atomically; a version runs in its own. No index is used."""

import asyncio
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from andon.serving import EnvironmentInvalid
from andon.serving.isolated.environments import NOTE, Environments, find_uv
from andon.serving.isolated.requirements import Requirements
from troublemaker import troublemaker as trouble
from troubles import GOOD, a_pool, a_troublemaker, row, version_of
from wheels import small_wheel, wheel_of_installed

pytestmark = pytest.mark.long

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that pip and uv take everything from."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("UV_OFFLINE", "1")
    return folder


@pytest.fixture(params=["uv", "pip"])
def environments(request: pytest.FixtureRequest, tmp_path: Path) -> Environments:
    if request.param == "uv" and find_uv() is None:
        pytest.skip("NOT PROVEN: uv is not installed (pip install 'andon[isolated]')")
    return Environments(tmp_path / "environments", uv=find_uv if request.param == "uv" else lambda: None)


def test_an_environment_holds_what_was_captured_and_is_built_once(
    environments: Environments, wheels: Path, tmp_path: Path
) -> None:
    small_wheel("marker", "1.5", wheels)
    wanted = Requirements(HERE, {"marker": "1.5"})
    with ThreadPoolExecutor(3) as threads:
        pythons = set(threads.map(environments.build, [wanted] * 3))
    (python,) = pythons
    assert python == (tmp_path / "environments" / wanted.digest / "bin" / "python").absolute()
    assert list(python.parents[1].glob("lib/python*/site-packages/marker.py"))
    assert list(python.parents[1].glob("lib/python*/site-packages/__pycache__/marker.*.pyc"))  # each start saves that
    assert json.loads((python.parents[1] / NOTE).read_text()) == {"python": HERE, "packages": {"marker": "1.5"}}
    made_at = python.parents[1].stat().st_ino
    environments.build(wanted)
    assert python.parents[1].stat().st_ino == made_at


def test_what_cannot_be_resolved_is_refused_in_the_resolvers_words_and_leaves_nothing(
    environments: Environments, wheels: Path, tmp_path: Path
) -> None:
    small_wheel("marker", "1.5", wheels)
    wanted = Requirements(HERE, {"marker": "9.9"})
    with pytest.raises(EnvironmentInvalid, match=r"cannot be built here:(\n.*)*marker==9\.9"):
        environments.build(wanted)
    assert [path.suffix for path in (tmp_path / "environments").iterdir()] == [".lock"]
    small_wheel("marker", "9.9", wheels)
    assert environments.build(wanted).exists()


def test_a_python_that_is_not_here_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        EnvironmentInvalid, match=r"trained with Python 3\.99, and this machine's PATH has no working python3\.99"
    ):
        Environments(tmp_path).build(Requirements("3.99", {}))


def test_a_version_runs_in_its_own_environment_without_andon(tmp_path: Path, wheels: Path) -> None:
    package = a_troublemaker(tmp_path)
    wheel_of_installed("numpy", wheels)
    small_wheel("marker", "1.5", wheels)
    version = version_of(package, packages={"marker": "1.5"})
    loaded = a_pool(package, version)
    assert len(list((tmp_path / "environments").glob(f"*/{NOTE}"))) == 1
    here = a_pool(package)
    assert [p.label for p in loaded.predict(row(trouble.ANDON))] == ["ok", "ok"]
    assert loaded.predict(GOOD) == here.predict(GOOD)
    asyncio.run(loaded.close())
    asyncio.run(here.close())


def test_our_own_environment_is_used_when_it_holds_exactly_what_was_captured(tmp_path: Path) -> None:
    package = a_troublemaker(tmp_path)
    manifest = version_of(package).manifest
    environments = Environments(tmp_path / "environments")
    assert environments.find(manifest) == environments.python_for(manifest) == Path(sys.executable)
    assert environments.find(version_of(package, packages={"marker": "1.5"}).manifest) is None
    assert not (tmp_path / "environments").exists()


def test_a_version_whose_environment_cannot_be_built_is_refused_when_it_is_loaded(tmp_path: Path, wheels: Path) -> None:
    package = a_troublemaker(tmp_path)
    with pytest.raises(EnvironmentInvalid, match=r"marker==1\.5"):
        a_pool(package, version_of(package, packages={"marker": "1.5"}))
