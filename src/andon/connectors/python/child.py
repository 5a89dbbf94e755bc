"""The process in which a function of the project runs: `python child.py PARENT MEMORY_MB DESCRIPTOR`.

It reads one JSON object per line from standard input and answers each with one on the descriptor; the function's own
prints are dropped. It ends when its parent does. It runs as a standalone file and loads nothing of Andon but what the
function imports.
"""

import ctypes
import importlib.util
import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Answer calls until there are no more."""
    _end_with(int(sys.argv[1]))
    limit = int(sys.argv[2]) * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.path.remove(str(Path(__file__).parent))  # the function imports the project's modules, not ours
    with os.fdopen(int(sys.argv[3]), "wb") as answers:
        for line in sys.stdin.buffer:
            answers.write(json.dumps(_answer(json.loads(line))).encode() + b"\n")
            answers.flush()


def _answer(call: dict[str, Any]) -> dict[str, str]:
    """Return the result of a call: `delivered`, `refused`, `failed` (nothing was done), or `unknown`.

    It never contains an error's own text.
    """
    file, _, name = call["function"].rpartition(":")
    try:
        function = _function(Path(file), name)
    except Exception as error:  # noqa: BLE001 - whatever the builder's file raises is told, not logged
        return {"kind": "failed", "detail": f"{Path(file).name} cannot be loaded: {_place(error)}"}
    try:
        function(call["action"])
    except Exception as error:  # noqa: BLE001 - the same of his function
        told = {"Refused": "refused", "NotTaken": "failed"}.get(_said(error) or "")
        if told is not None:
            return {"kind": told, "detail": str(error) or _place(error)}
        return {"kind": "unknown", "detail": f"the function ended with {_place(error)}"}
    return {"kind": "delivered", "detail": f"{name} returned"}


def _said(error: Exception) -> str | None:
    """Return `Refused` or `NotTaken` if it is one of these errors, which state what was done."""
    for one in type(error).__mro__:
        if one.__module__ == "andon.authoring.actions":
            return one.__name__
    return None


_loaded: dict[tuple[Path, str], Callable[[dict[str, Any]], object]] = {}


def _function(file: Path, name: str) -> Callable[[dict[str, Any]], object]:
    if (file, name) not in _loaded:
        sys.path[:0] = [str(file.parent)] if str(file.parent) not in sys.path else []
        spec = importlib.util.spec_from_file_location(f"andon_action_{file.stem}", file)
        if spec is None or spec.loader is None:
            raise ImportError(str(file))
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        _loaded[file, name] = getattr(module, name)
    return _loaded[file, name]


def _place(error: Exception) -> str:
    """Return the class of an error and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"


def _end_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent is gone")
    signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    main()
