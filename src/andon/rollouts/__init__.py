"""Rollouts: a candidate takes over an automation stage by stage, as tests show that it is good enough.

`service.py` has the operations of people, `watching.py` those of a worker. `guardrails.py` defines guardrails; evidence
accumulates in `evidence.py`, `folding.py` and `states.py`. `forecasting.py` estimates how long answers take.
"""

from andon.rollouts.adjusting import adjusted
from andon.rollouts.declared import guardrail_names, plan_of, service_level_of
from andon.rollouts.documents import document_of, document_of_standing
from andon.rollouts.domain import Rollout, RolloutEvent, RolloutHistory, RolloutStage, RolloutState
from andon.rollouts.errors import (
    RolloutInvalid,
    RolloutNotFound,
    RolloutNotThere,
    RolloutOver,
)
from andon.rollouts.evidence import failed
from andon.rollouts.forecasting import forecast, forecast_of
from andon.rollouts.forecasts import GuardrailForecast, RolloutForecast, spoken
from andon.rollouts.guardrails import GuardrailKind, WatchedGuardrail, guardrails_of
from andon.rollouts.published import RolloutMoved
from andon.rollouts.quantiles import newest_quantiles
from andon.rollouts.service import (
    RolloutWish,
    abort,
    approve,
    ended_counts,
    lease_end,
    open_rollouts,
    page,
    pause,
    promote,
    resume,
    show,
    start,
)
from andon.rollouts.standing import GuardrailStanding, standings
from andon.rollouts.states import ArmTally, GuardrailState, PathPoint
from andon.rollouts.watching import RolloutWatcher
from andon.trials import RolloutUnderWay, SecondPersonNeeded, TrafficSplitByHand

__all__ = [
    "ArmTally",
    "GuardrailForecast",
    "GuardrailKind",
    "GuardrailStanding",
    "GuardrailState",
    "PathPoint",
    "Rollout",
    "RolloutEvent",
    "RolloutForecast",
    "RolloutHistory",
    "RolloutInvalid",
    "RolloutMoved",
    "RolloutNotFound",
    "RolloutNotThere",
    "RolloutOver",
    "RolloutStage",
    "RolloutState",
    "RolloutUnderWay",
    "RolloutWatcher",
    "RolloutWish",
    "SecondPersonNeeded",
    "TrafficSplitByHand",
    "WatchedGuardrail",
    "abort",
    "adjusted",
    "approve",
    "document_of",
    "document_of_standing",
    "ended_counts",
    "failed",
    "forecast",
    "forecast_of",
    "guardrail_names",
    "guardrails_of",
    "lease_end",
    "newest_quantiles",
    "open_rollouts",
    "page",
    "pause",
    "plan_of",
    "promote",
    "resume",
    "service_level_of",
    "show",
    "spoken",
    "standings",
    "start",
]
