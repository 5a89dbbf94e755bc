"""Mails that people move between folders, as labels of their decisions. A move by our own action is not a label.

A mail server does not say who moved a mail, nor when. So a move by a person is recognised like this: the mail was last
seen in another folder, and no action of its decision was to bring it here. An action counts once; any later move, even
back to where the action had put the mail, was made by a person.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from andon import actions, labels
from andon.actions import ActionState
from andon.decisions import DecisionRequest
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError
from andon.kernel.identity import Actor
from andon.labels import Fate, LabelInvalid, LabelSource, Settled
from andon.streams.labelling import LabelWriter
from andon.streams.store import mails
from andon.streams.store.mails import KnownMail

MAILBOX = "mailbox"
"""The connector whose actions move mails."""


class MailPlace(BaseModel):
    """A mail and the folder in which it was seen, with the class that the folder stands for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mail: str
    folder: str
    value: str


class MoveContract:
    """The contract of a stream of moves."""

    def read(self, raw: bytes) -> Mapping[str, Any]:
        """Read one place of a mail. Raises LabelInvalid."""
        try:
            return MailPlace.model_validate_json(raw).model_dump()
        except ValidationError as error:
            raise LabelInvalid(f"It does not say where a mail was seen: {error.errors()[0]['msg']}") from None


class MoveWriter(LabelWriter):
    """Records where mails are, and a label for each that a person moved, in the commit that moves the stream."""

    def record(self, tx: Tx, requests: Sequence[DecisionRequest]) -> list[Settled]:
        """Record these places, in their order."""
        seen = [MailPlace.model_construct(**request.input) for request in requests]
        known = mails.lock(tx, self._automation, sorted({place.mail for place in seen}))
        actor = Actor(requests[0].caller)
        settled = []
        for place in seen:
            mail = known.get(place.mail)
            if mail is None or mail.folder == place.folder:
                settled.append(Settled(Fate.REPEATED))
                continue
            by_person, moves = self._moved(tx, mail, place)
            mails.seen(tx, self._automation, place.mail, place.folder, moves)
            known[place.mail] = mail._replace(folder=place.folder, moves_seen=moves)
            settled.append(self._label(tx, mail, place, actor) if by_person else Settled(Fate.REPEATED))
        return settled

    def _moved(self, tx: Tx, mail: KnownMail, place: MailPlace) -> tuple[bool, list[Any]]:
        """Return whether a person moved a mail, and the actions that are no longer waited for."""
        by_us, moves = False, list(mail.moves_seen)
        for action, options in actions.filled_of_decision(tx, mail.decision_id, MAILBOX):
            if options.get("do") != "move" or action.id in mail.moves_seen or action.state is ActionState.DEAD:
                continue
            brought_here = options.get("folder") == place.folder
            by_us = by_us or brought_here
            if brought_here or action.state is ActionState.DONE:
                moves.append(action.id)
        return not by_us, moves

    def _label(self, tx: Tx, mail: KnownMail, place: MailPlace, actor: Actor) -> Settled:
        try:
            label = labels.record(
                tx,
                decision_id=mail.decision_id,
                value=place.value,
                source=LabelSource.FOLDER_MOVE,
                actor=actor,
                events=self._events,
                now=self._clock.now(),
            )
        except AndonError as error:
            return Settled(Fate.REFUSED, error=error)
        return Settled(Fate.RECORDED, label)
