"""`andon audit`: verifies and reads the log, and shows how far it is sealed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from andon import audit
from andon.audit import CONTROL, AuditEntry, Checkpoint, Finding, LogStanding, Report
from andon.bootstrap.verifying import verify_log
from andon.cli.context import project
from andon.cli.printing import Plain
from andon.kernel.errors import Invalid

app = typer.Typer(help="Verify and read the audit log, and show how far it is sealed.", no_args_is_help=True)

TAMPERED = 5
"""Exit status when something was found."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def verify(
    anchor: Annotated[
        str | None, typer.Option(help="The hash of a checkpoint noted earlier; the log must still contain it.")
    ] = None,
    incremental: Annotated[
        bool,
        typer.Option(
            "--incremental",
            help="Continue from the end of the last verification, as recorded in `.andon/verified.json`.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare the log with itself, with all decisions and with what is in force.

    Ends with status 0 if nothing was altered; otherwise lists what was altered and where, and ends with status 5.
    """
    if incremental and anchor is not None:
        raise Invalid("--anchor needs a complete verification: leave out --incremental")
    expected = None if anchor is None else audit.anchor_of(anchor)
    with project() as here, here.database.snapshot() as tx, _bar(audit.head(tx).entries) as bar:
        report = verify_log(
            tx,
            here.settings,
            anchor=expected,
            incremental=incremental,
            progress=lambda read: bar.advance(bar.task_ids[0], read),
        )
    if as_json:
        typer.echo(json.dumps(audit.report_document(report), indent=2))
    else:
        _tell(report, anchored=expected is not None)
    if not report.ok:
        raise typer.Exit(TAMPERED)


@app.command()
def log(
    actor: Annotated[str | None, typer.Option(help="Limit to this actor.")] = None,
    action: Annotated[
        str | None, typer.Option(help="Only actions that begin with this, such as `key.` or `model.`.")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="Limit to this subject, such as `model:fraud-risk`.")] = None,
    decisions: Annotated[bool, typer.Option("--decisions", help="Include the groups of recorded decisions.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most this many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List entries, newest first."""
    with project() as here, here.database.begin() as tx:
        entries = audit.page(tx, actor=actor, action=action, subject=subject, changes_only=not decisions, limit=limit)
    if as_json:
        typer.echo(json.dumps([_entry(entry) for entry in entries], indent=2))
        return
    if not entries:
        typer.echo("The audit log has no such entry")
        return
    table = Plain("at", "actor", "action", "subject", "reason", "change")
    for entry in entries:
        leaf = entry.leaf
        row = (_time(leaf.at), leaf.actor, leaf.action, leaf.subject, entry.reason or "", _change(entry))
        table.add_row(*row)
    Console().print(table)


@app.command()
def head(as_json: AsJson = False) -> None:
    """Show how far the log is sealed. Note the hash somewhere else: it is the anchor for a later `verify`."""
    with project() as here, here.database.begin() as tx:
        standing = audit.head(tx)
    if as_json:
        typer.echo(json.dumps(_standing(standing), indent=2))
        return
    checkpoint = standing.checkpoint
    if checkpoint is None:
        typer.echo("No checkpoint yet: the worker seals the log every few seconds")
    else:
        typer.echo(f"Checkpoint {checkpoint.number} of {_time(checkpoint.at)}\n{checkpoint.hash.hex()}")
    grown = f"{_count(standing.entries, 'entry', 'entries')} in {_count(standing.chains, 'chain', 'chains')}"
    typer.echo(f"{grown}, {standing.unsealed:,} not yet sealed")


def _tell(report: Report, *, anchored: bool) -> None:
    seen = (
        f"{_count(report.entries, 'entry', 'entries')} in {_count(report.chains, 'chain', 'chains')}, "
        f"{_count(report.checkpoints, 'checkpoint', 'checkpoints')}"
    )
    if report.ok:
        typer.echo(
            f"Nothing was altered: {seen}, {report.unsealed:,} not yet sealed{', anchor met' if anchored else ''}"
        )
        if report.head is not None:
            typer.echo(f"Newest checkpoint {report.head.number}: {report.head.hash.hex()}")
        return
    table = Plain("harm", "where", "action", "subject", "what")
    for finding in report.findings:
        row = (finding.harm, _where(finding), finding.action or "", finding.subject or "", finding.message)
        table.add_row(*row)
    Console().print(table)
    more = f"; the first {len(report.findings):,} are shown" if report.found > len(report.findings) else ""
    typer.secho(f"{_count(report.found, 'finding', 'findings')} in {seen}{more}", fg=typer.colors.RED, err=True)


def _where(finding: Finding) -> str:
    parts = []
    if finding.writer is not None:
        chain = "changes" if finding.writer == CONTROL else f"chain {finding.writer}"
        parts.append(f"{chain}, entry {finding.seq}")
    if finding.checkpoint is not None:
        parts.append(f"checkpoint {finding.checkpoint}")
    return "; ".join(parts)


def _change(entry: AuditEntry) -> str:
    before, after = entry.before or {}, entry.after or {}
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return ", ".join(f"{name}: {_short(before.get(name))} → {_short(after.get(name))}" for name in changed)


def _short(value: Any) -> str:
    shown = "none" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= 60 else shown[:59] + "…"


@contextmanager
def _bar(total: int) -> Iterator[Progress]:
    columns = (TextColumn("Verifying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        bar.add_task("verify", total=total)
        yield bar


def _count(n: int, one: str, many: str) -> str:
    return f"{n:,} {one if n == 1 else many}"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _entry(entry: AuditEntry) -> dict[str, Any]:
    leaf = entry.leaf
    return {
        "at": leaf.at.astimezone(UTC).isoformat(),
        "actor": leaf.actor,
        "action": leaf.action,
        "subject": leaf.subject,
        "reason": entry.reason,
        "before": entry.before,
        "after": entry.after,
        "writer": str(leaf.writer),
        "seq": leaf.seq,
        "hash": leaf.hash.hex(),
    }


def _checkpoint(checkpoint: Checkpoint | None) -> dict[str, Any] | None:
    if checkpoint is None:
        return None
    return {
        "number": checkpoint.number,
        "hash": checkpoint.hash.hex(),
        "at": checkpoint.at.astimezone(UTC).isoformat(),
        "chains": checkpoint.chains,
        "entries": checkpoint.entries,
    }


def _standing(standing: LogStanding) -> dict[str, Any]:
    return {
        "checkpoint": _checkpoint(standing.checkpoint),
        "chains": standing.chains,
        "entries": standing.entries,
        "unsealed": standing.unsealed,
    }
