"""An SMTP server that keeps every mail and forwards none: a mail that leaves the bank ends here."""

import asyncio
import email.policy
import threading
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from types import TracebackType

from andon_demo.line import LineFailed, free_ports

LONGEST = 1_000_000
"""The longest line in bytes; mails of the demo are far smaller."""


@dataclass(frozen=True, slots=True)
class CaughtMail:
    """One mail as received, with the recipients of its envelope."""

    recipients: tuple[str, ...]
    message: EmailMessage


class MailCatcher:
    """The server, on a free port of this machine, for the length of the context. `caught` are the mails so far."""

    def __init__(self) -> None:
        (self.port,) = free_ports(1)
        self.caught: list[CaughtMail] = []
        self._ready, self._ended = threading.Event(), asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> "MailCatcher":
        self._thread.start()
        if not self._ready.wait(10):
            raise LineFailed("The server that catches mails did not start within 10 s")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=LONGEST)
        self._ready.set()
        await self._ended.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipients: list[str] = []
        writer.write(b"220 harbour.example ESMTP\r\n")
        while line := await reader.readline():
            verb, _, rest = line.strip().decode("ascii", "replace").partition(" ")
            answer = "250 OK"
            match verb.upper():
                case "EHLO":
                    answer = "250-harbour.example\r\n250 8BITMIME"
                case "MAIL" | "RSET":
                    recipients = []
                case "RCPT":
                    recipients.append(rest.partition("<")[2].partition(">")[0])
                case "DATA":
                    writer.write(b"354 Go ahead\r\n")
                    self._catch(recipients, await _content(reader))
                case "QUIT":
                    writer.write(b"221 Bye\r\n")
                    break
                case "HELO" | "NOOP":
                    pass
                case _:
                    answer = "502 Not known here"
            writer.write(f"{answer}\r\n".encode())
            await writer.drain()
        writer.close()

    def _catch(self, recipients: list[str], content: bytes) -> None:
        message = message_from_bytes(content, policy=email.policy.default)
        self.caught.append(CaughtMail(tuple(recipients), message))


async def _content(reader: asyncio.StreamReader) -> bytes:
    lines = []
    while (line := await reader.readline()) not in (b".\r\n", b""):
        lines.append(line[1:] if line.startswith(b"..") else line)
    return b"".join(lines)
