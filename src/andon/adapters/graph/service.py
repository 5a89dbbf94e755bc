"""One mail folder in Microsoft Graph. A delta query lists new mails, and each mail is read as MIME.

Immutable ids are requested, which survive a move. Reading changes nothing at the service.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from andon.mail import MailApi, MailboxUnavailable
from andon.streams import SourceUnavailable, StreamMissing
from andon.streams.sources import AddedMails, RemoteMail

PREFER = {"prefer": 'IdType="ImmutableId", odata.maxpagesize=100'}
BEGINNING = 65_536


class GraphFolder:
    """A folder of a user's mailbox, by a well-known name (`inbox`) or its id."""

    def __init__(self, api: MailApi, user: str, folder: str) -> None:
        self._api = api
        self._user = f"/users/{quote(user, safe='')}"
        self._folder = f"{self._user}/mailFolders/{quote(folder, safe='')}"
        self._name = folder

    async def check(self) -> None:
        """Look the folder up. Raises StreamMissing if it does not exist."""
        await self._json(f"{self._folder}?$select=id")

    async def added(self, token: str | None) -> AddedMails:
        """Return one page of the mails added since a token, which is the link in the previous page."""
        begin = f"{self._folder}/messages/delta?changeType=created&$select=id,receivedDateTime"
        found = await self._json(token or begin, may_be_gone=token is not None)
        if found is None:  # the token expired: the listing begins again
            return AddedMails((), None, more=True)
        mails = [
            (one["id"], _moment(one.get("receivedDateTime")))
            for one in found.get("value", ())
            if isinstance(one, dict) and isinstance(one.get("id"), str) and "@removed" not in one
        ]
        following, last = found.get("@odata.nextLink"), found.get("@odata.deltaLink")
        if not isinstance(following or last, str):
            raise SourceUnavailable(f"Microsoft Graph sent no next link and no delta link for {self._name}")
        return AddedMails(sorted(mails, key=lambda one: one[1]), following or last, more=following is not None)

    async def fetch(self, identifier: str, *, max_bytes: int) -> RemoteMail | None:
        """Return a mail as MIME; None if it no longer exists."""
        place = f"{self._user}/messages/{quote(identifier, safe='')}/$value"
        try:
            answer = await self._api.get(place, headers=PREFER, most=max_bytes + 1)
        except MailboxUnavailable as error:
            raise SourceUnavailable(str(error)) from error
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise SourceUnavailable(f"Microsoft Graph answers {answer.status} for a mail of {self._name}")
        if answer.cut or len(answer.content) > max_bytes:
            refused = f"The mail has more than {max_bytes} bytes, the limit of [mail] max_bytes"
            return RemoteMail(answer.content[:BEGINNING], refused=refused)
        return RemoteMail(answer.content)

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

    async def _json(self, place: str, *, may_be_gone: bool = False) -> Any:
        try:
            answer = await self._api.get(place, headers=PREFER)
            if answer.status == 410 and may_be_gone:
                return None
            if answer.status == 404:
                raise StreamMissing(f"There is no folder {self._name} in this mailbox, or the mailbox does not exist")
            if answer.status != 200:
                raise SourceUnavailable(f"Microsoft Graph answers {answer.status} for {self._name}")
            return answer.json()
        except MailboxUnavailable as error:
            raise SourceUnavailable(str(error)) from error


def _moment(text: object) -> datetime:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)
