"""`python -m andon.bootstrap gateway | worker | console`: a process as `andon up` starts it, without the command line's weight."""

import importlib
import sys

from andon.bootstrap import inheritance
from andon.bootstrap.installation import process_parts
from andon.bootstrap.telling import exit_code, tell
from andon.kernel.errors import AndonError

if __name__ == "__main__":
    part, place = sys.argv[1], inheritance.take()
    try:
        getattr(importlib.import_module(f"andon.bootstrap.{part}"), f"serve_{part}")(*process_parts(), place)
    except AndonError as error:
        tell(error)
        place.tell_failure(error)
        sys.exit(exit_code(error))
