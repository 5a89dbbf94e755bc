"""`andon mcp`: Andon for agents that speak the Model Context Protocol, and a guard in front of their other servers."""

import os
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from andon.mcp import errors, guard, server

app = typer.Typer(
    help="Serve agents over the Model Context Protocol, and guard the tools they use.", no_args_is_help=True
)

Andon = Annotated[str, typer.Option("--andon", envvar="ANDON_URL", help="The address of a gateway.")]
KeyEnv = Annotated[str, typer.Option(help="The environment variable that holds the API key.")]

_GATEWAY = "http://127.0.0.1:8080"


@app.command("serve")
def serve_command(
    http: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Serve stateless HTTP here instead of standard input.")
    ] = None,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(help="An additional Host header to accept, such as the one a proxy sends; may be repeated."),
    ] = None,
    andon: Andon = _GATEWAY,
    key_env: KeyEnv = "ANDON_KEY",
) -> None:
    """Serve agents: decide, explain, look up, request tool calls. It is a gateway's client and never approves.

    On standard input and output it uses the key of --key-env; over HTTP each request brings its own as a bearer key.
    """
    gateway = _address(andon, "--andon")
    if http is None:
        server.serve_stdio(gateway, _key(key_env, "--key-env"))
    else:
        server.serve_http(gateway, http, allowed_host or [])


@app.command("guard", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def guard_command(
    command: Annotated[list[str] | None, typer.Argument(help="The command of an MCP server, after `--`.")] = None,
    url: Annotated[str | None, typer.Option(help="A streamable HTTP server to guard instead of a command.")] = None,
    url_key_env: Annotated[
        str | None, typer.Option(help="The environment variable that holds the bearer key of that server.")
    ] = None,
    toolbox: Annotated[str | None, typer.Option(help="The toolbox that decides each call.")] = None,
    andon: Andon = _GATEWAY,
    key_env: KeyEnv = "ANDON_KEY",
    agent: Annotated[
        str | None,
        typer.Option(help="The caller's name, recorded in each decision; default: the name the client gives."),
    ] = None,
    run: Annotated[str | None, typer.Option(help="The run that the calls belong to.")] = None,
    wait: Annotated[
        float,
        typer.Option(
            min=0, max=3600, help="Seconds that a call waits for a person before it reports that it is waiting."
        ),
    ] = 45.0,
    record: Annotated[
        Path | None, typer.Option(help="Decide nothing; write a proposed policy to this file at the end.")
    ] = None,
) -> None:
    """Guard an MCP server: a toolbox decides each tool call before the server receives it."""
    if bool(command) == bool(url):
        raise typer.BadParameter("name either the command of a server, after `--`, or --url")
    if (toolbox is None) == (record is None):
        raise typer.BadParameter("give either --toolbox NAME or --record FILE")
    server_key = None if url_key_env is None else _key(url_key_env, "--url-key-env")
    hidden = [name for name in (key_env, url_key_env) if name]
    guarded = guard.GuardedServer(command or (), url and _address(url, "--url"), server_key, hidden)
    if record is not None:
        guard.record_server(guarded, record, toolbox=_name_of(record))
        return
    governing = guard.Governing(_address(andon, "--andon"), _key(key_env, "--key-env"), str(toolbox), agent, run, wait)
    guard.guard_server(guarded, governing)


def _name_of(policy: Path) -> str:
    """Return a name for the toolbox of a policy's file."""
    return re.sub(r"[^a-z0-9]+", "-", policy.stem.lower()).strip("-") or "tools"


def _key(variable: str, option: str) -> str:
    """Read a key. Raises McpKeyMissing."""
    key = os.environ.get(variable, "").strip()
    if not key or not key.isascii() or not key.isprintable():
        raise errors.McpKeyMissing(f"The environment variable {variable} (of {option}) holds no key")
    return key


def _address(url: str, option: str) -> str:
    """Return the given address. Raises McpAddressInvalid."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise errors.McpAddressInvalid(
            f"{option} must be an http or https address without a user, such as https://andon.example"
        )
    return url
