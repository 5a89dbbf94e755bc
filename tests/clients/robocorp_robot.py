"""A robot by Robocorp's own library: works on every waiting item; `fail` in the payload names how it fails.

The variables of a run in Control Room stand in the environment. Prints the payloads that it saw as JSON.
"""

import json
import sys

from robocorp import workitems
from robocorp.tasks import task


@task
def work() -> None:
    """Release each item as its payload says."""
    seen = []
    for item in workitems.inputs:
        seen.append(item.payload["card"])
        failure = item.payload.get("fail")
        if failure is None:
            item.done()
        else:
            item.fail(exception_type=failure, code="CARD", message="no such card")
    sys.stderr.write("seen " + json.dumps(seen) + "\n")
