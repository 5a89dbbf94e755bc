"""One label of a Gmail mailbox. The history lists new mails, and each mail is read as MIME (`format=raw`).

The history covers about a week. Once it has expired, all mails are listed again, and known mails keep their positions.
Reading changes nothing at the service.
"""

import base64
import binascii
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from andon.kernel.clock import Clock
from andon.mail import MailApi, MailboxUnavailable
from andon.streams import SourceUnavailable, StreamMissing
from andon.streams.sources import AddedMails, RemoteMail

PAGE = 500
BEGINNING = 65_536


class GmailLabel:
    """Mails with a label (`INBOX`). `user` is `me`, or the address of a mailbox that the token opens."""

    def __init__(self, api: MailApi, user: str, label: str, clock: Clock) -> None:
        self._api = api
        self._user = f"/users/{quote(user, safe='@')}"
        self._label = label
        self._clock = clock

    async def check(self) -> None:
        """Look the label up. Raises StreamMissing if it does not exist."""
        if await self._json(f"{self._user}/labels/{quote(self._label, safe='')}") is None:
            raise StreamMissing(f"There is no label {self._label} in this mailbox")

    async def added(self, token: str | None) -> AddedMails:
        """Return the mails added since a history id; without one, all mails."""
        now = self._clock.now()
        if token is None:
            profile = await self._json(f"{self._user}/profile")  # before the list, so that nothing is missed between
            ids = await self._listed()
            return AddedMails([(one, now) for one in ids], _text(profile, "historyId"))
        ids, latest = [], token
        query = {"startHistoryId": token, "labelId": self._label, "maxResults": PAGE}
        kinds = "&historyTypes=messageAdded&historyTypes=labelAdded"
        page: str | None = ""
        while page is not None:
            more = {"pageToken": page} if page else {}
            found = await self._json(f"{self._user}/history?{urlencode({**query, **more})}{kinds}")
            if found is None:
                return AddedMails((), None, more=True)
            for record in found.get("history", ()):
                ids += _ids_of(record, self._label)
            latest, page = _text(found, "historyId"), found.get("nextPageToken")
        return AddedMails([(one, now) for one in dict.fromkeys(ids)], latest)

    async def fetch(self, identifier: str, *, max_bytes: int) -> RemoteMail | None:
        """Return a mail as MIME; None if it no longer exists."""
        place = f"{self._user}/messages/{quote(identifier, safe='')}"
        head = await self._json(f"{place}?format=minimal")
        if head is None:
            return None
        at, size = _arrival(head), head.get("sizeEstimate")
        if isinstance(size, int) and size > max_bytes:
            return RemoteMail(b"", at, f"The mail has {size} bytes; at most {max_bytes} are read ([mail] max_bytes)")
        most = max_bytes // 3 * 4 + 65_536
        found = await self._json(f"{place}?format=raw", most=most)
        if found is None:
            return None
        text = _text(found, "raw")
        try:
            data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError):
            return RemoteMail(text[:BEGINNING].encode(), at, "Gmail sent a mail that is not valid Base64")
        return RemoteMail(data, at)

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

    async def _listed(self) -> list[str]:
        """Return the ids of all mails with the label, oldest first; Gmail lists the newest first."""
        ids: list[str] = []
        page: str | None = ""
        while page is not None:
            query = {"labelIds": self._label, "maxResults": PAGE, **({"pageToken": page} if page else {})}
            found = await self._json(f"{self._user}/messages?{urlencode(query)}") or {}
            ids += [one["id"] for one in found.get("messages", ()) if isinstance(one.get("id"), str)]
            page = found.get("nextPageToken")
        return ids[::-1]

    async def _json(self, place: str, *, most: int | None = None) -> Any:
        """Return the JSON of a response; None for a 404."""
        try:
            answer = await (self._api.get(place) if most is None else self._api.get(place, most=most))
            if answer.status == 404:
                return None
            if answer.status != 200:
                raise SourceUnavailable(f"Gmail answers {answer.status} for {self._label}")
            return answer.json()
        except MailboxUnavailable as error:
            raise SourceUnavailable(str(error)) from error


def _ids_of(record: Any, label: str) -> list[str]:
    added = [one["message"]["id"] for one in record.get("messagesAdded", ()) if label in one["message"]["labelIds"]]
    return added + [one["message"]["id"] for one in record.get("labelsAdded", ()) if label in one.get("labelIds", ())]


def _text(found: Any, name: str) -> str:
    value = found.get(name) if isinstance(found, dict) else None
    if not isinstance(value, str):
        raise SourceUnavailable(f"Gmail's answer has no {name}")
    return value


def _arrival(head: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(head["internalDate"]) / 1000, UTC)
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
