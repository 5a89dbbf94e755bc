"""Triggers: sources of events that are decided without a call.

A declaration names a place; its address is a setting.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from andon.authoring.errors import DeclarationInvalid
from andon.authoring.features import span_of

Read: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, Any] | None]
"""Builds the contract's input from an event's data; None skips the event. Pure."""

SOURCES = (
    "kafka",
    "nats",
    "table",
    "schedule",
    "files",
    "http",
    "imap",
    "folder_moves",
    "graph_mail",
    "gmail",
)
"""The kinds of sources."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """One stream of events into an automation.

    `source` is the kind (one of SOURCES), `place` the topic, subject, table, folder or mailbox, `connection` the name
    of the server under `[connections.NAME]` in andon.toml. Of CloudEvents, only those of `types` are taken (default:
    all); the others are skipped. `read` builds the input from an event's data.
    """

    source: str
    place: str
    connection: str = ""
    types: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    read: Read | None = None

    @property
    def name(self) -> str:
        """The name that is unique among the triggers of its automation, e.g. `kafka:transfers`."""
        return f"{self.source}:{self.place}"


def kafka(topic: str, *, connection: str = "kafka", types: tuple[str, ...] = (), read: Read | None = None) -> Trigger:
    """Read the messages of a Kafka topic: CloudEvents (binary or structured), or JSON that is the input itself."""
    return Trigger("kafka", topic, connection, types, read=read)


def nats(
    stream: str,
    *,
    subjects: tuple[str, ...] = (),
    connection: str = "nats",
    types: tuple[str, ...] = (),
    read: Read | None = None,
) -> Trigger:
    """Read the messages of a NATS JetStream stream; with `subjects`, a different process can read each of them."""
    return Trigger("nats", stream, connection, types, {"subjects": " ".join(subjects)}, read)


def http_events(*, types: tuple[str, ...] = (), read: Read | None = None) -> Trigger:
    """Read CloudEvents posted to `/v1/events` by callers that may request decisions of this automation."""
    return Trigger("http", "events", types=types, read=read)


def table(name: str, *, number: str = "id", at: str = "", key: str = "", read: Read | None = None) -> Trigger:
    """Read the rows added to a PostgreSQL table (`schema.table`); `number` is an ascending integer or identity column.

    It is in Andon's own database. `at` is the column with the time of a row's creation. A row is passed as a JSON
    object, column by column.
    """
    return Trigger("table", name, options={"number": number, "at": at, "key": key}, read=read)


def schedule(when: str, *, timezone: str = "UTC", catch_up: bool = False, read: Read | None = None) -> Trigger:
    """Trigger at scheduled times: a cron expression (`0 6 * * MON-FRI`) or a span (`15m`).

    A span counts from 1970-01-01 00:00 UTC. `read` builds the input from `{"scheduled_at": "2026-11-25T06:00:00+00:00",
    "missed": 0}`. Of the times that passed while no worker ran, only the newest triggers, with the number missed before
    it; with `catch_up`, all of them do.
    """
    from croniter import croniter  # here, so that importing andon stays quick

    if not croniter.is_valid(when):
        try:
            span_of(when)
        except DeclarationInvalid as error:
            raise DeclarationInvalid(
                f"schedule({when!r}): expected a cron expression of five fields such as '0 6 * * *', or a span "
                "such as '15m'"
            ) from error
    return Trigger("schedule", when, options={"timezone": timezone, "catch_up": "yes" if catch_up else ""}, read=read)


def files(folder: str, *, pattern: str = "*", known_by: str = "", read: Read | None = None) -> Trigger:
    """Read the rows of CSV, Parquet and NDJSON files in a folder; each file is moved to `done/` when it is decided.

    Write a file elsewhere, or under a name that begins with a dot, and rename it into place. A row whose value in the
    column `known_by` occurred before, in any file, is not decided again.
    """
    return Trigger("files", folder, options={"pattern": pattern, "known_by": known_by}, read=read)


def imap(mailbox: str, *, folder: str = "INBOX", read: Read | None = None) -> Trigger:
    """Read the mails that arrive in a folder of a mailbox, `[connections.MAILBOX]` in andon.toml (extra `mail`).

    `read` builds the input from a mail: `{"message_id", "thread", "from": {"name", "address"}, "to", "subject", "text",
    "quoted", "signature", "sent_at", "headers", "attachments", "folder", "uid", ...}`. A mail is not marked as read.
    """
    _require_folders(f"imap({mailbox!r})", mailbox, [folder])
    place = mailbox if folder == "INBOX" else f"{mailbox}/{folder}"
    return Trigger("imap", place, mailbox, options={"folder": folder}, read=read)


def graph_mail(mailbox: str, *, folder: str = "inbox", read: Read | None = None) -> Trigger:
    """Read the mails that arrive in a folder of a mailbox in Microsoft 365, `[connections.MAILBOX]` in andon.toml.

    `folder` is a well-known name (`inbox`, `archive`) or an id. `read` receives the same data as with `imap`.
    """
    _require_folders(f"graph_mail({mailbox!r})", mailbox, [folder])
    place = mailbox if folder == "inbox" else f"{mailbox}/{folder}"
    return Trigger("graph_mail", place, mailbox, options={"folder": folder}, read=read)


def gmail(mailbox: str, *, label: str = "INBOX", read: Read | None = None) -> Trigger:
    """Read the mails that get a label in a Gmail mailbox, `[connections.MAILBOX]` in andon.toml.

    `label` is the label's id. `read` receives the same data as with `imap`.
    """
    _require_folders(f"gmail({mailbox!r})", mailbox, [label])
    place = mailbox if label == "INBOX" else f"{mailbox}/{label}"
    return Trigger("gmail", place, mailbox, options={"folder": label}, read=read)


def folder_moves(mailbox: str, folders: Mapping[str, str]) -> Trigger:
    """Report labels: a person who moves a mail into one of these folders gives it the class of that folder.

        Truth({"cards": "cards", "loans": "loans"}, reported=folder_moves("support", {"Cards": "cards"}))

    `folders` maps folders of the mailbox to classes. A move by an action of Andon is not a label.
    """
    _require_folders(f"folder_moves({mailbox!r})", mailbox, [*folders, *folders.values()])
    if not folders:
        raise DeclarationInvalid(f"folder_moves({mailbox!r}): expected at least one folder and its class")
    return Trigger("folder_moves", mailbox, mailbox, options=dict(folders))


def _require_folders(what: str, mailbox: str, names: Sequence[str]) -> None:
    for name in (mailbox, *names):
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise DeclarationInvalid(f"{what}: expected the names of a mailbox, folders and classes, got {name!r}")


def on_event(source: Trigger) -> Callable[[Read], Trigger]:
    """Read the events of a source with a function, which builds the contract's input from an event's data.

        @on_event(kafka("payments"))
        def payments(event):
            return {"payment_id": event["id"], **event["payment"]}

        screening = Automation(..., trigger=payments)

    None skips the event. The name stands for the trigger from then on, and the function is its `read`. It must be pure:
    an event may be read again.
    """
    if not isinstance(source, Trigger):
        hint = "@on_event(kafka('payments'))"
        raise DeclarationInvalid(f"on_event needs a source of events, as in {hint}; got {_shown(source)}")
    if source.read is not None:
        raise DeclarationInvalid(
            f"on_event({source.name!r}): `read` is already given; the decorated function replaces it"
        )

    def declare(read: Read) -> Trigger:
        name = getattr(read, "__name__", type(read).__name__)
        if not callable(read):
            raise DeclarationInvalid(f"on_event({source.name!r}): {name} must be a function of the event's data")
        if inspect.iscoroutinefunction(read) or inspect.isgeneratorfunction(read):
            raise DeclarationInvalid(
                f"on_event({source.name!r}): {name} must be a plain function, which returns the input"
            )
        try:
            inspect.signature(read).bind({})
        except TypeError:
            raise DeclarationInvalid(
                f"on_event({source.name!r}): {name} must take one argument, the event's data"
            ) from None
        return replace(source, read=read)

    return declare


def _shown(given: object) -> str:
    """Describe a value that was given in place of a source."""
    return f"the function {given.__name__}" if inspect.isfunction(given) else repr(given)[:60]
