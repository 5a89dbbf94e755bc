"""`andon mcp guard`: a toolbox decides the tool calls of any MCP server, or they are recorded for a first policy."""

from andon.mcp.guard.running import Governing, GuardedServer, guard_server, record_server

__all__ = ["Governing", "GuardedServer", "guard_server", "record_server"]
