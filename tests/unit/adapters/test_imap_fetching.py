"""Which mails a batch of a mailbox holds when the server's answers do not hold all that was asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from andon.adapters.imap.fetching import BATCH_BYTES, fetch
from andon.mail import MailboxUnavailable, MailHead
from andon.streams import Arrival, RawMail


@dataclass
class Reader:
    section: str = ""
    max_bytes: int = BATCH_BYTES

    def arrivals(self, found: Sequence[RawMail]) -> list[Arrival]:
        return []


@dataclass
class Folder:
    """Has mails by number, of `size` bytes as it says. The answers leave out `without_head` and `without_text`.

    `leaving` are moved away once their heads were asked for.
    """

    mails: set[int]
    without_head: set[int] = field(default_factory=set)
    without_text: set[int] = field(default_factory=set)
    leaving: set[int] = field(default_factory=set)
    size: int = 10

    def heads(self, uids: Sequence[int]) -> Mapping[int, MailHead]:
        found = {uid: MailHead(self.size, None) for uid in uids if uid in self.mails - self.without_head}
        self.mails -= self.leaving
        return found

    def fetch(self, uids: Sequence[int], section: str = "") -> dict[int, bytes]:
        return {uid: b"mail" for uid in uids if uid in self.mails - self.without_text}

    def beginning(self, uid: int, most: int) -> bytes:
        return b"ma"

    def present(self, uids: Sequence[int]) -> set[int]:
        return self.mails & set(uids)


def fetched(folder: Folder, *uids: int) -> list[int]:
    return [mail.position for mail in fetch(folder, "INBOX", uids, Reader())]


def test_a_mail_that_is_gone_is_passed_over() -> None:
    assert fetched(Folder({1, 3}), 1, 2, 3) == [1, 3]
    assert fetched(Folder(set()), 1, 2) == []


@pytest.mark.parametrize(
    "folder", [Folder({1, 2, 3}, without_head={2}), Folder({1, 2, 3}, without_text={2})], ids=["head", "text"]
)
def test_a_batch_ends_before_a_mail_that_the_answer_leaves_out(folder: Folder) -> None:
    assert fetched(folder, 1, 2, 3) == [1]
    with pytest.raises(MailboxUnavailable, match="mail 2 of INBOX"):
        fetched(folder, 2, 3)


def test_a_batch_that_is_full_leaves_the_rest_for_the_next() -> None:
    assert fetched(Folder({1, 2, 3}, size=BATCH_BYTES // 2), 1, 2, 3) == [1, 2]
    assert fetched(Folder({1, 2, 3, 4}, without_head={1}, size=BATCH_BYTES), 2, 3, 4) == [2]


def test_a_mail_that_leaves_while_it_fills_a_batch_takes_no_other_with_it() -> None:
    assert fetched(Folder({1, 2, 3}, leaving={1}, size=BATCH_BYTES), 1, 2, 3) == [2]
    assert fetched(Folder({1, 2}, leaving={1, 2}, size=BATCH_BYTES), 1, 2) == []


def test_mails_of_which_only_a_part_is_fetched_share_a_batch() -> None:
    size = BATCH_BYTES // 2 + 1
    for reader in (Reader(section="HEADER"), Reader(max_bytes=size - 1)):
        found = fetch(Folder({1, 2, 3}, size=size), "INBOX", [1, 2, 3], reader)
        assert [mail.position for mail in found] == [1, 2, 3], reader


def test_of_a_mail_that_is_too_large_the_beginning_is_fetched() -> None:
    (mail,) = fetch(Folder({1}, size=BATCH_BYTES + 1), "INBOX", [1], Reader())
    assert mail.data == b"ma"
    assert mail.refused is not None
