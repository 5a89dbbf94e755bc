"""Functions of the project as actions: called in warm processes, killed on timeout, unable to harm the worker.

The outcome of a function that failed or was killed is unknown, unless it reports it (`Refused`, `NotTaken`).
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from andon.actions.ports import Answer, AnswerKind, Delivery, Destination, Repeat
from andon.connectors.python.settings import PythonOptions, PythonSettings

_CHILD = Path(__file__).with_name("child.py")
_LINE_LIMIT = 16 * 1024 * 1024
_DETAIL_LIMIT = 500


class PythonConnector:
    """Calls functions of the project in `root`, in processes of each destination."""

    repeat = Repeat.NEVER

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._pools: dict[Destination, _Pool] = {}

    async def deliver(self, delivery: Delivery) -> Answer:
        """Call the function once. Waiting for a process is not part of its time."""
        pool = self._pools.setdefault(delivery.destination, _Pool(delivery.destination))
        options = PythonOptions.model_validate(dict(delivery.options))
        call = {"function": str(self._root / options.function), "action": _told(delivery)}
        async with pool.places:
            answer = await pool.call(json.dumps(call).encode() + b"\n")
        return Answer(answer.kind, pool.without_secrets(answer.detail)[:_DETAIL_LIMIT])

    async def close(self) -> None:
        """End all processes."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            await pool.close()


@dataclass(slots=True)
class _Pool:
    """The processes of one destination's functions."""

    destination: Destination
    places: asyncio.Semaphore = field(init=False)
    _settings: PythonSettings = field(init=False)
    _idle: list["_Process"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._settings = self.destination.settings_of("python", PythonSettings)
        self.places = asyncio.Semaphore(self._settings.processes)

    async def call(self, line: bytes) -> Answer:
        """Make one call in an exclusive process, which is kept afterwards if it still works."""
        seconds = self.destination.timeout.total_seconds()
        sent = False
        process: _Process | None = None
        try:
            async with asyncio.timeout(seconds):
                process = self._idle.pop() if self._idle else await _Process.start(self._settings)
                sent = True
                answer = await process.call(line)
        except TimeoutError:
            if not sent:
                return Answer(AnswerKind.FAILED, f"its process did not start within {seconds:g} s")
            return Answer(AnswerKind.UNKNOWN, f"the function was ended after {seconds:g} s")
        except OSError as error:
            if not sent:
                return Answer(AnswerKind.FAILED, f"its process could not be started ({type(error).__name__})")
            return Answer(AnswerKind.UNKNOWN, "its process ended during the call")
        else:
            self._idle.append(process)
            process = None
            return answer
        finally:
            if process is not None:
                await process.end()

    def without_secrets(self, text: str) -> str:
        """Return the function's text with all of its secret values masked."""
        for secret in self._settings.environment.values():
            if secret.get_secret_value():
                text = text.replace(secret.get_secret_value(), "***")
        return text

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().end()


@dataclass(slots=True)
class _Process:
    """One child, with calls on its standard input and answers on a pipe of its own."""

    child: asyncio.subprocess.Process
    answers: asyncio.StreamReader
    _transport: asyncio.BaseTransport

    @classmethod
    async def start(cls, settings: PythonSettings) -> "_Process":
        """Start a child with only the configured environment."""
        loop = asyncio.get_running_loop()
        ours, theirs = os.pipe()
        try:
            command = [sys.executable, str(_CHILD), str(os.getpid()), str(settings.memory_mb), str(theirs)]
            child = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs,),
                env=_environment(settings),
                start_new_session=True,
            )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        answers = asyncio.StreamReader(limit=_LINE_LIMIT)
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(answers), os.fdopen(ours, "rb", buffering=0)
        )
        return cls(child, answers, transport)

    async def call(self, line: bytes) -> Answer:
        """Make one call. Raises OSError if the process ended."""
        if self.child.stdin is None:
            raise ConnectionResetError
        self.child.stdin.write(line)
        await self.child.stdin.drain()
        told = await self.answers.readline()
        try:
            said = json.loads(told)
            return Answer(AnswerKind(said["kind"]), str(said["detail"]))
        except (ValueError, KeyError, TypeError):
            raise ConnectionResetError from None

    async def end(self) -> None:
        """End it and every process that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self._transport.close()
        if self.child.stdin is not None:
            self.child.stdin.close()
        await self.child.wait()


def _environment(settings: PythonSettings) -> dict[str, str]:
    kept = {name: os.environ[name] for name in settings.keep if name in os.environ}
    return kept | {name: secret.get_secret_value() for name, secret in settings.environment.items()}


def _told(delivery: Delivery) -> Mapping[str, object]:
    """Return the function's arguments."""
    return {
        "key": str(delivery.key),
        "automation": delivery.automation,
        "action": delivery.action,
        "outcome": delivery.outcome,
        "correlation_id": delivery.correlation_id,
        "decision": delivery.data,
    }
