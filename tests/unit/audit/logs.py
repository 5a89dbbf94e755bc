"""Random logs in memory, and the verification of one, as the database would have it read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st

from andon.audit.chain import Chain
from andon.audit.domain import CONTROL, NO_HASH, ChainHead, Checkpoint, CheckpointClaim, Finding, Leaf, Tip
from andon.audit.encoding import checkpoint_hash
from andon.audit.verification import ChainCheck, CheckpointCheck

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
WRITERS = (CONTROL, UUID(int=7), UUID(int=2**100))


@dataclass(frozen=True)
class Log:
    """Everything that the database holds of a log."""

    leaves: tuple[Leaf, ...]
    checkpoints: tuple[Checkpoint, ...]
    control: Tip
    sealed: Tip

    def with_leaves(self, leaves: Sequence[Leaf]) -> "Log":
        return replace(self, leaves=tuple(leaves))

    def of(self, writer: UUID) -> list[Leaf]:
        return [leaf for leaf in self.leaves if leaf.writer == writer]


def findings(log: Log, *, anchor: bytes | None = None) -> list[Finding]:
    """All findings, in the order in which a verification meets them."""
    found: list[Finding] = []
    checkpoints = CheckpointCheck(anchor)
    for checkpoint in sorted(log.checkpoints, key=lambda c: c.number):
        found.extend(checkpoints.read(checkpoint))
    found.extend(checkpoints.end(log.sealed))
    claims = [CheckpointClaim(c.number, head) for c in log.checkpoints for head in c.heads]
    chains = ChainCheck(iter(sorted(claims, key=lambda c: (c.head.writer, c.head.seq))), log.control)
    for leaf in sorted(log.leaves, key=lambda leaf: (leaf.writer, leaf.seq)):
        found.extend(chains.read(leaf))
    found.extend(chains.end())
    return found


def build(rounds: Sequence[Sequence[tuple[UUID, bytes]]]) -> Log:
    """Return a log in which each round appends its (writer, body) and is then sealed."""
    chains = {writer: Chain(writer) for writer in WRITERS}
    ends: dict[UUID, Leaf] = {}
    leaves: list[Leaf] = []
    checkpoints: list[Checkpoint] = []
    for number, appended in enumerate(rounds, start=1):
        grown = set()
        for writer, body in appended:
            leaf = chains[writer].link(
                actor="anna", action="thing.change", subject=f"thing:{len(leaves)}", body=body, at=NOON
            )
            chains[writer].advance(leaf)
            leaves.append(leaf)
            ends[writer] = leaf
            grown.add(writer)
        heads = tuple(ChainHead(writer, ends[writer].seq, ends[writer].hash) for writer in sorted(grown))
        prev = checkpoints[-1].hash if checkpoints else NO_HASH
        at = NOON + timedelta(seconds=number)
        digest = checkpoint_hash(number, prev, at, len(ends), len(leaves), heads)
        checkpoints.append(Checkpoint(number, prev, digest, at, len(ends), len(leaves), heads))
    last = ends.get(CONTROL)
    return Log(
        leaves=tuple(leaves),
        checkpoints=tuple(checkpoints),
        control=Tip(last.seq, last.hash) if last else Tip(0, NO_HASH),
        sealed=Tip(len(checkpoints), checkpoints[-1].hash) if checkpoints else Tip(0, NO_HASH),
    )


def logs(*, smallest: int = 1) -> st.SearchStrategy[Log]:
    """Sealed logs of a few rounds over three writers."""
    appended = st.tuples(st.sampled_from(WRITERS), st.binary(max_size=4))
    rounds = st.lists(st.lists(appended, min_size=1, max_size=5), min_size=smallest, max_size=5)
    return rounds.map(build)
