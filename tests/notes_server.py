"""An MCP server for tests: notes in a file. Over standard input, or over HTTP on the port that is given."""

import os
import sys
from pathlib import Path

from mcp.server.mcpserver import Context, MCPServer
from mcp.types import ToolAnnotations

NOTES = Path(sys.argv[1])
server = MCPServer("notes")


@server.tool(annotations=ToolAnnotations(readOnlyHint=True))
def read_notes() -> str:
    """Return all notes."""
    return NOTES.read_text(encoding="utf-8") if NOTES.exists() else ""


@server.tool()
async def write_note(text: str, context: Context) -> str:
    """Append a note."""
    await context.report_progress(1, 1)
    _append(text)
    return f"noted {text}"


def _append(text: str) -> None:
    with NOTES.open("a", encoding="utf-8") as file:
        file.write(text + "\n")


@server.tool(annotations=ToolAnnotations(destructiveHint=True))
def drop_notes() -> str:
    """Delete all notes."""
    NOTES.unlink()
    return "dropped"


@server.tool()
def environment() -> list[str]:
    """Return the names of the environment variables that this server sees."""
    return sorted(os.environ)


@server.resource("notes://all")
def every_note() -> str:
    """Return all notes as a resource."""
    return read_notes()


if __name__ == "__main__":
    if len(sys.argv) > 2:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
    else:
        server.run()
