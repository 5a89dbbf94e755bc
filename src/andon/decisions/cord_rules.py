"""Rules that pull the cord, as an automation declares them and as they are kept with its version."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from andon.authoring import Automation, CordDrill, CordRule


@dataclass(frozen=True, slots=True)
class DeclaredCord:
    """The part of a declaration that is about the cord. `rules` is None if the default ones apply.

    `levels` are the levels declared for monitors.
    """

    rules: tuple[CordRule, ...] | None = None
    checklist: tuple[str, ...] = ()
    drill: CordDrill | None = None
    levels: Mapping[str, str] = field(default_factory=dict)


def described_cord(automation: Automation) -> dict[str, Any]:
    """Describe rules, checklist and drill for the automation's version.

    Only declared parts are included, so that old versions keep their digest.
    """
    return {
        **({} if automation.cord is None else {"cord": [asdict(rule) for rule in automation.cord]}),
        **({"checklist": list(automation.checklist)} if automation.checklist else {}),
        **({} if automation.drill is None else {"drill_seconds": automation.drill.every.total_seconds()}),
    }


def declared_cord(description: Mapping[str, Any]) -> DeclaredCord:
    """Return what a version declares about the cord."""
    rules, seconds = description.get("cord"), description.get("drill_seconds")
    return DeclaredCord(
        None if rules is None else tuple(CordRule(**rule) for rule in rules),
        tuple(description.get("checklist", ())),
        None if seconds is None else CordDrill(timedelta(seconds=seconds)),
        description.get("monitors", {}).get("levels", {}),
    )
