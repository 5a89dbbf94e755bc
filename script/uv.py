"""Runs uv in this environment with the machine's pip settings, which uv itself does not read: `python script/uv.py pip install ...`.

They are passed by the environment and never printed, since an index address may hold a password.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "no-index": "UV_NO_INDEX",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}
"""pip's option -> the variable in which uv expects it."""

COMMA_SEPARATED = {"UV_FIND_LINKS"}


def uv_environment(listing: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables for uv that say what `pip config list` printed; what is set already stays as it is.

    pip's own order holds: the environment before `[install]` before `[global]`.
    """
    found: dict[str, tuple[int, str]] = {}
    for line in listing.splitlines():
        name, _, quoted = line.partition("=")
        section, _, option = name.strip().rpartition(".")
        rank = {"global": 1, "install": 2, ":env:": 3}.get(section, 0)
        variable = UV_NAMES.get(option)
        if variable is not None and rank > found.get(variable, (0, ""))[0]:
            words = str(ast.literal_eval(quoted)).split()
            found[variable] = (rank, ("," if variable in COMMA_SEPARATED else " ").join(words))
    return {variable: value for variable, (_, value) in found.items() if variable not in environment and value}


def main() -> int:
    """Run uv with our own arguments; its exit code is ours."""
    pip = [sys.executable, "-m", "pip", "config", "list", "--disable-pip-version-check"]
    listing = subprocess.run(pip, capture_output=True, text=True, check=False).stdout
    environment = {**os.environ, **uv_environment(listing, os.environ), "VIRTUAL_ENV": sys.prefix}
    uv = Path(sys.prefix) / "bin" / "uv"
    return subprocess.run([uv, *sys.argv[1:]], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
