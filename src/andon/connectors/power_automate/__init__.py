"""Power Automate: desktop flows run through Dataverse, and cloud flows with an HTTP trigger."""

from andon.actions.ports import Kind
from andon.connectors.power_automate.connector import PowerAutomateConnector
from andon.connectors.power_automate.settings import FlowOptions, PowerAutomateSettings

KIND = Kind(
    summary="A desktop flow of Power Automate, or a cloud flow with an HTTP trigger.",
    connect=lambda surroundings: PowerAutomateConnector(surroundings.clock),
    options=FlowOptions,
    settings=PowerAutomateSettings,
)

__all__ = ["KIND", "FlowOptions", "PowerAutomateConnector", "PowerAutomateSettings"]
