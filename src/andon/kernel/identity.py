"""Actors: the identity behind a change."""

import getpass
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, a service or the platform itself, as it stands in the audit log."""

    name: str


PLATFORM = Actor("andon")

COMMAND_LINE = "cli:"
"""The prefix of an actor's name on the command line; the login name follows."""


def person_here() -> Actor:
    """Whoever runs this process, by the login name."""
    return Actor(f"{COMMAND_LINE}{getpass.getuser()}")
