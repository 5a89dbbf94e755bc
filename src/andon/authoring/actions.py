"""Actions: what an outcome sets off outside. A declaration names a destination; its address and secret are settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """Which connector reaches which destination (`[destinations.NAME]` in andon.toml), with what options."""

    connector: str
    destination: str
    options: Mapping[str, str] = field(default_factory=dict)


def webhook(destination: str) -> ActionSpec:
    """Tell a destination by a signed HTTP POST (Standard Webhooks)."""
    return ActionSpec(connector="webhook", destination=destination)
