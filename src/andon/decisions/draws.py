"""The draw for blind audits: which automatic decisions a person checks without seeing the line's decision. Pure.

A keyed hash of automation and input gives each input a place from 0 to 1; the input is drawn if its place lies below
the share. So a repeated input gets the same draw, and a larger share draws every input that a smaller one did. Without
the installation's pepper nobody can craft inputs that escape.
"""

import hmac
from collections.abc import Sequence
from hashlib import blake2b

import msgspec
from msgspec.structs import replace

from andon.authoring import Automation
from andon.decisions.domain import Decision, Draw, Judgement
from andon.policies import REVIEW

_PURPOSE = b"andon: the draw for a blind audit"
_EXACT = 2**53
"""The number up to which every whole number is a float."""


class AuditDraws:
    """Draws decisions by a key that follows from the installation's pepper."""

    def __init__(self, pepper: bytes) -> None:
        self._key = hmac.digest(pepper, _PURPOSE, "sha256")

    def place_of(self, automation: str, raw: bytes) -> float:
        """Return the place of an input, from 0 to 1.

        White space, the order of keys and the spelling of numbers do not matter.
        """
        of = b"%b\n%b" % (automation.encode(), _canonical(raw))
        return (int.from_bytes(blake2b(of, digest_size=8, key=self._key).digest()) >> 11) / _EXACT

    def draw(self, automation: Automation, decisions: Sequence[Decision], changed: float | None) -> list[Decision]:
        """Draw among the automatic ones of these decisions by the share in force.

        `changed` is None while the share is the declared one.
        """
        if automation.audit is None:
            return list(decisions)
        share = automation.audit.in_force(changed)
        missed, hit = Draw(share, drawn=False), Draw(share, drawn=True)
        return [
            replace(one, draw=hit if self.place_of(automation.name, one.request.raw) < share else missed)
            if is_automatic(one.judgement)
            else one
            for one in decisions
        ]


def is_automatic(judgement: Judgement) -> bool:
    """Return whether the risk gate covers the decision: the prediction is certain, and no person is asked."""
    return judgement.risk.certain and judgement.prediction is not None and judgement.ruling.outcome != REVIEW


def _number(written: str) -> int | float:
    """Read a number so that 1, 1.0 and 1e0 are the same."""
    value = float(written)
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


_decode = msgspec.json.Decoder(float_hook=_number).decode
_encode = msgspec.json.Encoder(order="deterministic").encode


def _canonical(raw: bytes) -> bytes:
    """Return an input in one form, however it was written; text that this reader does not accept stays as it is."""
    try:
        return _encode(_decode(raw))
    except (ValueError, RecursionError):
        return raw
