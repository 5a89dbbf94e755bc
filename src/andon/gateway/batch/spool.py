"""Spool of answers whose caller does not read yet: most HTTP clients send their whole body before they read a byte.

Answers that do not fit into memory wait in a temporary file, so that deciding continues and memory does not grow.
"""

import asyncio
from collections import deque
from tempfile import TemporaryFile
from typing import IO

IN_MEMORY = 1 << 20
ON_DISK = 1 << 30
"""Bytes. With more than this on disk, `write` waits until some are read."""

_PIECE = 1 << 18


class Spool:
    """A queue of bytes for one writer and one reader on one event loop. Call `close` when done."""

    def __init__(self, *, in_memory: int = IN_MEMORY, on_disk: int = ON_DISK) -> None:
        self._in_memory = in_memory
        self._on_disk = on_disk
        self._first: deque[bytes] = deque()
        self._first_bytes = 0
        self._file: IO[bytes] | None = None
        self._read_at = self._written = 0
        self._ended = False
        self._changed = asyncio.Event()
        self._file_lock = asyncio.Lock()

    async def write(self, content: bytes) -> None:
        """Add bytes at the end. Wait while too much is on disk."""
        while self._written - self._read_at > self._on_disk and not self._ended:
            self._changed.clear()
            await self._changed.wait()
        if self._written == self._read_at and self._first_bytes < self._in_memory:
            self._first.append(content)
            self._first_bytes += len(content)
        else:
            async with self._file_lock:
                await asyncio.to_thread(self._append, content)
        self._changed.set()

    def end(self) -> None:
        """Note that nothing more will be written."""
        self._ended = True
        self._changed.set()

    async def read(self) -> bytes:
        """Return the next bytes and wait for them if there are none yet. Return empty bytes at the end."""
        while True:
            if self._first:
                content = b"".join(self._first)
                self._first.clear()
                self._first_bytes = 0
                return content
            if self._written > self._read_at:
                async with self._file_lock:
                    content = await asyncio.to_thread(self._take)
                self._changed.set()
                return content
            if self._ended:
                return b""
            self._changed.clear()
            await self._changed.wait()

    def close(self) -> None:
        """Close the temporary file."""
        if self._file is not None:
            self._file.close()

    def _append(self, content: bytes) -> None:
        if self._file is None:
            self._file = TemporaryFile(prefix="andon-answers-")  # noqa: SIM115 - lives as long as the spool
        self._file.seek(self._written)
        self._file.write(content)
        self._written += len(content)

    def _take(self) -> bytes:
        assert self._file is not None  # noqa: S101 - something was written to it
        self._file.seek(self._read_at)
        content = self._file.read(_PIECE)
        self._read_at += len(content)
        if self._read_at == self._written:
            self._read_at = self._written = 0
            self._file.truncate(0)
        return content
