"""Actions: what an outcome sets off outside. A declaration names a destination; its address and secrets are settings.

Texts may hold values of the decision in braces: `{input.payment_id}`, `{outcome}`, `{reasons}`, `{id}`, `{key}`.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """Which connector reaches which destination (`[destinations.NAME]` in andon.toml), with what options."""

    connector: str
    destination: str
    options: Mapping[str, Any] = field(default_factory=dict)
    declared_at: str = field(default="", compare=False)


class Refused(Exception):
    """Raised by a function that is an action: it was not done, and never will be. Its text is shown to people."""


class NotTaken(Exception):
    """Raised by an action's function when nothing was done and it may succeed later. Its text is shown to people."""


def action(connector: str, destination: str, **options: Any) -> ActionSpec:
    """Any kind of connector, also one of the project's own (`andon connectors list`)."""
    return _spec(connector, destination, options)


def webhook(destination: str, *, cloudevents: bool = False) -> ActionSpec:
    """Notify a destination by a signed HTTP POST (Standard Webhooks).

    `cloudevents` makes its body a structured CloudEvent.
    """
    return _spec("webhook", destination, {"cloudevents": True} if cloudevents else {})


def http(
    destination: str,
    path: str = "",
    *,
    method: Literal["POST", "PUT", "PATCH", "DELETE", "GET"] = "POST",
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> ActionSpec:
    """Call an HTTP API: `path` below the destination's url, a JSON body (the whole decision if there is none)."""
    return _spec("http", destination, {"path": path, "method": method, "body": body, "headers": dict(headers or {})})


def smtp(destination: str, *, to: str | Sequence[str], subject: str, text: str) -> ActionSpec:
    """Send a mail."""
    return _spec(
        "smtp", destination, {"to": [to] if isinstance(to, str) else list(to), "subject": subject, "text": text}
    )


def sql(destination: str, statement: str) -> ActionSpec:
    """Run one statement in a PostgreSQL database, exactly once; values in braces become its parameters."""
    return _spec("sql", destination, {"statement": statement})


def kafka_topic(destination: str, topic: str, *, key: str | None = None) -> ActionSpec:
    """Publish the decision as a CloudEvent on a Kafka topic.

    Messages with the same value of the input's field `key` stay in order.
    """
    return _spec("kafka", destination, {"topic": topic} if key is None else {"topic": topic, "key": key})


def nats_subject(destination: str, subject: str) -> ActionSpec:
    """Publish the decision as a CloudEvent on a subject of a JetStream stream."""
    return _spec("nats", destination, {"subject": subject})


def python(destination: str, function: str) -> ActionSpec:
    """Call a function of the project, `file.py:name`, in a process of its own."""
    return _spec("python", destination, {"function": function})


def mail_move(
    destination: str, *, folder: str, message: str = "{input.message_id}", source: str = "INBOX"
) -> ActionSpec:
    """Move the mail that was decided to a folder of its mailbox. `message` is its message id."""
    return _spec("mailbox", destination, {"do": "move", "message": message, "source": source, "folder": folder})


def mail_flag(
    destination: str,
    *flags: str,
    remove: bool = False,
    message: str = "{input.message_id}",
    source: str = "INBOX",
) -> ActionSpec:
    """Flag the mail that was decided (`\\Flagged`, `$Urgent`), or remove flags."""
    options = {"do": "flag", "message": message, "source": source, "flags": list(flags), "remove": remove}
    return _spec("mailbox", destination, options)


def mail_forward(
    destination: str,
    *,
    to: str | Sequence[str],
    text: str,
    subject: str | None = None,
    message: str = "{input.message_id}",
    source: str = "INBOX",
) -> ActionSpec:
    """Pass the mail that was decided on, as it came, with a text of one's own."""
    options = {"do": "forward", "message": message, "source": source, "text": text, "subject": subject}
    return _spec("correspondence", destination, {**options, "to": [to] if isinstance(to, str) else list(to)})


def mail_reply(
    destination: str,
    *,
    text: str,
    subject: str | None = None,
    message: str = "{input.message_id}",
    source: str = "INBOX",
) -> ActionSpec:
    """Answer the mail that was decided, in its thread; mails that no person wrote are not answered."""
    options = {"do": "reply", "message": message, "source": source, "text": text, "subject": subject}
    return _spec("correspondence", destination, options)


def _spec(connector: str, destination: str, options: Mapping[str, Any]) -> ActionSpec:
    caller = sys._getframe(2)
    return ActionSpec(connector, destination, options, f"{caller.f_code.co_filename}:{caller.f_lineno}")
