"""Actors: the identity behind a change."""

import getpass
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, a service or the platform itself, as named in the audit log."""

    name: str


PLATFORM = Actor("andon")

COMMAND_LINE = "cli:"
"""The prefix of an actor's name on the command line; the login name follows."""


def person_here() -> Actor:
    """Return the person who runs this process, by login name."""
    return Actor(f"{COMMAND_LINE}{getpass.getuser()}")
