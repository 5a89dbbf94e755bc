"""Robocorp work items: in Control Room, or as files that the file adapter of `robocorp-workitems` reads."""

from andon.actions.ports import Kind
from andon.connectors.robocorp.connector import RobocorpConnector
from andon.connectors.robocorp.settings import RobocorpSettings, WorkItemOptions

KIND = Kind(
    summary="A work item of Robocorp, in Control Room or as a file.",
    connect=lambda surroundings: RobocorpConnector(surroundings.clock),
    options=WorkItemOptions,
    settings=RobocorpSettings,
)

__all__ = ["KIND", "RobocorpConnector", "RobocorpSettings", "WorkItemOptions"]
