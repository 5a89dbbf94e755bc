"""Segments in the options of commands: `--segment FIELD=VALUE`."""

from collections.abc import Sequence
from typing import Annotated

import typer

from andon import cord, decisions
from andon.cord import Segment
from andon.kernel.db import Tx
from andon.kernel.errors import Invalid

SegmentParts = Annotated[
    list[str] | None,
    typer.Option("--segment", help="FIELD=VALUE of the contract: limit to inputs with this value. May be repeated."),
]


def read_segment(tx: Tx, automation: str, given: Sequence[str]) -> Segment:
    """Read FIELD=VALUE as values of the contract. Raises Invalid, CordInvalid, AutomationNotFound."""
    contract = decisions.newest_version(tx, automation).description["contract"]
    values: dict[str, str] = {}
    for text in given:
        field, separator, value = text.partition("=")
        if not separator:
            raise Invalid(f"--segment {text!r}: expected FIELD=VALUE, as in --segment country=AT")
        if field in values:
            raise Invalid(f"--segment names {field} twice")
        values[field] = value
    return cord.segment_of(values, contract)
