"""The table of prospects: the share that is automatic at each error bound, and the reasons where it is small."""

from collections.abc import Mapping, Sequence

from rich.console import Console, RenderableType

from andon.authoring import Automation, MaxError
from andon.cli.printing import Plain
from andon.models import ClassQuality, Manifest, TargetProspect, prospects_of, shortfall_of

_SEEN = 0.005
"""The least share that is not shown as 0%."""


def print_prospects(console: Console, manifest: Manifest, users: Sequence[Automation] = ()) -> None:
    """Print the prospects of a model, with the targets that automations declare for it marked."""
    console.print(prospects_table(manifest, users))
    for line in why_little(manifest, users):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def prospects_table(manifest: Manifest, users: Sequence[Automation]) -> RenderableType:
    """Build the table of a packed model."""
    declared = {risk.target: f"declared by {user.name}" for user, risk in _bounds(users)}
    one = next(iter(_bounds(users)), None)
    confidence, local = (0.95, None) if one is None else (one[1].confidence, one[1].local)
    title = f"Automatic by target, by {manifest.risk.rows:,} held-out rows, with {confidence:.0%} confidence"
    return table_of(prospects_of(manifest.risk, confidence, tuple(declared), local), title, declared)


def table_of(prospects: Sequence[TargetProspect], title: str, marks: dict[float, str]) -> Plain:
    """Build a table of prospects; `marks` are notes shown next to targets."""
    table = Plain("at most wrong", "automatic", "wrong", "near the gate", "", title=title)
    for one in _told(prospects, marks):
        mark = marks.get(one.target, "")
        table.add_row(f"{100 * one.target:.3g}%", f"{one.share:.0%}", _shown(one.error), _shown(one.local_error), mark)
    return table


def table_of_classes(by_class: Mapping[str, ClassQuality], title: str) -> Plain:
    """Build a table of how well each class is separated from the others."""
    table = Plain("class", "rows", "precision", "recall", "F1", title=title)
    for name, one in by_class.items():
        shares = ("" if share is None else f"{share:.0%}" for share in (one.precision, one.recall, one.f1))
        table.add_row(name, f"{one.rows:,}", *shares)
    return table


def _told(prospects: Sequence[TargetProspect], marks: dict[float, str]) -> list[TargetProspect]:
    """Return the prospects with an automatic share or a mark, and the highest of the rest to represent the rest."""
    nothing = [one for one in prospects if one.share < _SEEN and one.target not in marks]
    return [one for one in prospects if one not in nothing[:-1]]


def why_little(manifest: Manifest, users: Sequence[Automation]) -> list[str]:
    """Return, for each automation, why little would be automatic and what would help."""
    labelled, found = manifest.training.rows + manifest.training.held_out_rows, []
    for user, risk in _bounds(users):
        why = shortfall_of(manifest.risk, risk.target, risk.confidence, labelled=labelled, local=risk.local)
        if why:
            found += [f"{user.name}: {why[0]}", *(f"  - {line}" for line in why[1:])]
    return found


def _bounds(users: Sequence[Automation]) -> list[tuple[Automation, MaxError]]:
    return [(user, user.risk) for user in users if isinstance(user.risk, MaxError)]


def _shown(error: float | None) -> str:
    return "" if error is None else f"{100 * error:.2g}%"
