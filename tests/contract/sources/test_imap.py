"""A folder of a mailbox keeps what every source keeps, against Dovecot: with IDLE, by looking again, and with TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import SecretStr
from pydantic_core import from_json
from tests.contract.sources.contract import SourceContract

from andon.adapters.imap import ImapSource
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database
from andon.mail import ImapServer
from andon.streams import MailReader, SourceUnavailable
from certificates import a_certificate
from dovecots import PASSWORD, Dovecot, a_dovecot, a_mail, a_user


class ImapStage:
    def __init__(self, server: Dovecot, reader: MailReader, *, tells: bool, **how: object) -> None:
        self.dovecot, self.user = server, a_user()
        self._reader, self._tells, self._how = reader, tells, how
        self.source = self._source()

    async def send(self, data: bytes, *, key: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        self.dovecot.put(self.user, a_mail(data.decode()))

    async def again(self) -> ImapSource:
        return self._source()

    async def elsewhere(self) -> ImapSource:
        return self._source(folder="no-such-folder")

    async def unreachable(self) -> ImapSource:
        return self._source(port=1)

    def _source(self, *, folder: str = "INBOX", **changes: object) -> ImapSource:
        server = self.dovecot.server(self.user, **(self._how | changes))
        return ImapSource(server, [folder], self._reader, poll_seconds=0.1, idle=self._tells)


class TestImapSource(SourceContract):
    keyed = False
    headed = False
    tells: ClassVar[bool] = True
    dovecot: Dovecot
    database: Database

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def server(cls) -> Iterator[None]:
        with a_dovecot() as server:
            cls.dovecot = server
            yield

    @pytest.fixture(autouse=True)
    def _with_database(self, database: Database) -> None:
        type(self).database = database

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[ImapStage]:
        reader = MailReader(self.database, "triage", "support", clock=SystemClock())
        stage = ImapStage(self.dovecot, reader, tells=self.tells, **self.how())
        try:
            yield stage
        finally:
            await stage.source.close()

    def how(self) -> Mapping[str, object]:
        return {}

    def content(self, data: bytes) -> bytes:
        return str(from_json(data)["text"]).encode()


def test_a_server_that_does_not_tell_is_asked_again(database: Database) -> None:
    async def test() -> None:
        with a_dovecot() as dovecot:
            stage = ImapStage(dovecot, MailReader(database, "triage", "support", clock=SystemClock()), tells=False)
            (partition,) = await stage.source.partitions()
            reading = asyncio.ensure_future(stage.source.read(partition, 1, most=10, wait=10))
            await stage.send(b"Hello")
            (found,) = await reading
            assert from_json(found.data)["text"] == "Hello"
            await stage.source.close()

    asyncio.run(test())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return a_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.mark.parametrize("encryption", ["tls", "starttls"])
def test_mails_are_read_over_tls(encryption: str, certificate: tuple[Path, Path], database: Database) -> None:
    trust = ssl.create_default_context(cafile=str(certificate[0]))
    with a_dovecot(certificate=certificate) as dovecot:
        user = a_user()
        dovecot.put(user, a_mail("Hello"))
        port = dovecot.tls_port if encryption == "tls" else dovecot.port
        server = dovecot.server(user, host="localhost", port=port, encryption=encryption, trust=trust)
        assert texts(server, database) == ["Hello"]
        with pytest.raises(SourceUnavailable, match="certificate verify failed"):
            texts(replace(server, trust=None), database)


def test_a_wrong_password_is_named_without_being_told(database: Database) -> None:
    with a_dovecot() as dovecot:
        server = dovecot.server("zoe", password=SecretStr("wrong-wrong"))
        with pytest.raises(SourceUnavailable, match="refused the login of zoe") as refused:
            texts(server, database)
    assert "wrong-wrong" not in str(refused.value)


def test_a_server_elsewhere_is_not_spoken_to_in_the_clear(database: Database) -> None:
    server = ImapServer("mail.bank.test", 143, "zoe", SecretStr(PASSWORD), "none")
    with pytest.raises(SourceUnavailable, match="without TLS"):
        texts(server, database)


def texts(server: ImapServer, database: Database) -> list[str]:
    """Return the texts of all mails in a mailbox."""
    source = ImapSource(server, ["INBOX"], MailReader(database, "triage", "support", clock=SystemClock()))

    async def read() -> list[str]:
        try:
            (partition,) = await source.partitions()
            found = await source.read(partition, 1, most=10, wait=5)
            return [str(from_json(arrival.data)["text"]) for arrival in found]
        finally:
            await source.close()

    return asyncio.run(read())
