"""The words of a proof: one sentence with what is automatic, how often it is wrong, and what proves it. Pure."""

from andon.authoring import MaxCost
from andon.proofs.domain import ProvenRegion
from andon.proofs.series import GateSeries
from andon.statistics.gate_proofs import StopReason

_STOPS = {
    StopReason.ERROR: "its error is above the target",
    StopReason.NEAR: "the error near the gate is above its bound",
    StopReason.LABELS: "too few labels",
    StopReason.NARROWER: "a narrower region is not proven",
    StopReason.UNTESTED: "narrower than the first test",
}


def sentence_of(proof: ProvenRegion, series: GateSeries) -> str:
    """Return the proof as text: `87% automatic.

    Error of the automatic part 0.6%, at most 0.9% with 95% confidence, ...`.
    """
    labels = f"{proof.labels:,} {'audits' if proof.labels == proof.audits else 'labels'}"
    rose = "" if not proof.breaks else " since the error rose"
    held_out = "" if proof.breaks or proof.threshold is None else series.rows_above(proof.threshold)
    rows = f" and {held_out:,} held-out rows" if held_out else ""
    if proof.threshold is None:
        doubt = ", unless new labels refute it" if proof.in_doubt else ""
        why = f"the error rose{doubt}" if proof.breaks else "no region is proven"
        return f"nothing automatic: {why}; target {amount(series.target, series)}; {labels}{rose}"
    near = "" if proof.local_error is None else f" (near the gate {amount(proof.local_error, series)})"
    subject = "mean cost of the automatic part" if isinstance(series.risk, MaxCost) else "error of the automatic part"
    return (
        f"{proof.share:.0%} automatic; {subject} {amount(proof.error, series)}{near}, "
        f"at most {amount(proof.bound, series)} with {series.risk.confidence:.0%} confidence, "
        f"target {amount(series.target, series)}; {labels}{rows}{rose}"
    )


def stop_of(reason: StopReason | None) -> str:
    """Return why a region is not proven, in a few words; empty if it is."""
    return "" if reason is None else _STOPS[reason]


def amount(value: float, series: GateSeries) -> str:
    """Return an error as percent, a cost as a number."""
    return f"{value:.3g}" if isinstance(series.risk, MaxCost) else percent(value)


def percent(value: float) -> str:
    """Return a share with enough digits to differ from zero: `0.6%`, `0.04%`, `12%`."""
    return f"{value:.2g}%" if (value := value * 100) < 10 else f"{value:.0f}%"
