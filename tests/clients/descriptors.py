"""The protocol as another client's module has it: `descriptors.py MODULE` prints each message's fields as JSON."""

import importlib
import json
import sys
from typing import Any


def fields(message: Any) -> dict[str, list[object]]:
    return {field.name: [field.number, field.type, field.is_repeated] for field in message.fields}


found = {}
for name, message in importlib.import_module(sys.argv[1]).DESCRIPTOR.message_types_by_name.items():
    found[name] = fields(message)
    for nested in message.nested_types:
        found[f"{name}.{nested.name}"] = fields(nested)
json.dump(found, sys.stdout)
