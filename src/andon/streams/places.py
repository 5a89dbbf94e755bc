"""Ownership of a stream's partitions: leases in the database, shared among all processes that read it.

A killed process counts as a reader for at most LEASE; then live processes take its partitions. A process that was only
suspended (a zombie) can no longer record anything: the partition's row has another owner.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from andon.kernel.db import Tx
from andon.streams.domain import StreamKey, share_of
from andon.streams.store import streams

LEASE = timedelta(seconds=6)
RENEW_SECONDS = 2.0
"""The interval of renewals: a dead process's partitions are taken over within LEASE + RENEW_SECONDS."""


@dataclass(frozen=True, slots=True)
class HeldPartition:
    """A partition that is ours now, and its position."""

    partition: str
    position: int
    paused: bool
    seek: str | None


def keep(tx: Tx, key: StreamKey, member: UUID) -> list[HeldPartition]:
    """Renew our leases, give up the excess, take free partitions up to our share; return our partitions."""
    members = streams.renew(tx, key, member, LEASE)
    share = share_of(members, member, streams.count_partitions(tx, key))
    ours = streams.owned(tx, key, member)
    if len(ours) > share:
        streams.release(tx, key, member, [partition for partition, *_ in ours[share:]])
    elif len(ours) < share:
        streams.claim(tx, key, member, share - len(ours))
    streams.forget_members(tx, key)
    return [HeldPartition(*row) for row in streams.owned(tx, key, member)]
