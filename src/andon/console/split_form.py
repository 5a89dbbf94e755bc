"""The form that splits traffic: what was typed, and as which shares it is meant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from andon.kernel.errors import Fault
from andon.serving import Candidate, SplitInvalid, TrafficSplit


@dataclass(frozen=True, slots=True)
class SplitForm:
    """`typed` is the text in the field of each candidate; `seen` the number of the split that the page showed."""

    typed: Mapping[Candidate, str]
    shadows: frozenset[Candidate]
    reason: str
    seen: int

    @classmethod
    def of(cls, split: TrafficSplit) -> "SplitForm":
        """Return the form before anybody types."""
        typed = {candidate: f"{share:g}" for candidate, share in split.shares.items()}
        return cls(typed, frozenset(split.shadows), "", split.number)

    def shares(self) -> dict[Candidate, float]:
        """Percent by candidate; an empty field and a zero are no share. Raises SplitInvalid for non-numbers."""
        shares, faults = dict[Candidate, float](), list[Fault]()
        for candidate, text in self.typed.items():
            try:
                share = float(text.strip().removesuffix("%")) if text.strip() else 0.0
            except ValueError:
                faults.append(Fault(f"shares.{candidate}", "A share is a percentage"))
                continue
            if share:
                shares[candidate] = share
        if faults:
            raise SplitInvalid(faults=faults)
        return shares


def faults_at(faults: Sequence[Fault], field: str) -> list[str]:
    """Return the faults of one field of the form."""
    return [fault.message for fault in faults if fault.where == field]


def candidates_of(texts: Sequence[str]) -> list[Candidate]:
    """Return the candidates that a form names. Raises SplitInvalid."""
    try:
        return [Candidate.parse(text) for text in texts]
    except ValueError as error:
        raise SplitInvalid(str(error)) from None
