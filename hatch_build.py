"""Build hook placeholder replaced by the console's asset hook."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class AssetHook(BuildHookInterface[Any]):
    """Puts the console's JavaScript and CSS into the package at build time."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version, build_data
