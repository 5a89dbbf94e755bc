"""Runs uv in this environment with the machine's pip settings, which uv itself does not read.

Use `python script/uv.py pip install ...`. The settings are passed in the environment and never printed, since an index
address may contain a password.
"""

import os
import runpy
import subprocess
import sys
from pathlib import Path

_SHARED = Path(__file__).parents[1] / "src/andon/serving/isolated/pip_settings.py"
uv_environment = runpy.run_path(str(_SHARED))["uv_environment"]
"""Found by its path, since this runs before anything is installed."""


def main() -> int:
    """Run uv with our arguments, and return its exit code."""
    pip = [sys.executable, "-m", "pip", "config", "list", "--disable-pip-version-check"]
    listing = subprocess.run(pip, capture_output=True, text=True, check=False).stdout
    environment = {**os.environ, **uv_environment(listing, os.environ), "VIRTUAL_ENV": sys.prefix}
    uv = Path(sys.prefix) / "bin" / "uv"
    return subprocess.run([uv, *sys.argv[1:]], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
