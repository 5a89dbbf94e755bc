"""`python -m andon.bootstrap gateway | worker | console`: a process as `andon up` starts it, without the command line's weight."""

import importlib
import sys
from typing import Any

modules: dict[str, Any] = sys.modules
if __name__ == "__main__":
    # A server prints no tables: structlog, which would load it, allows for that; 3 MB less a process. A project may load it still.
    modules["rich"] = None
    importlib.import_module("structlog")
    del modules["rich"]

from andon.bootstrap import inheritance  # noqa: E402
from andon.bootstrap.installation import process_parts  # noqa: E402
from andon.bootstrap.telling import exit_code, tell  # noqa: E402
from andon.kernel.errors import AndonError  # noqa: E402

if __name__ == "__main__":
    part, place = sys.argv[1], inheritance.take()
    try:
        getattr(importlib.import_module(f"andon.bootstrap.{part}"), f"serve_{part}")(*process_parts(), place)
    except AndonError as error:
        tell(error)
        place.tell_failure(error)
        sys.exit(exit_code(error))
