"""What a model needs, by name and exact version; and when our own environment will do."""

import platform
from importlib import metadata

import pytest

from andon.models import Manifest, open_package
from andon.serving.isolated.environments import words_of
from andon.serving.isolated.requirements import Requirements, are_met_here, requirements_of
from packages import a_package

HERE = ".".join(platform.python_version_tuple()[:2])


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return open_package(a_package(tmp_path_factory.mktemp("model") / "package")).manifest


def captured(manifest: Manifest, python: str, packages: dict[str, str]) -> Manifest:
    environment = manifest.environment.model_copy(update={"python": python, "packages": packages})
    return manifest.model_copy(update={"environment": environment})


def test_names_are_normal_and_the_tools_and_andon_itself_are_left_out(manifest: Manifest) -> None:
    packed = captured(manifest, "3.12.1", {"Scikit_Learn": "1.9", "numpy": "2.4", "andon": "0.1", "pip": "26"})
    assert requirements_of(packed) == Requirements("3.12", {"scikit-learn": "1.9", "numpy": "2.4"})
    assert requirements_of(packed).lines == ["numpy==2.4", "scikit-learn==1.9"]


def test_the_digest_is_of_python_and_pins_in_any_order() -> None:
    one = Requirements("3.11", {"a": "1", "b": "2"})
    assert one.digest == Requirements("3.11", {"b": "2", "a": "1"}).digest
    others = [
        Requirements("3.12", {"a": "1", "b": "2"}),
        Requirements("3.11", {"a": "1"}),
        Requirements("3.11", {"a": "1", "b": "3"}),
    ]
    assert len({one.digest, *(other.digest for other in others)}) == 4


def test_what_was_packed_here_can_run_here(manifest: Manifest) -> None:
    wanted = requirements_of(manifest)
    assert "lightgbm" in wanted.pins
    assert are_met_here(wanted)


@pytest.mark.parametrize(
    ("python", "pins"),
    [("3.99", {}), (HERE, {"numpy": "0.0.1"}), (HERE, {"no-such-distribution": "1"})],
    ids=["another python", "another version", "not installed"],
)
def test_one_difference_is_enough(python: str, pins: dict[str, str]) -> None:
    pins = {"structlog": metadata.version("structlog")} | pins
    assert not are_met_here(Requirements(python, pins))


def test_a_resolvers_last_words_are_kept_and_passwords_are_not() -> None:
    output = "\n".join(
        [*(f"line {n}" for n in range(40)), "", "ERROR: https://user:word@index.test/simple is away", "x" * 900]
    )
    words = words_of(output)
    assert "ERROR: https://index.test/simple is away" in words
    assert "word" not in words
    assert "line 39" in words
    assert "line 20" not in words
    assert max(map(len, words.splitlines())) < 500
