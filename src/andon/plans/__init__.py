"""Plans: configuration as code. A folder of YAML files is compared with what is in force, shown, and applied.

Start reading at `configuration.py` (what files can name), then `service.py` (how they are rehearsed and applied).
"""

from andon.plans.applied import applied_plans, rights_of
from andon.plans.configuration import ManagedConfiguration, SourcedConfiguration
from andon.plans.domain import (
    AffectedAutomation,
    AppliedPlan,
    ChangePlan,
    FlippedOutcomes,
    NeededApproval,
    PlannedChange,
    shown,
)
from andon.plans.errors import (
    ConfigurationInvalid,
    ConfigurationRefused,
    ConfigurationUnknown,
    PlanBusy,
    PlanDiffers,
    PlanFileInvalid,
    StateMoved,
)
from andon.plans.files import plan_in, read_plan, write_plan
from andon.plans.making import Configured, make_plan
from andon.plans.ports import PlannedAct, PlannedForce, Planning, PostedConfiguration
from andon.plans.reading import check_posted, naming_files, read_folder, read_policies, read_texts
from andon.plans.service import apply_changes
from andon.plans.settings import settings_of
from andon.plans.words import NOTHING_TO_DO, counted, lines_of_changes, lines_of_plan

__all__ = [
    "NOTHING_TO_DO",
    "AffectedAutomation",
    "AppliedPlan",
    "ChangePlan",
    "ConfigurationInvalid",
    "ConfigurationRefused",
    "ConfigurationUnknown",
    "Configured",
    "FlippedOutcomes",
    "ManagedConfiguration",
    "NeededApproval",
    "PlanBusy",
    "PlanDiffers",
    "PlanFileInvalid",
    "PlannedAct",
    "PlannedChange",
    "PlannedForce",
    "Planning",
    "PostedConfiguration",
    "SourcedConfiguration",
    "StateMoved",
    "applied_plans",
    "apply_changes",
    "check_posted",
    "counted",
    "lines_of_changes",
    "lines_of_plan",
    "make_plan",
    "naming_files",
    "plan_in",
    "read_folder",
    "read_plan",
    "read_policies",
    "read_texts",
    "rights_of",
    "settings_of",
    "shown",
    "write_plan",
]
