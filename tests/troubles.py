"""A packed model that makes trouble on demand, as a loaded version in processes of its own."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from andon import serving
from andon.models import ModelVersion, PythonModel, open_package, pack
from andon.serving import Hosting, LoadedVersion, PoolStatus
from packages import CLASSES, FEATURES, some_rows

GOOD: list[dict[str, Any]] = [{"amount": 900.0, "country": "DE"}, {"amount": 5.0, "country": "FR"}]
LABELS = ["fraud", "ok"]


def row(amount: float) -> list[dict[str, Any]]:
    """Two rows, the first of which is an order."""
    return [{"amount": float(amount), "country": "DE"}, {"amount": 1.0, "country": "DE"}]


def a_troublemaker(folder: Path) -> Path:
    """Return a package of `tests/troublemaker`; it obeys the file `orders` beside it when it loads."""
    pointer = folder / "told" / "orders"
    pointer.parent.mkdir(parents=True)
    pointer.write_text(str(folder / "orders"), encoding="utf-8")
    training, held_out = some_rows(1)
    return pack(
        folder / "package",
        name="troublemaker",
        model=PythonModel(
            "troublemaker:Troublemaker",
            code=[Path(__file__).parent / "troublemaker" / "troublemaker.py"],
            files=[pointer],
        ),
        features=FEATURES,
        classes=CLASSES,
        training=training,
        held_out=held_out,
        split="the first half trains",
    )


def version_of(package: Path, *, packages: dict[str, str] | None = None, python: str | None = None) -> ModelVersion:
    """Return a trusted version; with `packages` and `python`, as if it had been packed with those."""
    manifest = open_package(package).manifest
    captured = manifest.environment
    changed = captured.model_copy(
        update={"packages": captured.packages | (packages or {}), "python": python or captured.python}
    )
    manifest = manifest.model_copy(update={"environment": changed})
    return ModelVersion(manifest.name, 1, manifest.digest, manifest, "owner", "a test", datetime.now(UTC), trusted=True)


def a_pool(package: Path, version: ModelVersion | None = None, **hosting: Any) -> LoadedVersion:
    """Return a loaded, unstarted version: the package's own by default."""
    settings = Hosting(**{"environments": package.parent / "environments", **hosting})
    return serving.load(version or version_of(package), package, settings)


def status_of(loaded: LoadedVersion) -> PoolStatus:
    """How the pool is doing."""
    status = loaded.status()
    assert status is not None
    return status


def children() -> list[psutil.Process]:
    """Return the processes of models that this process started."""
    return [each for each in psutil.Process().children() if _is_model(each)]


def _is_model(process: psutil.Process) -> bool:
    try:
        return any(part.endswith("/isolated/host.py") for part in process.cmdline())
    except psutil.Error:  # it has just ended
        return False


async def labels(loaded: LoadedVersion, rows: list[dict[str, Any]] = GOOD) -> list[str]:
    """Return its labels of rows, given plenty of time."""
    return [prediction.label for prediction in await loaded.predict_soon(rows, within=20)]


async def settled(condition: Callable[[], bool], within: float = 10.0) -> None:
    """Return when the condition holds; fail if it does not in time."""
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)
