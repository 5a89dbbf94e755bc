"""`python -m andon.bootstrap gateway | worker | console`: a process as `andon up` starts it, without the command line's weight."""

import importlib
import sys
from typing import Any

from andon.kernel.collector import resting

if __name__ == "__main__":
    with resting():
        # A server prints no tables: structlog, which would load it, allows for that; 3 MB less a process. A project may load it still.
        modules: dict[str, Any] = sys.modules
        modules["rich"] = None
        importlib.import_module("structlog")
        del modules["rich"]
        process = importlib.import_module("andon.bootstrap.process")
        serve = process.part(sys.argv[1])
    process.run(serve)
