"""The notices after an act. The address carries only the name of a notice, never a text."""

from starlette.responses import RedirectResponse, Response

_NOTICES = {
    "alias-set": "The alias is set. Running gateways follow within a second.",
    "quarantine-lifted": "The version is no longer in quarantine. It is tried again before it answers.",
    "split-set": "The traffic is split. Running gateways follow within a second.",
    "split-same": "It was already split this way; nothing was changed.",
    "rollout-started": "The rollout is started. The candidate answers nothing until its shadow is good enough.",
    "rollout-pause": "The rollout is paused. The candidate keeps its share, and harm still ends it.",
    "rollout-resume": "The rollout continues.",
    "rollout-abort": "The rollout is aborted. Running gateways take the candidate's traffic back within a second.",
    "rollout-approve": "The rollout is approved. The candidate runs as a shadow first.",
    "rollout-promote": "The candidate has taken over. Running gateways follow within a second.",
    "experiment-started": "The experiment is started. Running gateways give its arms their shares within a second.",
    "experiment-stop": "The experiment is stopped. Running gateways send all traffic to the champion within a second.",
    "experiment-adopt": "The winner has taken over. Running gateways follow within a second.",
    "cord-pulled": "The cord is pulled. Running gateways follow within a second.",
    "cord-released": "The cord is released. Running gateways follow within a second.",
    "rule-added": "The rule applies to alerts from now on.",
    "rule-removed": "The rule is removed. A cord that it pulled stays pulled.",
    "drill-begun": "The drill is under way; its result appears below in a few seconds.",
    "alert-acknowledged": "The alert is yours. It is not sent again unless its level rises.",
    "alert-resolved": "The alert is resolved. If the breach is seen again, a new alert is raised.",
    "alert-silenced": "Silenced. It is still shown, and still pulls the cord.",
    "silence-ended": "The silence has ended. Alerts that it held back and that are still open are sent now.",
    "incident-opened": "The incident is open, and you own it.",
    "incident-commented": "The comment is in the timeline.",
    "incident-owned": "The incident has its owner.",
    "incident-ended": "The incident has ended.",
    "claimed": "The review is yours.",
    "released": "The review can be claimed again.",
    "verdict": "The verdict is recorded, and its consequences are under way.",
    "audited": "The verdict is recorded; it triggers nothing. Here is what the line had predicted.",
    "cancelled": "The procedure is stopped. A step that is running now finishes first.",
    "resumed": "The procedure continues after its last step.",
    "forked": "This is the new procedure; it begins at the step you chose.",
    "stream-pause": "The stream is paused; none of its events is decided.",
    "stream-resume": "The stream continues from where it stopped.",
    "stream-seek": "The stream continues there as soon as a worker reads it.",
    "event-resent": "A worker tries the event again; if it still cannot be decided, it is dead again with the "
    "new reason.",
    "event-discarded": "The event is discarded.",
    "resent": "The action will be delivered again, with its old key.",
    "resent-many": "The dead letters will be delivered again, each with its old key.",
    "confirmed": "The action is done: the receiver has accepted it.",
}


def text(name: str) -> str | None:
    """Return the notice of this name, if there is one."""
    return _NOTICES.get(name)


def back_to(path: str, name: str) -> Response:
    """Show a page again after a change, with a notice."""
    return RedirectResponse(f"{path}?done={name}", status_code=303)
