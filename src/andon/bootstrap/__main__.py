"""`python -m andon.bootstrap gateway | worker | console`: a process as `andon up` starts it.

It does without the imports of the command line.
"""

import importlib
import sys
from typing import Any

from andon.kernel.collector import resting

if __name__ == "__main__":
    with resting():
        # A server prints no tables, and structlog works without rich, which costs 3 MB a process. A project may still
        # load it.
        modules: dict[str, Any] = sys.modules
        modules["rich"] = None
        importlib.import_module("structlog")
        del modules["rich"]
        process = importlib.import_module("andon.bootstrap.process")
        serve = process.part(sys.argv[1])
    process.run(serve)
