"""`andon mcp guard`: tool calls of any MCP server, decided by a toolbox or recorded for a first policy."""

from andon.mcp.guard.running import Governing, GuardedServer, guard_server, record_server

__all__ = ["Governing", "GuardedServer", "guard_server", "record_server"]
