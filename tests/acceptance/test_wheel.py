"""The wheel on each supported Python, with its dependencies alone: a project from a CSV file that decides."""

import os
import random
import subprocess
import tomllib
from pathlib import Path

import httpx
import pytest

from andon_demo.line import Line
from wheel import OLDEST, PYTHONS, ROOT, andon_of, built, interpreter

pytestmark = pytest.mark.long
CAMPAIGN = pytest.mark.campaign

CLEAN = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("wheel"))


def write_orders(path: Path) -> None:
    """Write 400 orders of a shop; the dear ones are returned."""
    draw = random.Random(5)
    prices = [round(draw.uniform(5, 200), 2) for _ in range(400)]
    rows = [f"{price},{draw.randint(1, 9)},{'yes' if price > 150 else 'no'}" for price in prices]
    path.write_text("\n".join(["price,items,returned", *rows]), encoding="utf-8")


def test_every_python_that_the_project_names_is_tried() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [one.rpartition(" ")[2] for one in project["classifiers"] if ":: Python :: 3." in one]
    assert tuple(named) == PYTHONS


@pytest.mark.timeout(300)
@pytest.mark.parametrize("version", [pytest.param(one, marks=() if one == OLDEST else CAMPAIGN) for one in PYTHONS])
def test_an_installed_wheel_makes_a_project_that_decides(wheel: Path, version: str, short_folder: Path) -> None:
    found = interpreter(version)
    if found is None:
        pytest.skip(f"there is no Python {version} here")
    program = andon_of(wheel, version, found)
    write_orders(short_folder / "orders.csv")
    order = [program, "init", "shop", "--from", "orders.csv", "--target", "returned"]
    subprocess.run(order, cwd=short_folder, env=CLEAN, timeout=60, check=True, capture_output=True)
    stories = subprocess.run([program, "demo", "--help"], env=CLEAN, timeout=60, check=True, capture_output=True)
    assert b"rollout" in stories.stdout
    environment = {"PYTHONPATH": "", "ANDON_CONSOLE_ENABLED": "false"}
    with Line(short_folder / "shop", environment=environment, andon=program) as line:
        line.up()
        headers = {"Authorization": f"Bearer {line.key('shop', 'caller').split()[-1]}"}
        answer = httpx.post(
            f"{line.url}/v1/automations/shop/decisions",
            json={"price": 20.0, "items": 2},
            headers=headers,
            trust_env=False,
        )
    assert answer.status_code == 200, answer.text
