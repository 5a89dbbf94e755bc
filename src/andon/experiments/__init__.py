"""Experiments: arms of one automation side by side, until one is shown to be better by a measure declared beforehand.

`service.py` holds the operations of people, `watching.py` those of a worker. `evidence.py` and `estimates.py` add up
evidence; `allocating.py` makes traffic follow it.
"""

from andon.experiments.documents import document_of, document_of_estimates
from andon.experiments.domain import (
    MOST_ARMS,
    AllocationKind,
    Direction,
    Experiment,
    ExperimentEvent,
    ExperimentHistory,
    ExperimentState,
    usual_direction,
)
from andon.experiments.errors import (
    ExperimentInvalid,
    ExperimentNotFound,
    ExperimentOver,
    NothingToAdopt,
)
from andon.experiments.estimates import (
    ArmEstimate,
    ArmSums,
    EstimatePoint,
    ExperimentEstimates,
    PairEstimate,
    arm_estimates,
    pair_estimates,
)
from andon.experiments.forecasting import EffectForecast, ExperimentForecast, forecast
from andon.experiments.planning import ExperimentWish, measures_of, plan
from andon.experiments.published import ExperimentMoved
from andon.experiments.sentences import forecast_sentences, is_share, value_text
from andon.experiments.service import adopt, ended_outcomes, estimates, page, running_experiments, show, start, stop
from andon.experiments.watching import ExperimentWatcher
from andon.trials import ExperimentUnderWay

__all__ = [
    "MOST_ARMS",
    "AllocationKind",
    "ArmEstimate",
    "ArmSums",
    "Direction",
    "EffectForecast",
    "EstimatePoint",
    "Experiment",
    "ExperimentEstimates",
    "ExperimentEvent",
    "ExperimentForecast",
    "ExperimentHistory",
    "ExperimentInvalid",
    "ExperimentMoved",
    "ExperimentNotFound",
    "ExperimentOver",
    "ExperimentState",
    "ExperimentUnderWay",
    "ExperimentWatcher",
    "ExperimentWish",
    "NothingToAdopt",
    "PairEstimate",
    "adopt",
    "arm_estimates",
    "document_of",
    "document_of_estimates",
    "ended_outcomes",
    "estimates",
    "forecast",
    "forecast_sentences",
    "is_share",
    "measures_of",
    "page",
    "pair_estimates",
    "plan",
    "running_experiments",
    "show",
    "start",
    "stop",
    "usual_direction",
    "value_text",
]
