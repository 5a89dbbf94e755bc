"""What a builder writes an automation with, and nothing else. Importing it reads no file and opens nothing."""

from andon.authoring import (
    ActionSpec,
    Automation,
    Budget,
    MaxError,
    Policy,
    Request,
    Review,
    Trigger,
    Window,
    files,
    http_events,
    kafka,
    nats,
    schedule,
    table,
    webhook,
)
from andon.version import __version__

__all__ = [
    "ActionSpec",
    "Automation",
    "Budget",
    "MaxError",
    "Policy",
    "Request",
    "Review",
    "Trigger",
    "Window",
    "__version__",
    "files",
    "http_events",
    "kafka",
    "nats",
    "schedule",
    "table",
    "webhook",
]
