"""UiPath Orchestrator: queue items with a unique reference, and jobs. The delivery ends when they do."""

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
