"""The program that tries a model file once: it loads the file, asks it its probes, and ends. A crash harms nobody.

Started as `PYTHON -I attempt.py PARENT MEMORY_BYTES CPU_SECONDS`, with what to load as JSON on its stdin. Its
environment may be without Andon: it needs the standard library, numpy and the folder of runtimes. It writes `ready`, or
what kept the model from answering, to its stdout.
"""

import ctypes
import importlib.util
import json
import os
import resource
import signal
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

_PR_SET_PDEATHSIG = 1
_TEXT_BYTES = 2000

READY, REFUSED, FAILED, MEMORY = "ready", "refused ", "failed ", "memory"


def main(arguments: list[str]) -> int:
    """Try what stdin names; the exit status is 0 if it loaded and answered."""
    parent, memory_bytes, cpu_seconds = map(int, arguments)
    _die_with(parent)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (memory_bytes, memory_bytes))
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a model's output is not an answer
    asked = json.load(sys.stdin)
    said = _outcome(asked)
    answer.write(said)
    answer.flush()
    return 0 if said == READY else 1


def _outcome(asked: dict[str, Any]) -> str:
    import numpy as np

    try:
        runtimes: Any = _runtimes(Path(asked["runtimes"]) / "__init__.py")
        model = runtimes.open_model(
            asked["runtime"], Path(asked["file"]), trusted=asked["trusted"], signature=asked["signature"]
        )
    except MemoryError:
        return MEMORY
    except Exception as error:  # noqa: BLE001 - whatever a library or a model's own code raises is its refusal
        return f"{REFUSED}{str(error)[:_TEXT_BYTES] or type(error).__name__}"
    try:
        texts = any(feature["kind"] == "text" for feature in asked["signature"]["features"])
        rows = np.array(asked["probes"], dtype=object if texts else np.float64)
        model.predict(rows)
        for row in rows:  # one by one, as decisions arrive
            model.predict(row.reshape(1, -1))
    except MemoryError:
        return MEMORY
    except Exception as error:  # noqa: BLE001 - the same; its words may hold values
        return f"{FAILED}{type(error).__name__}"
    return READY


def _runtimes(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("runtimes", file, submodule_search_locations=[str(file.parent)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules["runtimes"] = module
    spec.loader.exec_module(module)
    return module


def _die_with(parent: int) -> None:
    """Have the kernel kill us when our parent dies; it may have died already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the process that requested this try has ended")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
