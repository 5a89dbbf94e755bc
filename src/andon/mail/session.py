"""A blocking connection to an IMAP server: use it from one thread at a time. Reading marks no mail.

Raises MailboxUnavailable if the server does not answer, FolderMissing if there is no such folder.
"""

import ipaddress
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal, NamedTuple

from pydantic import SecretStr

from andon.mail.errors import FolderMissing, MailboxUnavailable

Encryption = Literal["tls", "starttls", "none"]

PORTS: Mapping[Encryption, int] = {"tls": 993, "starttls": 143, "none": 143}

CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 60.0

_ANDON = {"name": "andon"}


@dataclass(frozen=True, slots=True)
class ImapServer:
    """The address and login of a server. Connections to other machines use TLS, unless `plain` is set."""

    host: str
    port: int
    user: str
    password: SecretStr
    encryption: Encryption = "tls"
    trust: ssl.SSLContext | None = field(default=None, repr=False)
    plain: bool = False
    timeout: float = ANSWER_SECONDS


class FolderStatus(NamedTuple):
    """A folder's state, reported without opening it. `validity` changes when the server renumbers its mails."""

    validity: int
    next_uid: int


class MailHead(NamedTuple):
    """The facts known of a mail before it is read."""

    size: int
    at: datetime | None


class MailSession:
    """An open connection; `close` it. It stays usable after FolderMissing, not after MailboxUnavailable."""

    def __init__(self, server: ImapServer) -> None:
        self._server = server
        self._selected: tuple[str, bool] | None = None
        self._validity = 0
        self._idling = False
        self._client: Any = None
        with self._asking():
            self._client = _connect(server)
            self._login()

    def folders(self) -> list[str]:
        """Return the names of all folders that can be opened."""
        with self._asking():
            listed = self._client.list_folders()
        return [str(name) for flags, _, name in listed if b"\\noselect" not in {flag.lower() for flag in flags}]

    def status(self, folder: str) -> FolderStatus:
        """Return a folder's state. Raises FolderMissing."""
        with self._asking(folder):
            found = self._client.folder_status(folder, ["UIDVALIDITY", "UIDNEXT"])
        return FolderStatus(int(found[b"UIDVALIDITY"]), int(found[b"UIDNEXT"]))

    def open(self, folder: str, *, write: bool = False) -> int:
        """Select a folder, read-only unless `write` is set. Return its validity. Raises FolderMissing."""
        if self._selected != (folder, write):
            self._selected = None
            with self._asking(folder):
                found = self._client.select_folder(folder, readonly=not write)
            self._selected, self._validity = (folder, write), int(found[b"UIDVALIDITY"])
        return self._validity

    def reopen(self, folder: str) -> int:
        """Select a folder again. Return its present validity. Raises FolderMissing."""
        self._selected = None
        return self.open(folder)

    def uids_from(self, uid: int) -> list[int]:
        """Return the numbers of the mails in the open folder, from one number on, in order."""
        with self._asking():
            self._client.noop()
            return sorted(one for one in self._client.search(["UID", f"{uid}:*"]) if one >= uid)

    def present(self, uids: Sequence[int]) -> set[int]:
        """Return those of these numbers that the open folder has."""
        with self._asking():
            self._client.noop()
            return set(self._client.search(["UID", ",".join(map(str, uids))])) & set(uids)

    def first_uid(self) -> int | None:
        """Return the smallest number in the open folder; None if it is empty."""
        with self._asking():
            return next(iter(sorted(self._client.search(["ALL"]))), None)

    def uids_since(self, day: date) -> list[int]:
        """Return the numbers of the mails in the open folder that arrived on a day or later."""
        with self._asking():
            return sorted(self._client.search(["SINCE", day]))

    def heads(self, uids: Sequence[int]) -> dict[int, MailHead]:
        """Return the size and arrival of these mails; those that are gone are omitted."""
        if not uids:
            return {}
        with self._asking():
            found = self._client.fetch(uids, ["RFC822.SIZE", "INTERNALDATE"])
        return {uid: MailHead(int(one[b"RFC822.SIZE"]), _utc(one.get(b"INTERNALDATE"))) for uid, one in found.items()}

    def fetch(self, uids: Sequence[int], section: str = "") -> dict[int, bytes]:
        """Return these mails, or one section of each, as they are, without marking them as read."""
        if not uids:
            return {}
        with self._asking():
            found = self._client.fetch(uids, [f"BODY.PEEK[{section}]"])
        name = f"BODY[{section}]".encode()
        return {uid: one[name] for uid, one in found.items() if isinstance(one.get(name), bytes)}

    def beginning(self, uid: int, most: int) -> bytes:
        """Return the first bytes of a mail."""
        with self._asking():
            found = self._client.fetch([uid], [f"BODY.PEEK[]<0.{most}>"])
        values = found.get(uid, {}).values()
        return next((value for value in values if isinstance(value, bytes)), b"")

    def find(self, message_id: str) -> list[int]:
        """Return the numbers of the mails in the open folder with this message id, oldest first."""
        with self._asking():
            self._client.noop()
            found = self._client.search(["HEADER", "Message-ID", message_id])
        # A search also finds parts of an id.
        headers = self.fetch(sorted(found), "HEADER.FIELDS (MESSAGE-ID)")
        return [uid for uid, header in sorted(headers.items()) if f"<{message_id}>".encode() in header]

    def flag(self, uids: Sequence[int], flags: Sequence[str], *, remove: bool = False) -> None:
        """Add or remove flags of mails in the folder that is open to write."""
        with self._asking():
            (self._client.remove_flags if remove else self._client.add_flags)(uids, flags, silent=True)

    def flags(self, uids: Sequence[int]) -> dict[int, frozenset[str]]:
        """Return the flags of mails in the open folder, in lower case."""
        with self._asking():
            found = self._client.get_flags(uids)
        return {uid: frozenset(flag.decode("ascii", "replace").lower() for flag in one) for uid, one in found.items()}

    def move(self, uids: Sequence[int], folder: str) -> None:
        """Move mails from the folder that is open to write. Raises FolderMissing if there is no such target."""
        with self._asking(folder):
            if self._client.has_capability("MOVE"):
                self._client.move(uids, folder)
                return
            self._client.copy(uids, folder)
            self._client.add_flags(uids, [rb"\Deleted"], silent=True)
            if self._client.has_capability("UIDPLUS"):
                self._client.uid_expunge(uids)

    def remove(self, uids: Sequence[int]) -> None:
        """Delete mails from the folder that is open to write."""
        if not uids:
            return
        with self._asking():
            self._client.add_flags(uids, [rb"\Deleted"], silent=True)
            if self._client.has_capability("UIDPLUS"):
                self._client.uid_expunge(uids)

    def sent_to(self, address: str, day: date) -> list[int]:
        """Return the numbers of the mails to an address in the open folder that arrived on a day or later."""
        with self._asking():
            return sorted(self._client.search(["TO", address, "SINCE", day, "UNDELETED"]))

    def append(self, folder: str, message: bytes, flags: Sequence[str]) -> None:
        """Put a mail into a folder. Raises FolderMissing."""
        with self._asking(folder):
            self._client.append(folder, message, flags)

    def make(self, folder: str) -> None:
        """Make a folder if it does not exist. Several sessions may do so concurrently."""
        from imapclient.exceptions import IMAPClientError  # the extra mail

        with self._asking():
            if self._client.folder_exists(folder):
                return
            try:
                self._client.create_folder(folder)
            except IMAPClientError:
                if not self._client.folder_exists(folder):
                    raise

    @property
    def can_wait(self) -> bool:
        """Whether the server announces new mails (IDLE)."""
        return bool(self._client.has_capability("IDLE"))

    def wait(self, seconds: float) -> bool:
        """Wait for a change in the open folder, at most this long. Return whether there was one."""
        if not self._idling:
            with self._asking():
                self._client.idle()
            self._idling = True
        with self._asking(idle=True):
            return bool(self._client.idle_check(timeout=max(0.001, seconds)))

    def close(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(Exception):
                client.shutdown()

    def _login(self) -> None:
        self._client.normalise_times = False
        self._client.login(self._server.user, self._server.password.get_secret_value())
        if self._client.has_capability("ID"):
            with suppress(Exception):
                self._client.id_(_ANDON)

    @contextmanager
    def _asking(self, folder: str | None = None, *, idle: bool = False) -> Iterator[None]:
        """Translate the library's errors. After a refusal, check whether the folder exists."""
        from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError  # the extra mail

        try:
            if self._idling and not idle:
                self._idling = False
                self._client.idle_done()
            yield
        except LoginError as error:
            self.close()
            raise MailboxUnavailable(f"{self._server.host} refused the login of {self._server.user}") from error
        except (IMAPClientAbortError, OSError, ssl.SSLError, EOFError, AttributeError) as error:
            self.close()
            raise MailboxUnavailable(f"{self._server.host} does not answer: {_words(error)}") from error
        except IMAPClientError as error:
            if folder is not None and not self._is_there(folder):
                raise FolderMissing(f"There is no folder {folder} on {self._server.host}") from error
            self.close()
            raise MailboxUnavailable(f"{self._server.host} refused: {_words(error)}") from error

    def _is_there(self, folder: str) -> bool:
        try:
            return bool(self._client.folder_exists(folder))
        except Exception:  # noqa: BLE001 - the connection is unusable: what it said before is reported
            return True


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, judged by its name alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _connect(server: ImapServer) -> Any:
    from imapclient import IMAPClient, SocketTimeout  # the extra mail

    if server.encryption == "none" and not (server.plain or is_loopback(server.host)):
        raise MailboxUnavailable(
            f"{server.host} is not contacted without TLS: set tls, or plain = true if that is intended"
        )
    trust = server.trust or ssl.create_default_context()
    client = IMAPClient(
        server.host,
        server.port,
        use_uid=True,
        ssl=server.encryption == "tls",
        ssl_context=trust,
        timeout=SocketTimeout(connect=min(CONNECT_SECONDS, server.timeout), read=server.timeout),
    )
    if server.encryption == "starttls":
        try:
            client.starttls(trust)
        except BaseException:
            with suppress(Exception):
                client.shutdown()
            raise
    return client


def _utc(at: datetime | None) -> datetime | None:
    if at is None:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _words(error: BaseException) -> str:
    """Describe an error; a server's text is cut, and never contains what was sent to it."""
    text = str(error) if isinstance(error, OSError) else str(error)[:200]
    return " ".join(text.split()) or type(error).__name__
