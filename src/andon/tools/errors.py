"""What can be wrong with calls of tools."""

from andon.kernel.errors import Conflict, Denied, Invalid, NotFound


class ToolboxNotFound(NotFound):
    """No such toolbox."""


class ToolCallNotFound(NotFound):
    """No such call of a tool."""


class ToolCallInvalid(Invalid):
    """The call does not fit the tool."""


class PermitUnusable(Conflict):
    """This call may not be carried out now."""


class CallNotBegun(Conflict):
    """Only a call that was begun can end."""


class CallDelivered(Conflict):
    """Andon itself delivers this call, so its caller cannot end it."""


class OwnApproval(Denied):
    """Neither its caller nor an agent may approve a call of a tool."""
