"""Actions: the effects of an outcome on other systems. An action names a destination; address and secrets are settings.

Texts may contain values of the decision in braces: `{input.payment_id}`, `{outcome}`, `{reasons}`, `{id}`, `{key}`.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from andon.authoring.browsing import BrowserStep


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """A connector with its destination (`[destinations.NAME]` in andon.toml) and options."""

    connector: str
    destination: str
    options: Mapping[str, Any] = field(default_factory=dict)
    declared_at: str = field(default="", compare=False)


class Refused(Exception):
    """Raised by an action's function: nothing was done, and never will be. Its text is shown to people."""


class NotTaken(Exception):
    """Raised by an action's function: nothing was done, but it may succeed later. Its text is shown to people."""


def action(connector: str, destination: str, **options: Any) -> ActionSpec:
    """Use any kind of connector, including the project's own (`andon connectors list`)."""
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
    """Call an HTTP API: `path` below the destination's url, with a JSON body (by default, the whole decision)."""
    return _spec("http", destination, {"path": path, "method": method, "body": body, "headers": dict(headers or {})})


def smtp(destination: str, *, to: str | Sequence[str], subject: str, text: str) -> ActionSpec:
    """Send a mail."""
    return _spec(
        "smtp", destination, {"to": [to] if isinstance(to, str) else list(to), "subject": subject, "text": text}
    )


def sql(destination: str, statement: str) -> ActionSpec:
    """Run one statement in a PostgreSQL database, exactly once; values in braces become parameters."""
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
    """Call a function of the project, `file.py:name`, in a separate process."""
    return _spec("python", destination, {"function": function})


def mail_move(
    destination: str, *, folder: str, message: str = "{input.message_id}", source: str = "INBOX"
) -> ActionSpec:
    """Move the decided mail to a folder of its mailbox. `message` is its message id."""
    return _spec("mailbox", destination, {"do": "move", "message": message, "source": source, "folder": folder})


def mail_flag(
    destination: str,
    *flags: str,
    remove: bool = False,
    message: str = "{input.message_id}",
    source: str = "INBOX",
) -> ActionSpec:
    """Set flags on the decided mail, such as `$Urgent`, or remove them."""
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
    """Forward the decided mail unchanged, with a text of your own."""
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
    """Reply to the decided mail in its thread; mails that no person wrote get no reply."""
    options = {"do": "reply", "message": message, "source": source, "text": text, "subject": subject}
    return _spec("correspondence", destination, options)


def uipath_queue(
    destination: str,
    queue: str,
    *,
    content: Mapping[str, Any] | None = None,
    priority: Literal["Low", "Normal", "High"] = "Normal",
    wait: bool = True,
) -> ActionSpec:
    """Add an item to a queue of UiPath Orchestrator; the delivery ends with the item, unless `wait` is False."""
    return _spec(
        "uipath", destination, {"queue": queue, "content": _copied(content), "priority": priority, "wait": wait}
    )


def uipath_job(
    destination: str, process: str, *, arguments: Mapping[str, Any] | None = None, wait: bool = True
) -> ActionSpec:
    """Start a job of a UiPath process; the delivery ends with the job, unless `wait` is False."""
    return _spec("uipath", destination, {"process": process, "content": _copied(arguments), "wait": wait})


def automation_anywhere(
    destination: str, bot: int, *, inputs: Mapping[str, Any] | None = None, wait: bool = True
) -> ActionSpec:
    """Deploy a bot of Automation Anywhere, by its file id."""
    return _spec("automation_anywhere", destination, {"bot": bot, "inputs": _copied(inputs), "wait": wait})


def power_automate(
    destination: str,
    flow: str | None = None,
    *,
    inputs: Mapping[str, Any] | None = None,
    run_mode: Literal["attended", "unattended"] = "unattended",
    wait: bool = True,
) -> ActionSpec:
    """Run a desktop flow of Power Automate by its id; without an id, call the HTTP trigger at the url."""
    return _spec(
        "power_automate", destination, {"flow": flow, "inputs": _copied(inputs), "run_mode": run_mode, "wait": wait}
    )


def robocorp(
    destination: str, process: str, *, payload: Mapping[str, Any] | None = None, wait: bool = True
) -> ActionSpec:
    """Create a work item for a process of Robocorp."""
    return _spec("robocorp", destination, {"process": process, "payload": _copied(payload), "wait": wait})


def browser(
    destination: str,
    *,
    account: str,
    steps: Sequence[BrowserStep],
    login: Sequence[BrowserStep] = (),
    done_when: Mapping[str, Any] | None = None,
    repeatable: bool = False,
) -> ActionSpec:
    """Carry out a script of steps in a web application, one run at a time per account.

    One click is the commit (`click(..., commit=True)`); `done_when=look(...)` tells how to check whether it was done.
    """
    options = {"account": account, "login": list(login), "steps": list(steps), "repeatable": repeatable}
    return _spec("browser", destination, options if done_when is None else {**options, "done_when": dict(done_when)})


def _copied(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if given is None else dict(given)


def _spec(connector: str, destination: str, options: Mapping[str, Any]) -> ActionSpec:
    caller = sys._getframe(2)
    return ActionSpec(connector, destination, options, f"{caller.f_code.co_filename}:{caller.f_lineno}")
