"""The wording of a mail: a subject, the customer's own words, and a quotation if it is an answer."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from andon_demo.mails import noise
from andon_demo.mails.phrases.domain import Phrases

VAGUE = 0.05
"""The share of mails that give no hint of their subject."""

HURRIED, MISTYPED = 0.12, 0.35
"""The shares of mails typed on a phone, and of mails with typing errors."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of one mail. `hidden` is text that a mail program does not show."""

    subject: str
    text: str
    signature: str = ""
    quoted: str = ""
    hidden: str = ""

    @property
    def body(self) -> str:
        """The whole text as it is sent."""
        return "\n\n".join(part for part in (self.text, self.signature, self.quoted) if part)


def ordinary(phrases: Phrases, intents: Sequence[str], filled: Mapping[str, str], rng: random.Random) -> Wording:
    """Word a mail with these intents, the first of which matters most."""
    first, *others = intents
    wish = phrases.intents[first]
    if rng.random() < VAGUE and first != "block-card":
        subject, sentences = rng.choice(phrases.vague_subjects), rng.sample(phrases.vague, 2)
    else:
        vague = rng.random() < 0.3
        subject = rng.choice(phrases.vague_subjects if vague else wish.subjects)
        sentences = [rng.choice(wish.sentences)]
        if rng.random() < 0.5:
            sentences.insert(rng.randrange(2), rng.choice(phrases.vague))
        if rng.random() < 0.45:
            sentences.append(rng.choice(phrases.details))
    for other in others:
        sentences.append(rng.choice(phrases.also).replace("{other}", rng.choice(phrases.intents[other].sentences)))
    greeting, closing = rng.choice(phrases.greetings), rng.choice(phrases.closings)
    text = "\n\n".join(part for part in (greeting, " ".join(sentences), closing) if part).format_map(filled)
    text, subject = _as_typed(text, rng), subject.format_map(filled)
    signature = rng.choice(phrases.signatures).format_map(filled) if rng.random() < 0.7 else ""
    return Wording(subject, text, signature)


def answering(wording: Wording, phrases: Phrases, filled: Mapping[str, str], rng: random.Random) -> Wording:
    """Turn a mail into an answer to the bank, with a quotation."""
    quoted = _quotation(rng.choice(phrases.wrote), rng.choice(phrases.bank), filled)
    return Wording(f"Re: {wording.subject}", wording.text, wording.signature, quoted, wording.hidden)


def reminding(subject: str, text: str, phrases: Phrases, filled: Mapping[str, str], rng: random.Random) -> Wording:
    """Word a reminder of an earlier mail, which it quotes."""
    said = f"{rng.choice(phrases.greetings)}\n\n{rng.choice(phrases.reminders)}".strip()
    return Wording(
        f"Re: {subject.removeprefix('Re: ')}", said, quoted=_quotation(rng.choice(phrases.wrote), text, filled)
    )


def injected(
    wording: Wording, phrases: Phrases, filled: Mapping[str, str], rng: random.Random, *, hidden: bool
) -> Wording:
    """Put an order to a machine into a mail: in its visible text, or in text that a mail program hides."""
    order = rng.choice(phrases.injections).format_map(filled)
    if hidden:
        return Wording(wording.subject, wording.text, wording.signature, wording.quoted, order)
    return Wording(wording.subject, f"{wording.text}\n\n{order}", wording.signature, wording.quoted)


def _quotation(wrote: str, text: str, filled: Mapping[str, str]) -> str:
    lines = "\n".join(f"> {line}" for line in text.splitlines())
    return f"{wrote.format_map(filled)}\n{lines}"


def _as_typed(text: str, rng: random.Random) -> str:
    if rng.random() < HURRIED:
        text = noise.hurried(text, rng)
    return noise.typed(text, rng, rng.uniform(0.03, 0.15)) if rng.random() < MISTYPED else text
