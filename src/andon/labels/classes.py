"""Classes that a label of a decision may name, and the truth that its automation declares."""

from andon import decisions, models
from andon.authoring import Truth
from andon.decisions import DecisionRow
from andon.kernel.db import Tx


class KnownClasses:
    """Truths and classes, each read once for all reports."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._truths: dict[str, Truth | None] = {}
        self._classes: dict[tuple[str, str, int], tuple[str, ...]] = {}

    def truth_of(self, automation: str) -> Truth | None:
        """Return the truth of an automation."""
        if automation not in self._truths:
            self._truths[automation] = decisions.truth_of(self._tx, automation)
        return self._truths[automation]

    def classes_of(self, row: DecisionRow) -> tuple[str, ...]:
        """Return the classes that a label of a decision may name."""
        key = row.automation, row.model, row.model_version
        if key not in self._classes:
            self._classes[key] = classes_known(self._tx, row, self.truth_of(row.automation))
        return self._classes[key]


def classes_known(tx: Tx, row: DecisionRow, truth: Truth | None) -> tuple[str, ...]:
    """Return those of the model version that decided, and those that the automation declares now."""
    of_model = models.get(tx, row.model, row.model_version).manifest.signature.classes
    return tuple(dict.fromkeys((*of_model, *(() if truth is None else truth.classes))))
