"""A robot by UiPath's own client: works on one waiting item of a queue, and adds one item under a given reference.

Called with the queue and the reference; address, token and folder stand in the environment. Prints what it saw as JSON.
"""

import json
import sys

from uipath.platform import UiPath
from uipath.platform.errors import EnrichedException

QUEUE, REFERENCE = sys.argv[1:3]


def main() -> None:
    """Add, work and finish."""
    queues = UiPath().queues
    seen = {}
    try:
        queues.create_item({"Name": QUEUE, "Reference": REFERENCE, "SpecificContent": {"card": "1"}})
        seen["added again"] = True
    except EnrichedException as error:
        seen["added again"] = [error.status_code, json.loads(error.response_content)["errorCode"]]
    item = queues.create_transaction_item({"Name": QUEUE}, no_robot=True)
    seen["worked on"] = [item["Reference"], item["SpecificContent"]]
    result = {"IsSuccessful": True, "Output": {"reference": "B-17"}}
    queues.complete_transaction_item(str(item["Id"]), result)
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main()
