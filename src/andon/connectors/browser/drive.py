"""One drive: a child process with a browser of its own, the events it sends, and its time limit."""

import asyncio
import base64
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_CHILD = Path(__file__).with_name("child.py")
_LINE_LIMIT = 8 * 1024 * 1024
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE")
_PREFIX = "andon-browser-"


@dataclass(frozen=True, slots=True)
class StepSeen:
    """A finished step, with what the page showed then."""

    number: int
    what: str
    outcome: str
    detail: str
    digest: str | None = None
    picture: bytes | None = None


@dataclass(frozen=True, slots=True)
class DriveEnd:
    """How a drive ended: `done`, `refused`, `failed`, `found`, `missing` or `unclear`.

    `committed`: the commit may have happened.
    """

    kind: str
    detail: str
    committed: bool = False
    result: Mapping[str, str] = field(default_factory=dict)


async def drive(
    call: Mapping[str, Any],
    *,
    seconds: float,
    on_commit: Callable[[int, str], Awaitable[bool]],
    on_step: Callable[[StepSeen], Awaitable[None]],
) -> DriveEnd:
    """Run a script in a browser. When the time is up, end the browser and its process.

    If `on_commit` returns False, the drive ends before the commit.
    """
    committed = False

    async def mark(number: int, what: str) -> bool:
        nonlocal committed
        committed = await on_commit(number, what)
        return committed

    try:
        async with asyncio.timeout(seconds), _child() as (child, answers):
            kind, detail, result = await _follow(child, answers, call, mark, on_step)
    except TimeoutError:
        return DriveEnd("unclear", f"the browser was ended after {seconds:g} s", committed)
    except OSError as error:
        return DriveEnd("unclear", f"the browser's process ended ({type(error).__name__})", committed)
    return DriveEnd(kind, detail, committed, result)


async def _follow(
    child: asyncio.subprocess.Process,
    answers: asyncio.StreamReader,
    call: Mapping[str, Any],
    on_commit: Callable[[int, str], Awaitable[bool]],
    on_step: Callable[[StepSeen], Awaitable[None]],
) -> tuple[str, str, Mapping[str, str]]:
    if child.stdin is None:
        raise ConnectionResetError
    child.stdin.write(json.dumps(call).encode() + b"\n")
    await child.stdin.drain()
    while True:
        line = await answers.readline()
        if not line:
            raise ConnectionResetError
        event = json.loads(line)
        if "commit" in event:
            if not await on_commit(event["commit"], event["what"]):
                return "unclear", "another worker has taken this over", {}
            child.stdin.write(b"go\n")
            await child.stdin.drain()
        elif "step" in event:
            picture = event.get("picture")
            await on_step(
                StepSeen(
                    event["step"],
                    event["what"],
                    event["outcome"],
                    event["detail"],
                    event.get("digest"),
                    None if picture is None else base64.b64decode(picture),
                )
            )
        elif "end" in event:
            return event["end"], event["detail"], event.get("result") or {}


@asynccontextmanager
async def _child() -> AsyncIterator[tuple[asyncio.subprocess.Process, asyncio.StreamReader]]:
    """Run a child process in a folder of its own; afterwards end the process and remove the folder."""
    folder = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")
    ours, theirs = os.pipe()
    try:
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        try:
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, str(_CHILD), str(os.getpid()), str(theirs)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs,),
                env=environment | {"HOME": folder, "TMPDIR": folder},
                start_new_session=True,
            )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        answers = asyncio.StreamReader(limit=_LINE_LIMIT)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(answers), os.fdopen(ours, "rb", buffering=0)
        )
        try:
            yield child, answers
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            transport.close()
            if child.stdin is not None:
                child.stdin.close()
            await child.wait()
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def sweep() -> None:
    """Remove the folders of processes that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(folder, ignore_errors=True)
