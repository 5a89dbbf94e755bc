"""UiPath Orchestrator: queue items under a unique reference, and jobs, whose end is the end of the delivery."""

from andon.actions.ports import Kind
from andon.connectors.uipath.connector import UipathConnector
from andon.connectors.uipath.settings import UipathOptions, UipathSettings

KIND = Kind(
    summary="A queue item or a job of UiPath Orchestrator.",
    connect=lambda surroundings: UipathConnector(surroundings.clock),
    options=UipathOptions,
    settings=UipathSettings,
)

__all__ = ["KIND", "UipathConnector", "UipathOptions", "UipathSettings"]
