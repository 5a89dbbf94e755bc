"""Free text in a contract: `body: Annotated[str, Text()]`. It is read, recorded and shown like any other field."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from annotated_types import GroupedMetadata, MaxLen
from pydantic import Field

from andon.authoring.errors import DeclarationInvalid

MOST_CHARACTERS = 1_000_000
"""The longest text that a contract may allow."""

MEDIA_TYPE = "text/plain"
"""The `contentMediaType` that marks a field as free text in a contract's JSON Schema."""


@dataclass(frozen=True, slots=True)
class Text(GroupedMetadata):
    """Marks a `str` of a contract as free text with a maximum length. A longer text is refused."""

    max_length: int = 20_000

    def __post_init__(self) -> None:
        if not 1 <= self.max_length <= MOST_CHARACTERS:
            raise DeclarationInvalid(
                f"Text(max_length={self.max_length}): expected a number from 1 to {MOST_CHARACTERS:,}"
            )

    def __iter__(self) -> Iterator[Any]:
        """Return the Pydantic metadata: a maximum length, and a keyword in the JSON Schema."""
        yield MaxLen(self.max_length)
        yield Field(json_schema_extra={"contentMediaType": MEDIA_TYPE})


def is_text(metadata: Iterable[Any]) -> bool:
    """Return whether the metadata of a contract's field marks it as free text."""
    return any(isinstance(mark, Text) for mark in metadata)
