"""Plans: configuration as code. A folder of YAML files is compared with what is in force, shown, and applied.

Start reading at `configuration.py` (the settings), then `service.py` (how they are rehearsed and applied).
"""

from andon.plans.configuration import ManagedConfiguration, read_folder, read_policies
from andon.plans.domain import (
    AffectedAutomation,
    ChangePlan,
    FlippedOutcomes,
    NeededApproval,
    PlannedChange,
)
from andon.plans.errors import (
    ConfigurationInvalid,
    ConfigurationRefused,
    ConfigurationUnknown,
    PlanDiffers,
    PlanFileInvalid,
    StateMoved,
)
from andon.plans.files import read_plan, write_plan
from andon.plans.making import Configured, make_plan
from andon.plans.ports import PlannedAct, PlannedForce
from andon.plans.service import apply_changes
from andon.plans.settings import settings_of
from andon.plans.words import NOTHING_TO_DO, counted, lines_of_changes, lines_of_plan

__all__ = [
    "NOTHING_TO_DO",
    "AffectedAutomation",
    "ChangePlan",
    "ConfigurationInvalid",
    "ConfigurationRefused",
    "ConfigurationUnknown",
    "Configured",
    "FlippedOutcomes",
    "ManagedConfiguration",
    "NeededApproval",
    "PlanDiffers",
    "PlanFileInvalid",
    "PlannedAct",
    "PlannedChange",
    "PlannedForce",
    "StateMoved",
    "apply_changes",
    "counted",
    "lines_of_changes",
    "lines_of_plan",
    "make_plan",
    "read_folder",
    "read_plan",
    "read_policies",
    "settings_of",
    "write_plan",
]
