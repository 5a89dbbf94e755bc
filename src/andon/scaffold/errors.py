"""Why no project is written."""

from andon.kernel.errors import Conflict, Invalid


class NameInvalid(Invalid):
    """A project needs a usable name."""


class DataUnusable(Invalid):
    """Nothing can be learnt from this data."""


class FolderOccupied(Conflict):
    """There is something in the folder already."""


class FolderUnwritable(Invalid):
    """The project cannot be written here."""


class ConnectorNameInvalid(Invalid):
    """A connector needs a usable name."""


class ConnectorExists(Conflict):
    """There is a connector of this name already."""
