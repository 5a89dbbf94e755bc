"""The Python that the scripts choose among those installed. Here they are programs with a Python's answers."""

import subprocess
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[3] / "script" / "_setup.sh"
ANSWERS = {
    "fit": "exit 0",
    "too old": "case $2 in *version_info*) exit 1;; esac",
    "without venv": "case $2 in *print*) echo 3.13;; *ensurepip*) exit 1;; esac",
}


def found(place: Path, pythons: dict[str, str], chosen: str = "") -> subprocess.CompletedProcess[str]:
    for name, kind in pythons.items():
        (place / name).write_text(f"#!/bin/sh\n{ANSWERS[kind]}\n")
        (place / name).chmod(0o755)
    return subprocess.run(
        ["/bin/sh", "-c", f". {SETUP}; find_python"],
        env={"PATH": str(place), "PYTHON": chosen},
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )


@pytest.mark.parametrize(
    ("pythons", "chosen", "taken"),
    [
        ({"python3": "fit", "python3.11": "fit", "python3.13": "fit"}, "", "python3"),
        ({"python3": "too old", "python3.11": "fit", "python3.13": "fit"}, "", "python3.13"),
        ({"python3": "too old", "python3.11": "fit"}, "", "python3.11"),
        ({"python3": "without venv", "python3.13": "fit"}, "", "python3.13"),
        ({"python3": "fit", "python3.11": "fit"}, "python3.11", "python3.11"),
    ],
    ids=["python3", "newest", "older", "that can make environments", "asked for"],
)
def test_the_first_that_is_new_enough_and_fit_is_taken(
    tmp_path: Path, pythons: dict[str, str], chosen: str, taken: str
) -> None:
    done = found(tmp_path, pythons, chosen)
    assert (done.stdout, done.returncode) == (f"{taken}\n", 0), done.stderr


def test_where_none_can_make_environments_the_package_is_named(tmp_path: Path) -> None:
    done = found(tmp_path, {"python3.13": "without venv", "python3": "too old"})
    assert (done.stdout, done.returncode) == ("", 1)
    assert "python3.13 cannot make virtual environments" in done.stderr
    assert "apt-get install python3.13-venv" in done.stderr


def test_where_none_is_new_enough_it_says_what_was_looked_for(tmp_path: Path) -> None:
    done = found(tmp_path, {"python3": "too old"})
    assert (done.stdout, done.returncode) == ("", 1)
    assert (
        "needs Python 3.11 or newer; found none (looked for: python3, python3.13, python3.12, python3.11)"
        in done.stderr
    )
