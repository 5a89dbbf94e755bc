"""Folders of Microsoft 365 and Gmail keep what every source keeps, against services that answer as documented."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from pydantic import SecretStr
from pydantic_core import from_json
from tests.contract.sources.contract import SourceContract, read, read_all

from andon.adapters.gmail import GmailLabel
from andon.adapters.graph import GraphFolder
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database
from andon.mail import MailApi, MailLimits, OAuth
from andon.streams import Arrival, MailReader, SourceUnavailable
from andon.streams.sources import MailLogSource, MailService
from dovecots import a_mail
from mail_services import SECRET, MailServiceFake, a_mail_service


def graph(url: str, folder: str, secret: str) -> MailService:
    oauth = OAuth(
        token_url=f"{url}/token",
        client_id="andon",
        client_secret=SecretStr(secret),
        scope="https://graph.microsoft.com/.default",
    )
    return GraphFolder(MailApi(f"{url}/v1.0", oauth), "support@bank.test", folder)


def gmail(url: str, folder: str, secret: str) -> MailService:
    oauth = OAuth(
        token_url=f"{url}/token",
        client_id="andon",
        client_secret=SecretStr(secret),
        refresh_token=SecretStr("refresh"),
    )
    return GmailLabel(MailApi(f"{url}/gmail/v1", oauth), "me", folder, SystemClock())


class ServiceStage:
    def __init__(
        self, fake: MailServiceFake, database: Database, kind: Callable[..., MailService], folder: str
    ) -> None:
        self.fake, self._database, self._kind, self._folder = fake, database, kind, folder
        self.mailbox = f"support-{uuid4().hex}"
        self.source = self.opened()

    async def send(self, data: bytes, *, key: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        self.fake.add(a_mail(data.decode()))

    async def again(self) -> MailLogSource:
        return self.opened()

    async def elsewhere(self) -> MailLogSource:
        return self.opened(folder="no-such-folder")

    async def unreachable(self) -> MailLogSource:
        return self.opened(url="http://127.0.0.1:1")

    def opened(
        self, *, url: str = "", folder: str = "", secret: str = SECRET, limits: MailLimits | None = None
    ) -> MailLogSource:
        folder = folder or self._folder
        reader = MailReader(self._database, "triage", "support", clock=SystemClock(), limits=limits)
        service = self._kind(url or self.fake.url, folder, secret)
        place = {"mailbox": self.mailbox, "folder": folder}
        return MailLogSource(service, reader, self._database, poll_seconds=0.05, **place)


class TestGraph(SourceContract):
    keyed = False
    headed = False
    kind = staticmethod(graph)
    folder = "inbox"
    fake: MailServiceFake
    database: Database

    @pytest.fixture(autouse=True)
    def _served(self, database: Database) -> Iterator[None]:
        with a_mail_service() as fake:
            type(self).fake, type(self).database = fake, database
            yield

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[ServiceStage]:
        stage = ServiceStage(self.fake, self.database, self.kind, self.folder)
        try:
            yield stage
        finally:
            await stage.source.close()

    def content(self, data: bytes) -> bytes:
        return str(from_json(data)["text"]).encode()

    def staged(self, test: Callable[[ServiceStage], Awaitable[None]]) -> None:
        async def run() -> None:
            async with self.stage() as stage:
                await test(stage)

        asyncio.run(run())

    def test_the_own_numbers_stay_when_the_service_forgets_where_we_were(self) -> None:
        async def test(stage: ServiceStage) -> None:
            for number in range(10):
                self.fake.add(a_mail(str(number)))
            before = await read_all(stage.source, 10)
            self.fake.forget()
            self.fake.add(a_mail("after"))
            (new,) = await read(stage.source, self.folder, 10, 1)
            assert self.content(new.data) == b"after"
            again = await read(stage.source, self.folder, 0, 11)
            assert [one.data for one in again[:10]] == [one.data for one in before[self.folder]]

        self.staged(test)

    def test_what_was_deleted_is_passed_over(self) -> None:
        async def test(stage: ServiceStage) -> None:
            ids = [self.fake.add(a_mail(str(number))) for number in range(3)]
            await stage.source.partitions()
            await read(stage.source, self.folder, 0, 3)
            self.fake.gone |= {ids[0], ids[1]}
            (left,) = await read(stage.source, self.folder, 0, 1)
            assert (left.position, self.content(left.data)) == (2, b"2")

        self.staged(test)

    def test_a_withdrawn_token_is_renewed_and_a_busy_service_asked_again(self) -> None:
        async def test(stage: ServiceStage) -> None:
            self.fake.add(a_mail("one"))
            await stage.source.partitions()
            self.fake.tokens += 1
            await read(stage.source, self.folder, 0, 1)
            self.fake.busy = 1
            with pytest.raises(SourceUnavailable, match="429"):
                await stage.source.partitions()
            await stage.source.partitions()

        self.staged(test)

    def test_a_wrong_secret_is_named_without_being_told(self) -> None:
        async def test(stage: ServiceStage) -> None:
            source = stage.opened(secret="wrong-wrong")
            with pytest.raises(SourceUnavailable, match="no token from") as refused:
                await source.partitions()
            assert "wrong-wrong" not in str(refused.value)
            await source.close()

        self.staged(test)

    def test_a_mail_that_is_too_large_says_so(self) -> None:
        async def test(stage: ServiceStage) -> None:
            self.fake.add(a_mail("x" * 5000))
            source = stage.opened(limits=MailLimits(max_bytes=2000))
            await source.partitions()
            found: list[Arrival] = list(await read(source, self.folder, 0, 1))
            assert "at most 2000" in (found[0].unreadable or "") or "more than 2000" in (found[0].unreadable or "")
            await source.close()

        self.staged(test)


class TestGmail(TestGraph):
    kind = staticmethod(gmail)
    folder = "INBOX"

    def test_a_refresh_token_that_is_used_up_is_followed_by_the_new_one(self) -> None:
        async def test(stage: ServiceStage) -> None:
            self.fake.refresh = "refresh"
            await stage.source.partitions()
            self.fake.tokens += 1  # the access token is withdrawn
            await stage.source.partitions()

        self.staged(test)


def test_an_address_elsewhere_does_not_get_the_token() -> None:
    async def test() -> None:
        with a_mail_service() as fake:
            api = MailApi(fake.url, OAuth(token=SecretStr("secret")))
            with pytest.raises(Exception, match="names an address elsewhere"):
                await api.get("https://evil.test/delta")
            await api.close()
            assert fake.asked == []

    asyncio.run(test())
