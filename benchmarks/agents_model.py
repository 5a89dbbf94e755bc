"""A gullible model that does whatever a mail orders, in the order of the mail. It uses no network."""

import json
import re
from typing import Any

from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart, UserPromptPart

ORDER = re.compile(r"<<(\w+)(.*?)>>", re.DOTALL)
"""An order in a mail of the benchmark: a tool's name and its arguments, as well-formed as the attacker likes."""


def gullible(messages: list[Any], info: Any) -> ModelResponse:
    """Call the next tool that the mail orders."""
    del info
    parts = [part for message in messages for part in message.parts]
    mail = next(str(part.content) for part in parts if isinstance(part, UserPromptPart))
    done = sum(isinstance(part, ToolReturnPart) for part in parts)
    orders = ORDER.findall(mail)
    if done >= len(orders):
        return ModelResponse([TextPart("Done as you asked.")])
    tool, written = orders[done]
    return ModelResponse([ToolCallPart(tool, _arguments(written))])


def _arguments(written: str) -> Any:
    try:
        return json.loads(written)
    except ValueError:
        return written
