"""Errors of the two MCP programs."""

from andon.kernel.errors import Conflict, Invalid, Unavailable


class McpMissing(Unavailable):
    """The Model Context Protocol needs its library: pip install 'andon[mcp]'."""


class McpKeyMissing(Invalid):
    """No API key was given."""


class McpAddressInvalid(Invalid):
    """The address cannot be used."""


class McpMessageInvalid(Invalid):
    """The message is not JSON-RPC 2.0."""


class McpStreamsUnusable(Invalid):
    """Standard input and output must be pipes, as an MCP client opens them."""


class AgentToolUnknown(Invalid):
    """There is no such tool."""


class AndonRefused(Conflict):
    """Andon refused the request."""


class AndonUnreachable(Unavailable):
    """Andon does not answer."""


class GuardedServerFailed(Unavailable):
    """The guarded MCP server could not be started or reached."""


class RecordUnusable(Invalid):
    """The recording cannot be written there."""


class ProposalEmpty(Invalid):
    """No tool was called, so there is nothing to propose."""
