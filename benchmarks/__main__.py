"""`python -m benchmarks NAME ...` runs a benchmark.

SIGTERM ends every process that it started, like Ctrl-C.
"""

import runpy
import signal
import sys


def main() -> None:
    """Pass the rest of the command line to `benchmarks/NAME.py`."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    name = sys.argv.pop(1)
    runpy.run_module(f"benchmarks.{name}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
