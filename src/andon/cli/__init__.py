"""The command line. Each noun has a file; here they become one program, whose errors become messages and exit codes."""

import errno
import importlib
import sys
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from andon.bootstrap.telling import exit_code, tell
from andon.kernel.collector import resting
from andon.kernel.errors import AndonError, Unavailable
from andon.kernel.without_rich import import_structlog
from andon.version import __version__


class Listed(NamedTuple):
    """A command in `andon --help`: where it lives, and the beginning of its own help."""

    place: str
    help: str


COMMANDS = {
    "init": Listed(
        "andon.cli.init:init",
        "Write a new project: learnt from a data file or a query, or an example.",
    ),
    "demo": Listed("andon_demo.__main__:demo", "Run a story: a bank's transfers, decided by a line of its own."),
    "up": Listed(
        "andon.cli.up:up",
        "Start the database, the gateway, the worker and the console, and keep them running until Ctrl-C.",
    ),
    "restart": Listed(
        "andon.cli.restart:restart",
        "Replace the processes of a running `andon up`, which so read the project anew, without losing a request.",
    ),
    "stop": Listed(
        "andon.cli.stop:stop", "Stop `andon up` in a folder, or a PostgreSQL that a killed one left behind."
    ),
    "doctor": Listed(
        "andon.cli.doctor:doctor", "Look for what is wrong with this installation. Ends with status 6 if anything is."
    ),
    "gateway": Listed(
        "andon.cli.gateway:gateway",
        "Answer decisions over HTTP. Needs a database that `andon up` or you have started and migrated.",
    ),
    "worker": Listed(
        "andon.cli.worker:worker",
        "Carry out what follows decisions: deliveries, reviews, the intake, the seal of the audit log.",
    ),
    "console": Listed("andon.cli.console:console", "Show the web console."),
    "decide": Listed(
        "andon.cli.decide:decide",
        "Decide every row of a file or a query and write the decisions. Started again after a kill, it continues.",
    ),
    "explain": Listed(
        "andon.cli.explain:explain",
        "Show what spoke for the predicted class of a decision, by column and by word; below zero it spoke against it.",
    ),
    "replay": Listed(
        "andon.cli.replay:replay",
        "Decide recorded decisions again from what was seen then, by the versions that made them or by a candidate.",
    ),
    "plan": Listed(
        "andon.cli.plan:plan",
        "Show what a configuration would change, the affected lines and the approvals it needs. Changes nothing.",
    ),
    "apply": Listed(
        "andon.cli.apply:apply",
        "Put a configuration in force in one transaction. Applied again, there is nothing to do.",
    ),
    "test": Listed(
        "andon.cli.test:run_cases",
        "Run the named cases of automations against the policy on disk. Ends with status 1 if one fails.",
    ),
    "rehearse": Listed("andon.cli.rehearse:app", "Send recorded traffic to a staging gateway, and invent rows."),
    "models": Listed("andon.cli.models:app", "Register, look at and choose model versions."),
    "endpoints": Listed("andon.cli.endpoints:app", "See which versions of a model answer."),
    "split": Listed("andon.cli.split:app", "See and choose which versions answer for an automation."),
    "rollout": Listed(
        "andon.cli.rollout:app", "Roll out a model version, a policy or a gate, step by step and under tests."
    ),
    "experiment": Listed(
        "andon.cli.experiment:app", "Compare versions or policies on real traffic, until one is better."
    ),
    "release": Listed(
        "andon.cli.release:release",
        "Let the code of an automation in this folder decide; running gateways that have it follow within a second.",
    ),
    "releases": Listed("andon.cli.release:releases", "List every release of an automation, newest first."),
    "cord": Listed("andon.cli.cord:app", "Pull the cord of a line, release it, and set the rules that pull it."),
    "drills": Listed("andon.cli.drills:app", "Try whether a rule pulls the cord, and how soon."),
    "alerts": Listed("andon.cli.alerts:app", "See what became bad, acknowledge and resolve it."),
    "silences": Listed("andon.cli.silences:app", "Keep alerts from being sent for a while."),
    "incidents": Listed("andon.cli.incidents:app", "Work on incidents: own them, comment, end them with the cause."),
    "gates": Listed("andon.cli.gates:app", "See what risk gates let through and why, and ask for more confidence."),
    "quality": Listed(
        "andon.cli.quality:show",
        "Show how good a line is now: what is automatic and proven, what its monitors see, and what is open.",
    ),
    "kpi": Listed(
        "andon.cli.kpi:show",
        "Show how often lines change, how long that takes, how often a change fails, and how soon that is mended.",
    ),
    "history": Listed(
        "andon.cli.history:show",
        "Show what was in force on a line at a moment, by whom and why, and the acts before and after.",
    ),
    "monitors": Listed("andon.cli.monitors:app", "See what is watched of an automation, and what was found."),
    "policy": Listed("andon.cli.policy:app", "Check a policy, try it on facts, publish it."),
    "features": Listed(
        "andon.cli.features:app", "What an automation sees, why, and training sets by the same definitions."
    ),
    "reviews": Listed("andon.cli.reviews:app", "Work the review queue."),
    "audits": Listed("andon.cli.audits:app", "See and change the share of blind audits."),
    "labels": Listed("andon.cli.labels:app", "Say and see which class was true of a decision."),
    "measures": Listed(
        "andon.cli.measures:show", "Show what decisions were worth, by the measures that an automation declares."
    ),
    "actions": Listed("andon.cli.actions:app", "Look at what could not be delivered, and send it again."),
    "evidence": Listed("andon.cli.evidence:app", "See what a browser did for an action."),
    "procedures": Listed("andon.cli.procedures:app", "Look after what follows decisions in several steps."),
    "tools": Listed("andon.cli.tools:app", "See the tools of agents, and the calls that they asked for."),
    "agent": Listed("andon.cli.agent:app", "Look at the runs of agents, and run them again."),
    "connectors": Listed("andon.cli.connectors:app", "What actions can reach, and how to make one more kind."),
    "streams": Listed("andon.cli.streams:app", "Look at streams of events, stop them and let them go on."),
    "attachments": Listed("andon.cli.attachments:app", "List attachments of mails, and save one of them."),
    "feed": Listed("andon.cli.feed:app", "Who reads the committed decisions, how far, and an export of them."),
    "spending": Listed(
        "andon.cli.spending:show",
        "Show what decisions cost, by day, automation and model version, and how the budgets stand.",
    ),
    "budget": Listed("andon.cli.budget:app", "See and set what predictions of an automation may cost."),
    "mcp": Listed("andon.cli.mcp:app", "Serve agents over the Model Context Protocol, and guard the tools they use."),
    "keys": Listed("andon.cli.keys:app", "Make, list, grant and revoke API keys."),
    "audit": Listed("andon.cli.audit:app", "Verify the audit log, read it, see how far it is sealed."),
}
"""A command is imported when it is run, so that `andon --help` answers at once."""


def loaded(name: str) -> Any:
    """Return a command itself, by its name in COMMANDS."""
    module, _, attribute = COMMANDS[name].place.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    if isinstance(found, typer.Typer):
        command: Any = typer.main.get_group(found)
    else:
        single = typer.Typer(add_completion=False)
        single.command(name)(found)
        command = typer.main.get_command(single)
    command.name = name
    return command


class FileRefused(Unavailable):
    """The file system refuses to read or write a file: it is full, read-only, or owned by another user."""


_OF_FILES = {errno.EACCES, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC, errno.EPERM, errno.EROFS}


class Commands(TyperGroup):
    """All commands by name and help, imported when they run; their errors printed as messages."""

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.commands = {name: TyperCommand(name, help=listed.help) for name, listed in COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the requested command itself."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, loaded(str(name)), rest

    def invoke(self, ctx: Any) -> Any:
        """Run, and end with the exit code of an error's kind."""
        try:
            return super().invoke(ctx)
        except AndonError as error:
            tell(error)
            raise typer.Exit(exit_code(error)) from error
        except OSError as error:
            if error.errno not in _OF_FILES:
                raise
            refused = FileRefused(f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror))
            tell(refused)
            raise typer.Exit(exit_code(refused)) from error


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    help="Andon: from a prototype model to dependable, auditable decisions.",
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and end.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Andon: from a prototype model to dependable, auditable decisions."""
    del version


def main() -> None:
    """Run the program `andon`, which imports only the requested command."""
    asked = COMMANDS.get(sys.argv[1]) if len(sys.argv) > 1 else None
    if asked is not None:
        with resting():
            if sys.argv[1] == "up":  # it runs as long as the installation
                import_structlog()
            importlib.import_module(asked.place.partition(":")[0])
    app(prog_name="andon")
