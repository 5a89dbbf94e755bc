"""The format of a batch is known by its media type; what this gateway cannot read is refused in words."""

import json
import subprocess
import sys

import pytest

from andon.gateway.batch.formats import ARROW, JSON, NDJSON, format_of
from andon.gateway.errors import MediaTypeUnsupported

WITHOUT_ARROW = f"""
import sys
sys.modules["pyarrow"] = None  # what an import finds where it is not installed
from andon.gateway.batch.formats import format_of
from andon.gateway.errors import MediaTypeUnsupported
try:
    format_of({ARROW!r}, row_bytes=1)
except MediaTypeUnsupported as error:
    print(error)
"""


@pytest.mark.parametrize("media_type", [JSON, NDJSON, ARROW])
def test_answers_have_the_format_of_the_rows(media_type: str) -> None:
    assert format_of(f" {media_type.upper()} ; charset=utf-8", row_bytes=1)[1].content_type == media_type


@pytest.mark.parametrize("media_type", ["", "text/csv", "application/jsonx"])
def test_another_format_is_refused_with_those_there_are(media_type: str) -> None:
    with pytest.raises(MediaTypeUnsupported, match=r"application/json, application/x-ndjson or application/vnd"):
        format_of(media_type, row_bytes=1)


def test_without_the_extra_it_is_said_how_to_get_it() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_ARROW], capture_output=True, text=True, timeout=60, check=True)
    assert "install `andon[arrow]`" in done.stdout


@pytest.mark.parametrize("answers", [[], [b'{"a": 1}'], [b'{"a": 1}', b"2", b"[3]"]])
def test_json_answers_are_one_array_however_they_come(answers: list[bytes]) -> None:
    together, singly = format_of(JSON, row_bytes=1)[1], format_of(JSON, row_bytes=1)[1]
    whole = (together.add(answers) if answers else b"") + together.end()
    pieces = b"".join(singly.add([answer]) for answer in answers) + singly.end()
    assert json.loads(whole) == json.loads(pieces) == [json.loads(answer) for answer in answers]
