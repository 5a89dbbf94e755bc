"""The phrases of one language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Intent:
    """How customers put one wish: possible subjects, and possible sentences."""

    subjects: Sequence[str]
    sentences: Sequence[str]


@dataclass(frozen=True, slots=True)
class Phrases:
    """All the phrases for mails in one language.

    `vague` are sentences and subjects that fit any wish. `details` also mention words of several teams.
    `bank` is the bank's earlier answer, which customers quote. `wrote` introduces a quotation.
    """

    intents: Mapping[str, Intent]
    greetings: Sequence[str]
    closings: Sequence[str]
    vague_subjects: Sequence[str]
    vague: Sequence[str]
    details: Sequence[str]
    also: Sequence[str]
    reminders: Sequence[str]
    bank: Sequence[str]
    wrote: Sequence[str]
    signatures: Sequence[str]
    injections: Sequence[str]
