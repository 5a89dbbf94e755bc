"""Checks that find alterations of a log from its rows in order alone: from a database, a file or a list in a test.

First all checkpoints go through `CheckpointCheck`, then all leaves through `ChainCheck`, together with the claims of
the checkpoints. Both keep one row of context (and one number per chain), so a log of any size fits in memory.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from uuid import UUID

from andon.audit.domain import (
    CONTROL,
    NO_HASH,
    ChainHead,
    Checkpoint,
    CheckpointClaim,
    Finding,
    Harm,
    Leaf,
    Tip,
    Verified,
)
from andon.audit.encoding import hash_of, hash_of_checkpoint
from andon.kernel.plurals import plural


class CheckpointCheck:
    """Reads checkpoints by number: each must be unaltered, follow the one before, and add up."""

    def __init__(self, anchor: bytes | None, since: Verified | None = None) -> None:
        self.count = 0 if since is None else since.checkpoint
        self.head: Checkpoint | None = None if since is None else _known(since)
        self.heads: dict[UUID, ChainHead] = {} if since is None else dict(since.heads)
        self._anchor = anchor
        self._complete = True

    def read(self, checkpoint: Checkpoint) -> Iterator[Finding]:
        """Check the next checkpoint."""
        before = self.head
        number, expected = checkpoint.number, before.number + 1 if before else 1
        if hash_of_checkpoint(checkpoint) != checkpoint.hash:
            yield _at_checkpoint(Harm.CHECKPOINT_EDITED, number, "its content does not match its hash")
        if number > expected:
            self._complete = False
            yield _at_checkpoint(Harm.CHECKPOINT_MISSING, expected, f"{_these(expected, number - 1)} missing")
        elif checkpoint.prev_hash != (before.hash if before else NO_HASH):
            yield _at_checkpoint(Harm.CHECKPOINT_EDITED, number, f"it does not follow checkpoint {number - 1}")
        yield from self._totals(checkpoint, before)
        if checkpoint.hash == self._anchor:
            self._anchor = None
        self.count += 1
        self.head = checkpoint

    def end(self, tip: Tip) -> Iterator[Finding]:
        """Report findings after the last checkpoint: an end that differs from the tip, or an unmet anchor."""
        last = self.head.number if self.head else 0
        if last < tip.seq:
            yield _at_checkpoint(Harm.CHECKPOINT_MISSING, last + 1, f"{_these(last + 1, tip.seq)} missing")
        elif self.head is not None and (last > tip.seq or self.head.hash != tip.hash):
            yield _at_checkpoint(Harm.CHECKPOINT_EDITED, last, "it differs from the checkpoint that was sealed last")
        if self._anchor is not None:
            yield Finding(Harm.ANCHOR_MISSING, f"no checkpoint has the hash {self._anchor.hex()}")

    def _totals(self, checkpoint: Checkpoint, before: Checkpoint | None) -> Iterator[Finding]:
        chains, entries = (before.chains, before.entries) if before else (0, 0)
        for head in checkpoint.heads:
            before_it = self.heads.get(head.writer)
            held = 0 if before_it is None else before_it.seq
            chains, entries = chains + (held == 0), entries + head.seq - held
            self.heads[head.writer] = head
        if self._complete and (checkpoint.chains, checkpoint.entries) != (chains, entries):
            said = f"{plural(checkpoint.chains, 'chain')} and {plural(checkpoint.entries, 'entry')}"
            yield _at_checkpoint(
                Harm.CHECKPOINT_EDITED, checkpoint.number, f"it counts {said}, its heads count {chains} and {entries}"
            )


class ChainCheck:
    """Reads leaves by (writer, seq), together with the claims of all checkpoints in the same order."""

    def __init__(
        self, claims: Iterator[CheckpointClaim], control: Tip, known: Mapping[UUID, ChainHead] | None = None
    ) -> None:
        """`known` are the ends of chains that were verified before: checking continues there."""
        self.entries = self.chains = self.unsealed = 0
        self._known = known or {}
        self._claims = claims
        self._claim = next(claims, None)
        self._control = control
        self._last: Leaf | None = None
        self._claimed = 0
        self._replaced = False

    def read(self, leaf: Leaf) -> Iterator[Finding]:
        """Check the next leaf."""
        if self._last is None or leaf.writer != self._last.writer:
            yield from self._close()
            yield from self._vanished(leaf.writer)
            self.chains += 1
            before = self._known.get(leaf.writer)
            self._claimed = 0 if before is None else before.seq
        yield from self._link(leaf)
        yield from self._compare(leaf)
        self.entries += 1
        self._last = leaf

    def end(self) -> Iterator[Finding]:
        """Report findings after the last leaf."""
        yield from self._close()
        yield from self._vanished(None)

    def _link(self, leaf: Leaf) -> Iterator[Finding]:
        end = self._last or self._known.get(leaf.writer)
        seq, before = (end.seq, end.hash) if end else (0, NO_HASH)
        genuine = hash_of(leaf) == leaf.hash
        if not genuine:
            yield _at(Harm.EDITED, leaf, "its content does not match its hash")
        if leaf.seq > seq + 1:
            yield Finding(Harm.MISSING, f"{_these(seq + 1, leaf.seq - 1)} missing", leaf.writer, seq + 1)
        elif leaf.seq <= seq:
            yield _at(Harm.INSERTED, leaf, f"its number does not follow {seq}")
        elif genuine and leaf.prev_hash != before:
            yield _at(Harm.BROKEN, leaf, f"it does not follow entry {seq}: one of the two was replaced or inserted")

    def _compare(self, leaf: Leaf) -> Iterator[Finding]:
        """Compare a leaf with the claims up to it; a claim inside a gap adds nothing to the gap."""
        while self._claim is not None and (self._claim.head.writer, self._claim.head.seq) <= (leaf.writer, leaf.seq):
            claim = self._claim
            if claim.head.seq == leaf.seq and claim.head.hash != leaf.hash and not self._replaced:
                self._replaced = True
                since = f"it, or an entry after {self._claimed}, differs from" if self._claimed else "it differs from"
                yield _at(Harm.REPLACED, leaf, f"{since} what checkpoint {claim.checkpoint} holds", claim.checkpoint)
            self._claimed = claim.head.seq
            self._claim = next(self._claims, None)

    def _close(self) -> Iterator[Finding]:
        """Finish the chain that was being read: report it if it ends too early."""
        last = self._last
        if last is None:
            return
        claim = self._drain(last.writer)
        if claim is not None:
            there = f"it ends at {last.seq}, but checkpoint {claim.checkpoint} holds it up to {claim.head.seq}"
            yield Finding(Harm.TRUNCATED, there, last.writer, last.seq + 1, claim.checkpoint)
        elif last.writer == CONTROL:
            yield from self._against_tip(last)
        self.unsealed += max(last.seq - self._claimed, 0)
        self._last, self._claimed, self._replaced = None, 0, False

    def _against_tip(self, last: Leaf) -> Iterator[Finding]:
        if last.seq < self._control.seq:
            there = f"it ends at {last.seq}, but {self._control.seq} were written"
            yield Finding(Harm.TRUNCATED, there, CONTROL, last.seq + 1)
        elif last.seq > self._control.seq:
            yield _at(Harm.INSERTED, last, f"the last entry written was {self._control.seq}")
        elif last.hash != self._control.hash:
            yield _at(Harm.REPLACED, last, "it differs from the entry that was written last")

    def _vanished(self, until: UUID | None) -> Iterator[Finding]:
        """Report chains before `until` that checkpoints hold but that have no leaf left."""
        if self.chains == 0 and until != CONTROL and self._control.seq:
            self._drain(CONTROL)
            yield Finding(Harm.CHAIN_MISSING, f"it is gone, with {plural(self._control.seq, 'entry')}", CONTROL, 1)
        while self._claim is not None and (until is None or self._claim.head.writer < until):
            claim = self._drain(self._claim.head.writer) or self._claim
            yield Finding(
                Harm.CHAIN_MISSING,
                f"checkpoint {claim.checkpoint} holds {plural(claim.head.seq, 'entry')}, but none exists",
                claim.head.writer,
                1,
                claim.checkpoint,
            )

    def _drain(self, writer: UUID) -> CheckpointClaim | None:
        """Consume the remaining claims about a writer; return the last of them, or None."""
        last = None
        while self._claim is not None and self._claim.head.writer == writer:
            last, self._claim = self._claim, next(self._claims, None)
        return last


def _known(since: Verified) -> Checkpoint:
    """Return the newest verified checkpoint, as the next verification needs it."""
    moment = datetime.fromtimestamp(0, UTC)
    return Checkpoint(since.checkpoint, NO_HASH, since.hash, moment, since.chains, since.entries, ())


def _these(first: int, last: int) -> str:
    return f"{first} is" if first == last else f"{first} to {last} are"


def _at(harm: Harm, leaf: Leaf, message: str, checkpoint: int | None = None) -> Finding:
    return Finding(harm, message, leaf.writer, leaf.seq, checkpoint, leaf.action, leaf.subject)


def _at_checkpoint(harm: Harm, number: int, message: str) -> Finding:
    return Finding(harm, message, checkpoint=number)
