"""States of deliveries, compared with the answers of their receivers and with the entries about people's acts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID

import msgspec

from andon.actions import store
from andon.actions.answer_evidence import ADOPTED, AnswerEvidence
from andon.actions.proving import ANSWERED
from andon.audit import Evidence, Finding, Harm, Leaf
from andon.decisions import DELIVER_ACTION
from andon.kernel.db import Tx
from andon.kernel.outbox import MessageState

RESENT, RESENT_ALL, CONFIRMED = "action.resend", "action.resend_all", "action.confirm"


class _After(msgspec.Struct):
    ids: list[UUID] = []


class _Body(msgspec.Struct):
    after: _After


class DeliveryStates:
    """Finds deliveries whose state neither an answer nor a person explains. Use one object per verification.

    A worker writes no entry for a state. The state must follow from the recorded answers and from people's acts. Both
    have entries.
    """

    def __init__(self) -> None:
        self._resent: set[UUID] = set()
        self._confirmed: set[UUID] = set()

    def by_action(self) -> Mapping[str, Evidence]:
        """Return the evidence of each action that changes a state, and of the answers."""
        answers = AnswerEvidence(self._confirmed.__contains__)
        return {RESENT: self, CONFIRMED: self, RESENT_ALL: self, ANSWERED: answers, ADOPTED: answers}

    def check(self, tx: Tx, leaves: Sequence[Leaf]) -> Iterable[Finding]:
        """Collect people's acts; they are compared after the last leaf."""
        del tx
        for leaf in leaves:
            noted = self._confirmed if leaf.action == CONFIRMED else self._resent
            noted.update(_ids_in(leaf))
        return ()

    def unclaimed(self, tx: Tx) -> Iterator[Finding]:
        """Find states that no answer and no entry explains."""
        for one in store.unexplained(tx, DELIVER_ACTION):
            if one.revived and one.id not in self._resent:
                yield _edited("it was sent again, and no entry of the log says by whom", one.id)
            if one.state is MessageState.DONE and not one.delivered and one.id not in self._confirmed:
                yield _edited("it is done, but no receiver took it and nobody confirmed it", one.id)
            if one.state is MessageState.PENDING and one.delivered and not one.revived:
                yield _edited("its receiver took it, but it waits to be sent", one.id)
        states = store.states_of(tx, sorted(self._confirmed))
        for confirmed in sorted(self._confirmed):
            if confirmed not in states:
                yield _missing("it was confirmed, and is gone", confirmed)
            elif states[confirmed] is not MessageState.DONE:
                yield _edited(f"it was confirmed, but is {states[confirmed]}", confirmed)
        for orphan in store.without_message(tx):
            yield _missing("it was attempted, and is gone", orphan)


def _ids_in(leaf: Leaf) -> Sequence[UUID]:
    """Return the messages that an entry is about; none if it is too altered to be read."""
    try:
        if leaf.action == RESENT_ALL:
            return msgspec.json.decode(leaf.body, type=_Body).after.ids
        return [UUID(leaf.subject.removeprefix("action:"))]
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError):
        return ()


def _edited(message: str, identifier: UUID) -> Finding:
    return Finding(Harm.EVIDENCE_EDITED, message, action="outbox", subject=f"action:{identifier}")


def _missing(message: str, identifier: UUID) -> Finding:
    return Finding(Harm.EVIDENCE_MISSING, message, action="outbox", subject=f"action:{identifier}")
