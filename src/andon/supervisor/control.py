"""The door of a running `andon up` for commands: a socket in `.andon` that only its owner can open.

One line of JSON comes in, `{"restart": ["gateway"]}`; lines go back as things happen, `{"said": "..."}` and at the end
`{"failed": null}` or `{"failed": "why"}`.
"""

import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager, suppress
from pathlib import Path

from andon.supervisor.errors import RestartFailed, UpNotRunning

_NAME = "up.socket"
_LINE_BYTES = 4096
_LINE_SECONDS = 1.0


class RestartRequest:
    """A command that waits for the parts it named to be restarted."""

    def __init__(self, connection: socket.socket, parts: Sequence[str]) -> None:
        self.parts = list(parts)
        self._connection = connection

    def say(self, words: str) -> None:
        """Tell it something."""
        self._send({"said": words})

    def end(self, failed: str | None = None) -> None:
        """Report the end, and the failure if there was one."""
        self._send({"failed": failed})
        self._connection.close()

    def _send(self, line: dict[str, str | None]) -> None:
        with suppress(OSError):  # it has gone, but its request is still carried out
            self._connection.sendall(json.dumps(line).encode() + b"\n")


class Door:
    """The entry point for commands."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening

    def next_request(self) -> RestartRequest | None:
        """Return the request of a command, or None; never waits for one, and only briefly for its text."""
        try:
            connection, _ = self._listening.accept()
        except BlockingIOError:
            return None
        connection.settimeout(_LINE_SECONDS)
        try:
            with connection.makefile("rb") as lines:
                parts = json.loads(lines.readline(_LINE_BYTES))["restart"]
            return RestartRequest(connection, parts)
        except (OSError, ValueError, KeyError, TypeError):
            connection.close()
            return None


@contextmanager
def opened(data: Path) -> Iterator[Door]:
    """Open the door of the only `up` in `data`. Its path is relative, because its length is limited."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with chdir(data):
        Path(_NAME).unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            listening.bind(_NAME)
        finally:
            os.umask(before)
    listening.listen()
    listening.setblocking(False)
    try:
        yield Door(listening)
    finally:
        listening.close()
        (data / _NAME).unlink(missing_ok=True)


def restart(data: Path, parts: Sequence[str], *, within: float) -> Iterator[str]:
    """Restart parts of the `up` of `data` in order; yield its messages. Raises UpNotRunning, RestartFailed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(within)
        try:
            with chdir(data):
                connection.connect(_NAME)
        except OSError as error:
            raise UpNotRunning(f"`andon up` is not running in {data.parent}") from error
        try:
            connection.sendall(json.dumps({"restart": list(parts)}).encode() + b"\n")
            with connection.makefile("rb") as lines:
                for line in lines:
                    answer = json.loads(line)
                    if "said" in answer:
                        yield answer["said"]
                    elif answer["failed"] is None:
                        return
                    else:
                        raise RestartFailed(answer["failed"])
        except TimeoutError as error:
            raise RestartFailed(f"`andon up` has not answered for {within:.0f} s") from error
        except ConnectionError as error:
            raise RestartFailed("`andon up` ended before it received the request") from error
    raise RestartFailed("`andon up` ended before the restart was complete")
