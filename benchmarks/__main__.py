"""`python -m benchmarks NAME ...` runs one of them.

Ended by SIGTERM it ends every process that it started, as after Ctrl-C.
"""

import runpy
import signal
import sys


def main() -> None:
    """Hand the rest of the command line on to `benchmarks/NAME.py`."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    name = sys.argv.pop(1)
    runpy.run_module(f"benchmarks.{name}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
