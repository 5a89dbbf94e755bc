"""`andon keys`: creates, lists, grants and revokes API keys."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from andon import access
from andon.access import Grant, Key, Role
from andon.authoring import span_of
from andon.cli.context import project
from andon.cli.printing import Plain
from andon.kernel.errors import Invalid

app = typer.Typer(help="Create, list, grant and revoke API keys.", no_args_is_help=True)

Reason = Annotated[str, typer.Option(help="The reason, kept in the audit log.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def create(
    name: Annotated[str, typer.Option(help="The holder's name, as it will appear in the audit log.")],
    role: Annotated[list[Role], typer.Option(help="What the holder may do; may be repeated.")],
    reason: Reason,
    automation: Annotated[
        list[str] | None, typer.Option(help="Limit to this automation; may be repeated. Default: everywhere.")
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(help="How long it is valid, such as 90d, 12h or 30m; at most ten years. Default: until revoked."),
    ] = None,
) -> None:
    """Create a key. It is printed on standard output, only this once."""
    with project() as here, here.database.begin() as tx:
        now = here.clock.now()
        principal, token = access.create_key(
            tx,
            name=name,
            grants=_wanted(role, automation),
            expires_at=None if expires is None else _after(now, expires),
            actor=here.actor,
            reason=reason,
            events=here.events,
            pepper=here.pepper,
            now=now,
        )
    typer.echo(
        f"Key {principal.name} ({principal.id}): {_grants(principal.grants)}. Keep the key; it is not shown again.",
        err=True,
    )
    typer.echo(token)


@app.command()
def grant(
    key: Annotated[str, typer.Argument(help="The name or the id of the key.")],
    role: Annotated[list[Role], typer.Option(help="What the holder may do; may be repeated.")],
    reason: Reason,
    automation: Annotated[
        list[str] | None, typer.Option(help="Limit to this automation; may be repeated. Default: everywhere.")
    ] = None,
) -> None:
    """Replace all grants of a key with these; running gateways follow within a second."""
    with project() as here, here.database.begin() as tx:
        found = access.find_key(tx, key)
        done = access.set_grants(
            tx,
            found.principal.id,
            _wanted(role, automation),
            actor=here.actor,
            reason=reason,
            events=here.events,
            now=here.clock.now(),
        )
    typer.echo(f"Key {done.principal.name} ({done.principal.id}): {_grants(done.principal.grants)}")


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List all keys, including expired and revoked ones, never the secrets. Use `--json` for ids."""
    with project() as here, here.database.begin() as tx:
        keys, now = access.list_keys(tx), here.clock.now()
    if as_json:
        typer.echo(json.dumps([_summary(key, now) for key in keys], indent=2))
        return
    if not keys:
        typer.echo("There is no key yet: `andon keys create --name ada --role admin --reason ...`")
        return
    table = Plain("name", "opens", "state", "last used", "made")
    for key in keys:
        used = "never" if key.last_used_at is None else _time(key.last_used_at)
        made = f"{_time(key.created_at)} by {key.created_by}: {key.reason}"
        table.add_row(key.principal.name, _grants(key.principal.grants), _state(key, now), used, made)
    Console().print(table)


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="The name or the id of the key.")],
    reason: Reason,
) -> None:
    """Revoke a key permanently; running gateways follow within a second."""
    with project() as here, here.database.begin() as tx:
        found = access.find_key(tx, key)
        access.revoke_key(
            tx, found.principal.id, actor=here.actor, reason=reason, events=here.events, now=here.clock.now()
        )
    typer.echo(f"Key {found.principal.name} ({found.principal.id}) is revoked")


def _wanted(roles: list[Role], automations: list[str] | None) -> list[Grant]:
    scopes: list[str | None] = [*automations] if automations else [None]
    return [Grant(each, scope) for each in roles for scope in scopes]


def _after(now: datetime, span: str) -> datetime:
    try:
        return now + span_of(span)
    except OverflowError as error:
        raise Invalid(f"--expires {span} is beyond the calendar") from error


def _grants(grants: tuple[Grant, ...]) -> str:
    return ", ".join(
        f"{grant.role} {f'in {grant.automation}' if grant.automation else 'everywhere'}" for grant in grants
    )


def _state(key: Key, now: datetime) -> str:
    if key.revoked_at is not None:
        return f"revoked {_time(key.revoked_at)} by {key.revoked_by}"
    if key.expires_at is None:
        return "open"
    return f"{'open until' if key.alive(now) else 'expired'} {_time(key.expires_at)}"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _summary(key: Key, now: datetime) -> dict[str, Any]:
    times = ("created_at", "expires_at", "revoked_at", "last_used_at")
    return {
        "id": str(key.principal.id),
        "name": key.principal.name,
        "grants": [{"role": grant.role, "automation": grant.automation} for grant in key.principal.grants],
        "alive": key.alive(now),
        "created_by": key.created_by,
        "reason": key.reason,
        "revoked_by": key.revoked_by,
        **{name: at.isoformat() if (at := getattr(key, name)) else None for name in times},
    }
