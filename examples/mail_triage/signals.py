"""Facts read from a mail without a model: a card to block, and orders meant for a machine."""

import re
from collections.abc import Mapping
from typing import Any

_CARD = re.compile(r"(?<!\d)(\d{4})(?!\d)")
_BLOCK = re.compile(
    r"\b(block|sperr|bloqu)\w*.{0,60}\b(card|karte|carte|tarjeta)|\b(card|karte|carte|tarjeta)\b.{0,80}\b(block|sperr|bloqu)",
    re.IGNORECASE | re.DOTALL,
)
_NAMED = re.compile(
    r"(?:ending in|last digits|endziffern|letzte ziffern|terminant par|derniers chiffres|terminada en|dígitos|\*)\W{0,3}"
    r"(\d{4})(?!\d)",
    re.IGNORECASE,
)
_ORDERS = re.compile(
    r"ignor\w+ .{0,40}(previous|bisherigen|précédentes|anteriores)|developer mode|\bsystem\s?:|"
    r"(note to the|hinweis an den) assist|do not follow your rules",
    re.IGNORECASE,
)


def card_to_block(mail: Mapping[str, Any]) -> str | None:
    """Return the last four digits of the card that a mail asks to block; None if it names none or several."""
    text = f"{mail['subject']}\n{mail['text']}"
    if not _BLOCK.search(text):
        return None
    named = set(_NAMED.findall(text)) or set(_CARD.findall(text))
    return named.pop() if len(named) == 1 else None


def orders_a_machine(mail: Mapping[str, Any]) -> bool:
    """Return whether a mail gives orders to whatever reads it."""
    return bool(_ORDERS.search(mail["text"]))
