"""A candidate as the API's pattern has it is one that can be read: what it lets through never fails later."""

import pytest
from pydantic import TypeAdapter, ValidationError

from andon.gateway.splits import Key
from andon.serving import Candidate

GOOD = ["8", "8+3f2a9c01d2e4", "8~0.93", "8+3f2a9c01d2e4~1", "1~2", "1~2.000000", "1~0"]
BAD = ["0", "1838130939~2.804030", "1~2.1", "1~3", "1~0.1234567", "1+xyz", ""]


@pytest.mark.parametrize("text", GOOD)
def test_what_the_pattern_takes_can_be_read(text: str) -> None:
    assert Candidate.parse(TypeAdapter(Key).validate_python(text)).version >= 1


@pytest.mark.parametrize("text", BAD)
def test_what_cannot_be_read_the_pattern_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="candidate"):
        Candidate.parse(text)
    with pytest.raises(ValidationError):
        TypeAdapter(Key).validate_python(text)
