"""The proposal: the error that a new project allows, from what the target is worth and what its rows can prove."""

import math
from typing import Final

from andon.models import LITTLE
from andon.scaffold.domain import FileTrial, Proposal, Target
from andon.statistics.binomial import clean_labels_needed

RUNGS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1)
"""The targets that are proposed and tried. Few and coarse: they are chosen before the rows that test them are seen."""

_USUAL, _HIGHEST = 0.05, 0.1
"""The target of a project if nothing speaks against it, and the highest that is ever proposed."""

_GOOD_SHARE = 0.3
"""The automatic share from which there is no reason to allow more errors."""

_CONFIDENCE = 0.95


def propose(target: Target, trial: FileTrial) -> Proposal:
    """Choose the error to allow.

    It is at most half the error of always giving the most frequent answer, so that it means something. From a third of
    that error on (5% at most), the lowest target is chosen that makes three in ten decisions automatic. If none does,
    the target is chosen that makes most automatic.
    """
    blind = 1.0 - max(target.counts) / sum(target.counts)
    wanted, highest = _rung(min(_USUAL, blind / 3)), min(_HIGHEST, blind / 2)
    shares = {one.target: one.share for one in trial.prospects if wanted <= one.target <= highest}
    good = [rung for rung, share in shares.items() if share >= _GOOD_SHARE]
    risk = min(good) if good else max(shares, key=lambda rung: (round(shares[rung], 2), -rung), default=wanted)
    share = shares.get(risk, 0.0)
    return Proposal(risk, blind, share, trial, tuple(_why_little(risk, share, trial, sum(target.counts))))


def _rung(wanted: float) -> float:
    """Return the highest rung that is not above `wanted`; below the lowest rung, `wanted` cut to one digit."""
    lower = [rung for rung in RUNGS if rung <= wanted]
    if lower:
        return lower[-1]
    scale = 10.0 ** -math.floor(math.log10(wanted))
    return math.floor(wanted * scale) / scale


def _why_little(risk: float, share: float, trial: FileTrial, rows: int) -> list[str]:
    if share >= LITTLE:
        return []
    fewest = clean_labels_needed(risk, _CONFIDENCE)
    found = [f"at {100 * risk:.3g}% wrong, {'nothing' if share < 0.005 else f'only {share:.0%}'} would be automatic"]
    testing = round(trial.held_out * 0.75)
    if testing < 3 * fewest:
        found.append(
            f"the file is small for that: about {testing:,} of its rows will test the gate, and {fewest:,} without an "
            f"error are needed to prove it; some {round(rows * 0.03 * fewest / max(1, testing)) * 100:,} labelled rows "
            "leave room for errors"
        )
    if trial.error > risk:
        found.append(
            f"a first model was wrong in {100 * trial.error:.2g}% of rows it had not seen: more informative "
            "columns would help most"
        )
    return found
