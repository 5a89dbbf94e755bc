"""Actions: what an outcome sets off outside. A declaration names a destination; its address and secrets are settings.

Texts may hold values of the decision in braces: `{input.payment_id}`, `{outcome}`, `{reasons}`, `{id}`, `{key}`.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from andon.authoring.browsing import BrowserStep


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
    """Flag the mail that was decided, as `$Urgent`, or remove flags."""
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


def uipath_queue(
    destination: str,
    queue: str,
    *,
    content: Mapping[str, Any] | None = None,
    priority: Literal["Low", "Normal", "High"] = "Normal",
    wait: bool = True,
) -> ActionSpec:
    """Add an item to a queue of UiPath Orchestrator; the delivery ends as the item does, unless `wait` is False."""
    return _spec(
        "uipath", destination, {"queue": queue, "content": _copied(content), "priority": priority, "wait": wait}
    )


def uipath_job(
    destination: str, process: str, *, arguments: Mapping[str, Any] | None = None, wait: bool = True
) -> ActionSpec:
    """Start a job of a UiPath process; the delivery ends as the job does, unless `wait` is False."""
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
    """Run a desktop flow of Power Automate by its id; without one, call the HTTP trigger that the url is."""
    return _spec(
        "power_automate", destination, {"flow": flow, "inputs": _copied(inputs), "run_mode": run_mode, "wait": wait}
    )


def robocorp(
    destination: str, process: str, *, payload: Mapping[str, Any] | None = None, wait: bool = True
) -> ActionSpec:
    """Make a work item for a process of Robocorp."""
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
    """Drive a script of steps in a web application, one at a time for each account.

    One click is the commit (`click(..., commit=True)`); `done_when=look(...)` says how to see whether it was done.
    """
    options = {"account": account, "login": list(login), "steps": list(steps), "repeatable": repeatable}
    return _spec("browser", destination, options if done_when is None else {**options, "done_when": dict(done_when)})


def _copied(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if given is None else dict(given)


def _spec(connector: str, destination: str, options: Mapping[str, Any]) -> ActionSpec:
    caller = sys._getframe(2)
    return ActionSpec(connector, destination, options, f"{caller.f_code.co_filename}:{caller.f_lineno}")
