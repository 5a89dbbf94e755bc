"""The form that splits traffic: what was typed, and as which shares it is meant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from andon.kernel.errors import Fault
from andon.serving import SplitInvalid, TrafficSplit


@dataclass(frozen=True, slots=True)
class SplitForm:
    """`typed` is the text in the field of each version; `seen` the number of the split that the page showed."""

    typed: Mapping[int, str]
    shadows: frozenset[int]
    reason: str
    seen: int

    @classmethod
    def of(cls, split: TrafficSplit) -> "SplitForm":
        """The form as it is before anybody types."""
        typed = {version: f"{share:g}" for version, share in split.shares.items()}
        return cls(typed, frozenset(split.shadows), "", split.number)

    def shares(self) -> dict[int, float]:
        """Percent by version; an empty field and a zero are no share. Raises SplitInvalid for what is no number."""
        shares, faults = dict[int, float](), list[Fault]()
        for version, text in self.typed.items():
            try:
                share = float(text.strip().removesuffix("%")) if text.strip() else 0.0
            except ValueError:
                faults.append(Fault(f"shares.{version}", "A share is a number of percent"))
                continue
            if share:
                shares[version] = share
        if faults:
            raise SplitInvalid(faults=faults)
        return shares


def faults_at(faults: Sequence[Fault], field: str) -> list[str]:
    """What is wrong with one field of the form."""
    return [fault.message for fault in faults if fault.where == field]
