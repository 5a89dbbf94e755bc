"""The environment that a model needs elsewhere: this Python version, and the exact distributions of its libraries."""

import json
import platform
from collections.abc import Iterable
from importlib import metadata

from andon.models.errors import PackageInvalid
from andon.models.manifest import Environment

ALWAYS = "numpy"
"""The module that every model needs: every runtime receives arrays."""


def capture(modules: Iterable[str], requires: Iterable[str]) -> Environment:
    """Return the environment of these top-level modules, with the installed distributions.

    It has the distributions that provide the modules, those in `requires`, and everything they require. Raises
    PackageInvalid for one that is not installed or that no index has, and for a model that imports Andon.
    """
    modules = set(modules)
    if "andon" in modules:
        raise PackageInvalid(
            "The model imports Andon, which is not installed where the model runs; copy what it needs into its own code"
        )
    offered = metadata.packages_distributions()
    roots = {name for module in modules for name in offered.get(module, ())}
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        packages=dict(sorted(_closure([ALWAYS, *sorted(roots), *requires]).items())),
    )


def required_by(text: str) -> list[str]:
    """Return the distributions that a requirements file names, without its options and the files it includes."""
    from packaging.requirements import (
        InvalidRequirement,
        Requirement,
    )  # here, because a gateway packs nothing and saves the memory

    names = []
    for line in text.splitlines():
        try:
            names.append(Requirement(line.partition("#")[0].strip()).name)
        except InvalidRequirement:  # an empty line, an option, a path
            continue
    return names


def _closure(roots: list[str]) -> dict[str, str]:
    """Return names and versions of `roots` and of their requirements here, without those whose markers exclude them."""
    from packaging.requirements import Requirement  # here, as in `required_by`
    from packaging.utils import canonicalize_name

    found: dict[str, str] = {}
    waiting = [(name, "", True) for name in roots]
    seen: set[tuple[str, str]] = set()
    while waiting:
        name, extra, needed = waiting.pop()
        if (canonicalize_name(name), extra) in seen:
            continue
        seen.add((canonicalize_name(name), extra))
        distribution = _installed(name, needed=needed)
        if distribution is None:
            continue
        found[distribution.name] = distribution.version
        for requirement in map(Requirement, distribution.requires or ()):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                waiting.extend((requirement.name, each, False) for each in ("", *requirement.extras))
    return found


def _installed(name: str, *, needed: bool) -> metadata.Distribution | None:
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        if needed:
            raise PackageInvalid(
                f"The model requires {name}, which is not installed here: pack the model where it was trained"
            ) from None
        return None
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        raise PackageInvalid(
            f"The model needs {name}, which is installed here from a working folder, so it cannot be installed "
            "elsewhere: "
            "install a release of it, or pack its code with the model (PythonModel's `code`)"
        )
    return distribution
