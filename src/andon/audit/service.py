"""Operations on the audit log: write a change, seal, verify, read."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from andon.audit import store
from andon.audit.domain import (
    CONTROL,
    SHOWN,
    AuditEntry,
    ChainHead,
    Checkpoint,
    Finding,
    Harm,
    Leaf,
    LogStanding,
    Report,
    Tip,
    Verified,
    entry_of,
)
from andon.audit.encoding import change_body, checkpoint_hash, leaf_hash, storable
from andon.audit.errors import CursorInvalid, EntryInvalid, VerificationRunning
from andon.audit.ports import AddsUp, CountsRows, CoversRows, Evidence
from andon.audit.rows import RowKind, RowName
from andon.audit.store import rows as stored_rows
from andon.audit.verification import ChainCheck, CheckpointCheck
from andon.audit.vouching import ADOPT, RowCheck, digests_of, rows_standing
from andon.kernel.db import Tx
from andon.kernel.identity import PLATFORM, Actor


def record(
    tx: Tx,
    *,
    actor: Actor,
    action: str,
    subject: str,
    at: datetime,
    reason: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    rows: Sequence[RowName] = (),
) -> None:
    """Append one change in the caller's transaction, so that it and its record stand or fall together.

    Changes form one chain, so the next writer waits until this transaction ends: record last, and commit soon. `before`
    and `after` are kept forever, so they must hold no secret and no personal data. The entry vouches for `rows` as they
    are now, or for their absence.
    """
    if not all(map(storable, (actor.name, action, subject))):
        raise EntryInvalid(
            "The audit log cannot store this actor, action or subject: it contains a NUL or half of a surrogate pair"
        )
    vouched = digests_of(tx, rows)
    body = change_body(reason, before, after, vouched)
    tip = store.lock_tip(tx, store.TipName.CONTROL)
    seq = tip.seq + 1
    digest = leaf_hash(CONTROL, seq, tip.hash, at, actor.name, action, subject, body)
    store.append(tx, Leaf(CONTROL, seq, tip.hash, digest, at, actor.name, action, subject, body))
    store.move_tip(tx, store.TipName.CONTROL, Tip(seq, digest))
    if vouched:
        stored_rows.note(tx, list(vouched), seq)


def adopt(tx: Tx, kinds: Iterable[RowKind], now: datetime) -> None:
    """Vouch for all existing rows. Called once, after an upgrade from a version whose entries vouched for none."""
    why = "From now on, entries of the audit log vouch for rows"
    for rows in rows_standing(tx, kinds):
        record(tx, actor=PLATFORM, action=ADOPT, subject="rows", at=now, reason=why, rows=rows)


def seal(tx: Tx, now: datetime) -> Checkpoint | None:
    """Write the next checkpoint: the heads of all chains that grew. None if none grew or another process is sealing."""
    tip = store.try_lock_tip(tx, store.TipName.CHECKPOINT)
    if tip is None:
        return None
    grown = [(end, held) for end, held in store.ends(tx) if end.seq > held]
    if not grown:
        return None
    last = store.newest_checkpoint(tx)
    chains = (last.chains if last else 0) + sum(held == 0 for _, held in grown)
    entries = (last.entries if last else 0) + sum(end.seq - held for end, held in grown)
    heads = tuple(end for end, _ in grown)
    digest = checkpoint_hash(tip.seq + 1, tip.hash, now, chains, entries, heads)
    checkpoint = Checkpoint(tip.seq + 1, tip.hash, digest, now, chains, entries, heads)
    store.append_checkpoint(tx, checkpoint)
    store.move_tip(tx, store.TipName.CHECKPOINT, Tip(checkpoint.number, digest))
    return checkpoint


def head(tx: Tx) -> LogStanding:
    """Return how far the log has grown. The newest checkpoint's hash, noted outside, is an anchor for `verify`."""
    ends = store.ends(tx)
    return LogStanding(
        checkpoint=store.newest_checkpoint(tx),
        chains=len(ends),
        entries=sum(end.seq for end, _ in ends),
        unsealed=sum(max(end.seq - held, 0) for end, held in ends),
    )


def verify(
    tx: Tx,
    *,
    evidence: Mapping[str, Evidence],
    rows: Iterable[RowKind] = (),
    anchor: bytes | None = None,
    since: Verified | None = None,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Check the whole log in bounded memory, and report each alteration and its place; change nothing.

    `evidence` has fresh objects by the actions whose leaves vouch for rows, `rows` the kinds of rows that control
    entries vouch for; `progress` receives each number of leaves read. With `since`, start where an earlier verification
    ended: read the control chain whole, and in other chains the leaves after their verified heads. While others write,
    `tx` must see one moment: open it with `database.snapshot()`. Raises VerificationRunning.
    """
    if not store.try_lock_verification(tx):
        raise VerificationRunning
    found = _Found()
    after = 0 if since is None else since.checkpoint
    known = {} if since is None else {writer: head for writer, head in since.heads.items() if writer != CONTROL}
    if since is not None:
        found.add(_gone_since(tx, since))
    witnesses = _witnesses(evidence)
    counting = {one.name: one.evidence for one in witnesses if isinstance(one.evidence, CountsRows)}
    for name, counter in counting.items():
        counter.found = 0 if since is None else since.rows.get(name, 0)
    adding = {one.name: one.evidence for one in witnesses if isinstance(one.evidence, AddsUp)}
    for name, adder in adding.items():
        if since is not None and name in since.totals:
            adder.recall(since.totals[name])
    checkpoints = CheckpointCheck(anchor, since)
    for checkpoint in store.stream_checkpoints(tx, after):
        found.add(checkpoints.read(checkpoint))
    found.add(checkpoints.end(store.tip(tx, store.TipName.CHECKPOINT)))
    chains = ChainCheck(store.stream_claims(tx, after), store.tip(tx, store.TipName.CONTROL), known)
    standing, unsealed = RowCheck(rows), dict.fromkeys(counting, 0)
    for leaves in store.stream_leaves(tx, list(known.values())):
        for leaf in leaves:
            found.add(chains.read(leaf))
        found.add(standing.read(leaves))
        for witness in witnesses:
            claimed = [leaf for leaf in leaves if leaf.action in witness.actions]
            if held := [leaf for leaf in claimed if _is_held(leaf, checkpoints.heads)]:
                found.add(witness.evidence.check(tx, held))
            if later := [leaf for leaf in claimed if not _is_held(leaf, checkpoints.heads)]:
                before = counting[witness.name].found if witness.name in counting else 0
                check = adding[witness.name].check_unsealed if witness.name in adding else witness.evidence.check
                found.add(check(tx, later))
                if witness.name in counting:
                    unsealed[witness.name] += counting[witness.name].found - before
        if progress is not None:
            progress(len(leaves))
    found.add(chains.end())
    for witness in witnesses:
        found.add(witness.evidence.unclaimed(tx))
    found.add(standing.end(tx, [one.evidence for one in witnesses if isinstance(one.evidence, CoversRows)]))
    head = checkpoints.head if since is None else store.newest_checkpoint(tx)
    counts = {name: one.found - unsealed[name] for name, one in counting.items()}
    totals = {name: one.total() for name, one in adding.items()}
    passed = 0 if since is None else sum(head.seq for head in known.values())
    return Report(
        entries=chains.entries + passed,
        chains=len({*checkpoints.heads, *known}) if since is not None else chains.chains,
        checkpoints=checkpoints.count,
        unsealed=chains.unsealed,
        head=head,
        found=found.count,
        findings=tuple(found.shown),
        verified=None
        if found.count or head is None
        else Verified(head.number, head.hash, head.chains, head.entries, checkpoints.heads, counts, totals),
        read=chains.entries,
    )


def _is_held(leaf: Leaf, heads: Mapping[UUID, ChainHead]) -> bool:
    head = heads.get(leaf.writer)
    return head is not None and leaf.seq <= head.seq


def _gone_since(tx: Tx, since: Verified) -> Iterator[Finding]:
    """Report leaves and rows that an earlier verification saw and that are gone."""
    if store.checkpoint_hash_of(tx, since.checkpoint) != since.hash:
        message = "it differs from the checkpoint that the last verification ended with"
        yield Finding(Harm.CHECKPOINT_EDITED, message, checkpoint=since.checkpoint)
    for head, stands in store.heads_gone(tx, list(since.heads.values())):
        harm = Harm.MISSING if stands is None else Harm.REPLACED
        message = "it differs from what the last verification read" if stands else "the last verification read it"
        yield Finding(harm, message, head.writer, head.seq)


def page(
    tx: Tx,
    *,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
    changes_only: bool = True,
    limit: int = 50,
    before: str | None = None,
) -> list[AuditEntry]:
    """Return entries, newest first: by actor, by the beginning of the action ("model."), by subject.

    `changes_only` leaves out the groups of decisions. `before` is the `cursor` of the last entry seen.
    Raises CursorInvalid.
    """
    if not all(storable(wanted) for wanted in (actor, action, subject) if wanted is not None):
        return []
    leaves = store.page(
        tx,
        actor=actor,
        action=action,
        subject=subject,
        changes_only=changes_only,
        limit=limit,
        before=None if before is None else _position(before),
    )
    return [entry_of(leaf) for leaf in leaves]


@dataclass(frozen=True, slots=True)
class _Witness:
    """One object of evidence with all actions that it is registered under; `name` is the first of them."""

    name: str
    actions: frozenset[str]
    evidence: Evidence


def _witnesses(evidence: Mapping[str, Evidence]) -> list[_Witness]:
    actions: dict[int, list[str]] = {}
    for action, one in evidence.items():
        actions.setdefault(id(one), []).append(action)
    return [_Witness(names[0], frozenset(names), evidence[names[0]]) for names in actions.values()]


@dataclass(slots=True)
class _Found:
    """Findings as they arrive: all are counted, the first are kept."""

    count: int = 0
    shown: list[Finding] = field(default_factory=list)

    def add(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.count += 1
            if len(self.shown) < SHOWN:
                self.shown.append(finding)


def _position(cursor: str) -> tuple[UUID, int]:
    writer, _, seq = cursor.partition(".")
    if len(writer) != 32 or not seq.isascii() or not seq.isdigit() or len(seq) > 18:
        raise CursorInvalid
    try:
        return UUID(writer), int(seq)
    except ValueError as error:
        raise CursorInvalid from error
