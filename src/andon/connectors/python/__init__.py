"""A function of the project as an action, in a process of its own that can always be killed."""

from andon.actions.ports import Kind
from andon.connectors.python.connector import PythonConnector
from andon.connectors.python.settings import PythonOptions, PythonSettings

KIND = Kind(
    summary="A function of the project, in a process of its own.",
    connect=lambda surroundings: PythonConnector(surroundings.root),
    options=PythonOptions,
    settings=PythonSettings,
    needs_url=False,
)

__all__ = ["KIND", "PythonConnector", "PythonOptions", "PythonSettings"]
