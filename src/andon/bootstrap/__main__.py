"""`python -m andon.bootstrap gateway | worker | console`: the process that `andon up` starts.

It avoids the imports of the command line.
"""

import importlib
import sys

from andon.kernel.collector import resting
from andon.kernel.without_rich import import_structlog

if __name__ == "__main__":
    with resting():
        import_structlog()
        process = importlib.import_module("andon.bootstrap.process")
        serve = process.part(sys.argv[1])
    process.run(serve)
