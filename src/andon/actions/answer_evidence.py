"""Receivers' answers and dead letters, compared with the entries that the delivering processes write about them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from andon import audit
from andon.actions import proving
from andon.actions.proving import ANSWER, DEATH, ITEM, AnswerItem
from andon.actions.store import answers as store
from andon.actions.store.answers import AnswerRow, StandingDelivery
from andon.audit import CONTROL, Finding, Harm, Leaf
from andon.decisions import DELIVER_ACTION
from andon.kernel.db import Tx
from andon.kernel.identity import PLATFORM
from andon.kernel.outbox import MessageState

ADOPTED = "action.adopt"
"""The action of the entry that counts the answers from before entries were written about them."""

AT_ONCE = 1000
"""Answers that are compared together."""

_TOLD = 10_000


class _Adopted(msgspec.Struct):
    answers: int


class _Body(msgspec.Struct):
    after: _Adopted


def adopt_answers(tx: Tx, now: datetime) -> None:
    """Note the answers that no entry vouches for. Called once, after an upgrade from a version without such entries."""
    _, old = store.count_answers(tx)
    audit.record(
        tx,
        actor=PLATFORM,
        action=ADOPTED,
        subject="answers",
        at=now,
        reason="Entries of the audit log vouch for answers from now on",
        after={"answers": old},
    )


class AnswerEvidence:
    """Finds answers and dead letters that were changed, deleted or inserted. Use one object per verification."""

    def __init__(self, is_confirmed: Callable[[UUID], bool]) -> None:
        self.found = 0
        """The number of answers that match an entry."""
        self._is_confirmed = is_confirmed
        self._adopted: tuple[datetime, int] | None = None
        self._told: set[UUID] = set()

    def check(self, tx: Tx, leaves: Sequence[Leaf]) -> Iterator[Finding]:
        """Compare the next entries with the answers they hold."""
        for leaf in leaves:
            if leaf.action == ADOPTED:
                yield from self._adopt(leaf)
            elif leaf.writer == CONTROL or len(leaf.body) % ITEM:
                yield _at(Harm.EDITED, "its body is not a list of answers", leaf)
        for some in _in_groups([leaf for leaf in leaves if leaf.action != ADOPTED]):
            items = [(leaf, list(proving.items_of(leaf.body))) for leaf in some]
            messages = {item.message for _, held in items for item in held}
            died = {item.message for _, held in items for item in held if item.kind == DEATH}
            rows, states = store.answers_of(tx, messages), store.standing(tx, died)
            for leaf, held in items:
                yield from self._of_leaf(leaf, held, rows, states)

    def unclaimed(self, tx: Tx) -> Iterator[Finding]:
        """Find answers and dead letters that no entry holds."""
        vouched, old = store.count_answers(tx)
        if vouched != self.found:
            for row, held in store.all_answers(tx):
                if row.digest not in held and row.attempt not in self._told:
                    yield _unclaimed("no entry of the log holds this answer of its receiver", row.message)
        at, count = self._adopted or (None, 0)
        put_in = 0
        for message in store.unproven_answers(tx, at):
            put_in += 1
            yield _unclaimed("no entry of the log holds this answer of its receiver", message)
        if old - put_in != count:
            text = f"{count} answers from before entries vouched for them were counted, {old - put_in} exist"
            harm = Harm.EVIDENCE_MISSING if old - put_in < count else Harm.EVIDENCE_UNCLAIMED
            yield Finding(harm, text, action="delivery_answers", subject="answers")
        until = None if at is None else proving.moment(at)
        for dead in store.dead_letters(tx, DELIVER_ACTION):
            is_old = until is not None and dead.settled_at is not None and dead.settled_at <= until
            if dead.digest not in dead.held and not is_old:
                text = "it is a dead letter, and no entry of the log says that it was given up for this reason"
                yield Finding(Harm.EVIDENCE_EDITED, text, action="outbox", subject=f"action:{dead.message}")

    def _adopt(self, leaf: Leaf) -> Iterator[Finding]:
        """Read how many answers existed before; a second such entry, or one in a process's chain, is forged."""
        if leaf.writer != CONTROL or self._adopted is not None:
            yield _at(Harm.INSERTED, "answers were adopted although entries vouched for answers already", leaf)
            return
        try:
            self._adopted = leaf.at, msgspec.json.decode(leaf.body, type=_Body).after.answers
        except (msgspec.DecodeError, msgspec.ValidationError):
            self._adopted = leaf.at, 0

    def _of_leaf(
        self,
        leaf: Leaf,
        held: Sequence[AnswerItem],
        rows: dict[bytes, list[AnswerRow]],
        states: dict[bytes, StandingDelivery],
    ) -> Iterator[Finding]:
        digests, counted = {item.digest for item in held if item.kind == ANSWER}, set[UUID]()
        for item in held:
            answers = rows.get(item.message, [])
            if item.kind == DEATH:
                yield from self._of_death(leaf, item, states.get(item.message), is_known=bool(answers))
                continue
            if item.kind != ANSWER:
                yield _at(Harm.EDITED, "its body is not a list of answers", leaf)
                continue
            here = [row for row in answers if (row.writer, row.seq) == (leaf.writer, leaf.seq)]
            matching = [row for row in answers if row.digest == item.digest]
            if not matching:
                changed = [row for row in here if row.digest not in digests]
                if len(self._told) < _TOLD:
                    self._told.update(row.attempt for row in changed)
                if changed:
                    yield _about(Harm.EVIDENCE_EDITED, "an answer of its receiver was changed", leaf, item)
                else:
                    yield _about(Harm.EVIDENCE_MISSING, "an answer of its receiver is gone", leaf, item)
            for row in matching:
                if row in here and row.attempt not in counted:
                    counted.add(row.attempt)
                    self.found += 1

    def _of_death(
        self, leaf: Leaf, item: AnswerItem, stands: StandingDelivery | None, *, is_known: bool
    ) -> Iterator[Finding]:
        if stands is None:
            if not is_known:  # otherwise its attempts show that it is gone
                yield _about(Harm.EVIDENCE_MISSING, "it was given up, and is gone", leaf, item)
            return
        sent_again = stands.revived_at is not None and stands.revived_at >= proving.moment(leaf.at)
        if stands.state is MessageState.DEAD or sent_again or self._is_confirmed(UUID(bytes=item.message)):
            return
        message = f"it was given up and nobody sent it again or confirmed it, but it is {stands.state}"
        yield _about(Harm.EVIDENCE_EDITED, message, leaf, item)


def _in_groups(leaves: Iterable[Leaf]) -> Iterator[list[Leaf]]:
    """Yield leaves in groups that hold about AT_ONCE answers."""
    group: list[Leaf] = []
    size = 0
    for leaf in leaves:
        group.append(leaf)
        size += len(leaf.body) // ITEM
        if size >= AT_ONCE:
            yield group
            group, size = [], 0
    if group:
        yield group


def _at(harm: Harm, message: str, leaf: Leaf) -> Finding:
    return Finding(harm, message, leaf.writer, leaf.seq, action=leaf.action, subject=leaf.subject)


def _about(harm: Harm, message: str, leaf: Leaf, item: AnswerItem) -> Finding:
    subject = f"action:{UUID(bytes=item.message)}"
    return Finding(harm, message, leaf.writer, leaf.seq, action=leaf.action, subject=subject)


def _unclaimed(message: str, identifier: UUID) -> Finding:
    return Finding(Harm.EVIDENCE_UNCLAIMED, message, action="delivery_answers", subject=f"action:{identifier}")
