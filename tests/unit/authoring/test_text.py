"""Free text in a contract is a bounded string, and its schema says what it is."""

from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, Field

from andon import Text
from andon.authoring import DeclarationInvalid, is_text
from andon.decisions import Contract, InputInvalid


class Mail(BaseModel):
    model_config = ConfigDict(extra="forbid")

    subject: Annotated[str | None, Text(max_length=20)] = None
    body: Annotated[str, Text()]
    team: Annotated[str, Field(max_length=10), Text(max_length=5)] = "x"


def test_a_longer_text_does_not_match_the_contract() -> None:
    contract = Contract(Mail)
    assert contract.read(b'{"subject": "Card", "body": "Line\\nline"}') == {
        "subject": "Card",
        "body": "Line\nline",
        "team": "x",
    }
    with pytest.raises(InputInvalid) as refused:
        contract.read(b'{"subject": "' + b"x" * 21 + b'", "body": "' + b"y" * 20_001 + b'"}')
    assert [(fault.where, fault.message) for fault in refused.value.faults] == [
        ("input.subject", "String should have at most 20 characters"),
        ("input.body", "String should have at most 20000 characters"),
    ]


def test_the_schema_says_that_it_is_text_and_how_long_it_may_be() -> None:
    schema = Contract(Mail).schema()["properties"]
    assert schema["body"]["contentMediaType"] == schema["subject"]["contentMediaType"] == "text/plain"
    assert schema["body"]["maxLength"] == 20_000
    assert schema["team"]["maxLength"] == 5


def test_the_mark_can_be_found_again() -> None:
    assert is_text(Mail.model_fields["subject"].metadata)
    assert not is_text([Field(max_length=3)])


@pytest.mark.parametrize("length", [0, -1, 1_000_001])
def test_a_length_beyond_all_bounds_is_refused(length: int) -> None:
    with pytest.raises(DeclarationInvalid, match=f"max_length={length}"):
        Text(max_length=length)
