"""The stream of mails: who writes when, in which language, and what about."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from andon_demo.mails import wording
from andon_demo.mails.customers import draw_customer, slots
from andon_demo.mails.domain import BLOCK, NEW_TEAM, SPAM, TEAM_OF, BankMail, Customer, MailTruth
from andon_demo.mails.message import message_bytes
from andon_demo.mails.phrases import LANGUAGES
from andon_demo.mails.wording import Wording

SPOKEN = {"en": 0.45, "de": 0.25, "fr": 0.15, "es": 0.15}
SEVERAL = 0.2
"""The share of mails with more than one wish."""

ANSWERS, REMINDERS, INJECTIONS, HIDDEN = 0.22, 0.03, 0.04, 0.25
"""Shares of mails. `HIDDEN` is the share of injections in text that mail programs do not show."""

NEW_PRODUCT = 0.2
"""The share of mails about the new product once there is one."""

WEIGHTS = {BLOCK: 1.3, "advert": 1.2, "phishing": 1.2}
"""Intents that are more or less frequent than the others."""

BEGAN = datetime(2026, 3, 2, 8, tzinfo=UTC)
KEPT = 60
"""The number of newest mails that a reminder may be about."""


class Mails:
    """Mails by a seed. `between` is the time from one mail to the next."""

    def __init__(self, seed: int, *, began: datetime = BEGAN, between: timedelta = timedelta(minutes=3)) -> None:
        self._rng = random.Random(seed)
        self._seed, self._at, self._between, self._made = seed, began, between, 0
        self._cards = [f"{number:04d}" for number in range(10_000)]
        self._rng.shuffle(self._cards)
        self._recent: list[BankMail] = []
        self._known = [intent for intent, team in TEAM_OF.items() if team != NEW_TEAM]
        self._new = [intent for intent, team in TEAM_OF.items() if team == NEW_TEAM]

    def take(self, count: int, *, new_product_from: int | None = None) -> Iterator[BankMail]:
        """Make `count` mails; some of those from number `new_product_from` on are about the new product."""
        for number in range(count):
            yield self.next(new_product=new_product_from is not None and number >= new_product_from)

    def next(self, *, new_product: bool = False) -> BankMail:
        """Make the next mail, which may be about the new product if there is one."""
        self._made += 1
        self._at += self._between
        if self._recent and self._rng.random() < REMINDERS:
            return self._reminder(self._rng.choice(self._recent))
        intents = self._intents(new_product=new_product)
        language = self._rng.choices(list(SPOKEN), list(SPOKEN.values()))[0]
        sender = draw_customer(self._rng, spammer=TEAM_OF[intents[0]] == SPAM)
        filled = slots(self._rng, self._cards[self._made % len(self._cards)]) | {"me": sender.name}
        phrases = LANGUAGES[language]
        worded = wording.ordinary(phrases, intents, filled, self._rng)
        references: list[str] = []
        team = TEAM_OF[intents[0]]
        if team != SPAM and self._rng.random() < ANSWERS:
            worded = wording.answering(worded, phrases, filled, self._rng)
            references = [self._identifier(), self._identifier()]
        injection = hidden = False
        if team != SPAM and self._rng.random() < INJECTIONS:
            hidden = self._rng.random() < HIDDEN
            injection = not hidden
            worded = wording.injected(worded, phrases, filled, self._rng, hidden=hidden)
        truth = MailTruth(
            team=SPAM if injection else team,
            intents=intents,
            language=language,
            injection=injection,
            hidden_injection=hidden,
            blocked_card=filled["last4"] if BLOCK in intents and not injection else None,
        )
        return self._sent(worded, truth, sender, references)

    def _intents(self, *, new_product: bool) -> tuple[str, ...]:
        if new_product and self._rng.random() < NEW_PRODUCT:
            first = self._rng.choice(self._new)
        else:
            first = self._rng.choices(self._known, [WEIGHTS.get(one, 1.0) for one in self._known])[0]
        if TEAM_OF[first] == SPAM or self._rng.random() >= SEVERAL:
            return (first,)
        others = [one for one in self._known if TEAM_OF[one] not in (SPAM, TEAM_OF[first]) and one != BLOCK]
        return (first, self._rng.choice(others))

    def _reminder(self, earlier: BankMail) -> BankMail:
        phrases = LANGUAGES[earlier.truth.language]
        worded = wording.reminding(earlier.subject, earlier.text, phrases, slots(self._rng, "0000"), self._rng)
        truth = replace(earlier.truth, follows=earlier.message_id)
        return self._sent(worded, truth, earlier.sender, [earlier.message_id])

    def _sent(self, worded: Wording, truth: MailTruth, sender: Customer, references: Sequence[str]) -> BankMail:
        identifier = self._identifier()
        raw = message_bytes(worded, sender, identifier, self._at, references, self._rng)
        mail = BankMail(identifier, sender, worded.subject, worded.text, self._at, raw, truth)
        if truth.team != SPAM and truth.follows is None:
            self._recent = [*self._recent[1 - KEPT :], mail]
        return mail

    def _identifier(self) -> str:
        return f"<{self._rng.getrandbits(64):016x}.{self._seed}.{self._made}@mail.example>"
