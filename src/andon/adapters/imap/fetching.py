"""One batch of mails from an open folder, limited in bytes. A mail is skipped only if it is gone."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from andon.mail import MailboxUnavailable, MailHead
from andon.streams import RawMail, ReadsMails

BATCH_BYTES = 32 * 2**20
"""Bytes of mails fetched in one batch; a larger mail has a batch of its own."""

BEGINNING = 65_536
"""Bytes fetched of a mail that is too large."""

_NONE = 2**32
"""A number above that of any mail."""


class OpenFolder(Protocol):
    """The requests that a session with an open folder must support."""

    def heads(self, uids: Sequence[int]) -> Mapping[int, MailHead]:
        """Return the size and arrival of mails."""
        ...

    def fetch(self, uids: Sequence[int], section: str = "") -> dict[int, bytes]:
        """Return mails, or one section of each."""
        ...

    def beginning(self, uid: int, most: int) -> bytes:
        """Return the first bytes of a mail."""
        ...

    def present(self, uids: Sequence[int]) -> set[int]:
        """Return which of these numbers the folder has."""
        ...


def fetch(session: OpenFolder, folder: str, uids: Sequence[int], reader: ReadsMails) -> list[RawMail]:
    """Fetch as many of these mails, in order, as one batch may hold; none only if all are gone.

    A server may leave a mail out of an answer while another session moves mails. The batch ends before such a mail.

    Raises MailboxUnavailable.
    """
    rest = uids
    while rest:
        looked_at, found = _batch(session, folder, rest, reader)
        if found:
            return found
        rest = rest[len(looked_at) :]
    return []


def _batch(
    session: OpenFolder, folder: str, uids: Sequence[int], reader: ReadsMails
) -> tuple[Sequence[int], list[RawMail]]:
    """Fetch the first of these mails, as many as one batch may hold; return those tried and those found."""
    heads = session.heads(uids)
    wanted = _within_bytes(uids, heads, reader)
    large = {uid for uid in wanted if heads[uid].size > reader.max_bytes}
    mails = session.fetch([uid for uid in wanted if uid not in large], reader.section)
    mails |= {uid: session.beginning(uid, BEGINNING) for uid in large}
    looked_at = uids if len(wanted) == len(heads) else uids[: uids.index(wanted[-1]) + 1]
    missing = [uid for uid in looked_at if uid not in mails]
    left_out = min(session.present(missing), default=_NONE) if missing else _NONE
    found = [
        RawMail(uid, folder, mails[uid], heads[uid].at, _too_large(heads[uid], reader) if uid in large else None)
        for uid in wanted
        if uid in mails and uid < left_out
    ]
    if not found and left_out < _NONE:
        raise MailboxUnavailable(f"the server has mail {left_out} of {folder}, but its answer leaves it out")
    return looked_at, found


def _within_bytes(uids: Sequence[int], heads: Mapping[int, MailHead], reader: ReadsMails) -> list[int]:
    wanted: list[int] = []
    room = BATCH_BYTES
    for uid in uids:
        if uid not in heads:
            continue
        size = 0 if reader.section or heads[uid].size > reader.max_bytes else heads[uid].size
        if wanted and size > room:
            break
        wanted.append(uid)
        room -= size
    return wanted


def _too_large(head: MailHead, reader: ReadsMails) -> str:
    return f"The mail has {head.size} bytes; at most {reader.max_bytes} are read ([mail] max_bytes)"
