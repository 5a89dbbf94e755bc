"""The machine's pip settings as the variables in which uv, which does not read them, expects them.

Standard library only: `script/uv.py` loads this file by its path before anything is installed.
"""

import ast
from collections.abc import Mapping

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
    """Return the variables of uv that match the output of `pip config list`; variables already set keep their value.

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
