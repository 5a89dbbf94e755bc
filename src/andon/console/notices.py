"""The notices after an act. The address carries only the name of a notice, never a text."""

from starlette.responses import RedirectResponse, Response

_NOTICES = {
    "alias-set": "The alias is set. Running gateways follow within a second.",
    "quarantine-lifted": "The version is not in quarantine any more. It is tried again before it answers.",
    "split-set": "The traffic is split. Running gateways follow within a second.",
    "split-same": "It was split like that already; nothing was changed.",
    "rollout-started": "The rollout is started. Nothing of the candidate answers before its shadow was good enough.",
    "rollout-pause": "The rollout is paused. The candidate keeps its share, and harm still ends it.",
    "rollout-resume": "The rollout goes on.",
    "rollout-abort": "The rollout is aborted. Running gateways take the candidate's traffic back within a second.",
    "rollout-approve": "The rollout is approved. The candidate runs as a shadow first.",
    "rollout-promote": "The candidate has taken over. Running gateways follow within a second.",
    "experiment-started": "The experiment is started. Running gateways give its arms their shares within a second.",
    "experiment-stop": "The experiment is stopped. Running gateways send all traffic to the champion within a second.",
    "experiment-adopt": "The winner has taken over. Running gateways follow within a second.",
    "cord-pulled": "The cord is pulled. Running gateways follow within a second.",
    "cord-released": "The cord is released. Running gateways follow within a second.",
    "rule-added": "The rule holds for alerts from now on.",
    "rule-removed": "The rule is removed. What it pulled stays as it is.",
    "drill-begun": "The drill is under way; its result stands below in a few seconds.",
    "alert-acknowledged": "The alert is yours. It is not sent again unless its level rises.",
    "alert-resolved": "The alert is over. If it is seen again, that is a new one.",
    "alert-silenced": "Silenced. It is still shown, and still pulls the cord.",
    "silence-ended": "The silence has ended. What it kept back and is still open is sent now.",
    "incident-opened": "The incident is open, and yours.",
    "incident-commented": "It stands in the timeline.",
    "incident-owned": "The incident has its owner.",
    "incident-ended": "The incident has ended.",
    "claimed": "The review is yours.",
    "released": "The review is free again.",
    "verdict": "The verdict is recorded, and what follows from it is on its way.",
    "audited": "The verdict is recorded; it sets off nothing. Here is what the line had said.",
    "cancelled": "The procedure is stopped. What a step is doing right now it finishes.",
    "resumed": "The procedure goes on behind its last step.",
    "forked": "This is the new procedure; it begins at the step you chose.",
    "stream-pause": "The stream is paused; nothing of it is decided any more.",
    "stream-resume": "The stream goes on from where it stopped.",
    "stream-seek": "The stream goes on there as soon as a worker reads it.",
    "event-resent": "A worker tries the event again; if it still cannot be decided, it is dead again with the "
    "new reason.",
    "event-discarded": "The event is discarded.",
    "resent": "The action is on its way again, under its old key.",
    "resent-many": "The dead letters are on their way again, each under its old key.",
    "confirmed": "The action is done: the receiver took it.",
}


def text(name: str) -> str | None:
    """Return the notice of this name, if there is one."""
    return _NOTICES.get(name)


def back_to(path: str, name: str) -> Response:
    """Show a page again after a change, with a notice."""
    return RedirectResponse(f"{path}?done={name}", status_code=303)
