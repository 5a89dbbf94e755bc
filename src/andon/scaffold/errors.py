"""Why no project is written."""

from andon.kernel.errors import Conflict, Invalid


class NameInvalid(Invalid):
    """A project needs a usable name."""


class DataUnusable(Invalid):
    """No model can be trained on this data."""


class FolderOccupied(Conflict):
    """The folder is not empty."""


class FolderUnwritable(Invalid):
    """The project cannot be written here."""


class ConnectorNameInvalid(Invalid):
    """A connector needs a usable name."""


class ConnectorExists(Conflict):
    """There is already a connector of this name."""
