"""Rollouts and their guardrails as documents: the fields that the API and the command line show."""

from collections.abc import Mapping
from typing import Any

from msgspec import to_builtins

from andon.rollouts.domain import Rollout
from andon.rollouts.standing import GuardrailStanding

_PLAIN = [
    "automation",
    "number",
    "model",
    "control",
    "arm",
    "state",
    "stage",
    "seen",
    "stage_at",
    "started_by",
    "reason",
    "created_at",
    "approved_by",
    "ended_at",
    "ended_by",
    "why",
]

_COUNTED = ("candidate", "control", "pairs", "harmed", "path", "evidence")


def document_of(one: Rollout) -> Mapping[str, Any]:
    """Describe a rollout briefly."""
    return {
        **{name: getattr(one, name) for name in _PLAIN},
        "candidate": str(one.candidate),
        "plan": one.plan.described(),
        "share": one.at.share if one.is_watched else 0.0,
        "next_share": None if one.is_over else one.at.following,
    }


def document_of_standing(one: GuardrailStanding) -> Mapping[str, Any]:
    """Describe a guardrail: its counts, its evidence with bounds and path, and the decisions behind it."""
    state, guardrail = one.state, one.guardrail
    return {
        **{name: getattr(guardrail, name) for name in ("name", "kind", "what", "margin", "required", "rolls_back")},
        **{name: getattr(one, name) for name in ("figures", "harm", "harm_bound", "sound", "sound_bound", "is_sound")},
        **{name: to_builtins(getattr(state, name)) for name in _COUNTED},
    }
