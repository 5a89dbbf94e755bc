"""Requirements of a model's environment, from what was captured when it was packed; and whether ours meets them."""

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata

from andon.models import Manifest

_NEVER = {"andon", "pip", "setuptools", "uv", "wheel"}
"""A model's process has no Andon, and the tools that install packages predict nothing."""


@dataclass(frozen=True, slots=True)
class Requirements:
    """A Python (`3.11`) and packages by name, each at one version. The set is complete: no dependencies are added."""

    python: str
    pins: Mapping[str, str]

    @property
    def digest(self) -> str:
        """Names the environment."""
        said = json.dumps([self.python, sorted(self.pins.items())])
        return hashlib.sha256(said.encode()).hexdigest()

    @property
    def lines(self) -> list[str]:
        """The pins as pip and uv read them."""
        return [f"{name}=={version}" for name, version in sorted(self.pins.items())]


def requirements_of(manifest: Manifest) -> Requirements:
    """Return the requirements of a packed model."""
    from packaging.utils import canonicalize_name  # here, because a gateway without isolated versions saves the memory

    captured = manifest.environment
    pins = {str(canonicalize_name(name)): version for name, version in captured.packages.items()}
    minor = ".".join(captured.python.split(".")[:2])
    return Requirements(minor, {name: version for name, version in pins.items() if name not in _NEVER})


def are_met_here(wanted: Requirements) -> bool:
    """Return whether the environment of this very process holds all that is wanted, at exactly these versions."""
    if wanted.python != f"{sys.version_info.major}.{sys.version_info.minor}":
        return False
    return all(_installed(name) == version for name, version in wanted.pins.items())


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
