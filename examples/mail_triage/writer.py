"""A stand-in for a language model, so that the example runs without one. Replace it by a provider in andon.toml."""

import re
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart
from pydantic_ai.usage import RequestUsage


def draft(messages: list[ModelMessage], info: Any) -> ModelResponse:
    """Return the same answer to everybody, with the first card that the prompt names."""
    prompt = next(str(part.content) for one in messages for part in one.parts if part.part_kind == "user-prompt")
    card = re.search(r"\*(\d{4})", prompt)
    named = f" ending in {card[1]}" if card else ""
    text = (
        f"Dear customer,\n\nyour card{named} is blocked; nobody can pay with it any more. A new card is on its way "
        "to you.\n\nKind regards\nFirst Harbour Bank"
    )
    return ModelResponse([TextPart(text)], usage=RequestUsage(input_tokens=len(prompt) // 4, output_tokens=60))
