"""The scratch folder of one model's process, removed by the next gateway even if its own is killed.

A lock on the folder shows that its gateway lives; the kernel releases it when that process ends, in whatever way.
"""

import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from types import TracebackType

_PREFIX = "andon-model-"


class Scratch:
    """A new folder below TMPDIR, until it is closed. Raises OSError if none can be made."""

    def __init__(self) -> None:
        _sweep()
        while not self._made():
            pass

    def __enter__(self) -> Path:
        return self.folder

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Remove the folder with everything in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)

    def _made(self) -> bool:
        """Make a folder and lock it; return False if another process found it unlocked and swept it meanwhile."""
        self.folder = Path(mkdtemp(prefix=_PREFIX))
        try:
            self._lock = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            return False
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        if self.folder.is_dir():
            return True
        os.close(self._lock)
        return False


def _sweep() -> None:
    """Remove remains of killed gateways, except those of other users."""
    for folder in Path(gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
