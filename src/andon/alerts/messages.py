"""Messages about alerts: for people and programs, and in the schema of Alertmanager's API. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from pydantic_core import to_jsonable_python

from andon.alerts.domain import Alert, AlertFinding, AlertGroup, AlertState, severity, shown_segment

REPEATED = timedelta(minutes=30)
"""The interval at which an open alert is repeated to Alertmanager, which keeps no alerts across a restart."""

HELD_FOR = timedelta(hours=2)
"""How long Alertmanager keeps an open alert that is not repeated: four intervals."""

MARGIN = timedelta(minutes=5)
"""The margin around an alert in the link to its decisions."""


LISTED = 10
"""The most findings of an alert in a message for people."""


def decisions_of(alert: Alert, now: datetime) -> dict[str, Any]:
    """Return the filter for the decisions behind an alert."""
    until = (alert.resolved_at or min(alert.last_seen_at, now)) + MARGIN
    return {
        "automation": alert.automation,
        "since": (alert.since - MARGIN).isoformat(),
        "until": until.isoformat(),
        "segment": dict(alert.segment),
    }


def decisions_path(alert: Alert, now: datetime) -> str:
    """Return the path of these decisions in the console; a drill has none."""
    wanted = decisions_of(alert, now)
    query = {name: wanted[name] for name in ("automation", "since", "until")}
    segment = "" if alert.drill is not None else shown_segment(alert.segment)
    return f"/decisions?{urlencode(query | ({'segment': segment} if segment else {}))}"


def sure(finding: AlertFinding) -> str:
    """Describe the certainty of a finding in words; empty if there is none."""
    if finding.false_alarm is None:
        return ""
    return f"an unchanged line raises such an alert with a probability of at most {finding.false_alarm:.2g}"


def for_people(
    group: AlertGroup, news: Sequence[Alert], others: Sequence[Alert], *, console: str, now: datetime
) -> dict[str, Any]:
    """Return one message about a group: what is new, and what else belongs to it."""
    level = max((alert.level for alert in (*news, *others)), key=severity)
    living = [alert for alert in (*news, *others) if alert.resolved_at is None]
    drill = "DRILL, nothing is wrong: " if group.drill is not None else ""
    return {
        "alert": {
            "title": f"{drill}{_title(group, news, level)}",
            "text": "\n\n".join(_text(alert, console, now) for alert in news),
            "automation": group.automation,
            "level": level.value,
            "state": AlertState.OPEN.value if living else AlertState.RESOLVED.value,
            "group": str(group.id),
            "url": f"{console}/alerts/{news[0].id}",
        },
        "alerts": [shown_alert(alert, console, now) for alert in news],
        "others": [shown_alert(alert, console, now) for alert in others],
        "drill": group.drill is not None,
    }


def shown_alert(alert: Alert, console: str, now: datetime) -> dict[str, Any]:
    """Return one alert in the form for programs."""
    return {
        "id": str(alert.id),
        "title": alert.title,
        "automation": alert.automation,
        "monitor": alert.monitor,
        "series": alert.series,
        "segment": dict(alert.segment),
        "arm": alert.arm,
        "level": alert.level.value,
        "provisional": alert.provisional,
        "state": alert.state.value,
        "since": alert.since.isoformat(),
        "raised_at": alert.raised_at.isoformat(),
        "last_seen_at": alert.last_seen_at.isoformat(),
        "resolved_at": None if alert.resolved_at is None else alert.resolved_at.isoformat(),
        "resolution": alert.resolution,
        "count": alert.count,
        "message": alert.message,
        "findings": [shown_finding(one) for one in alert.findings],
        "done": list(alert.done),
        "url": f"{console}/alerts/{alert.id}",
        "decisions_url": f"{console}{decisions_path(alert, now)}",
        "drill": alert.drill is not None,
    }


def shown_finding(finding: AlertFinding) -> dict[str, Any]:
    """Return one finding in the form for programs, without its details."""
    values: dict[str, Any] = to_jsonable_python(finding)
    return {name: value for name, value in values.items() if name != "detail"}


def for_alertmanager(alerts: Sequence[Alert], console: str, now: datetime) -> dict[str, Any]:
    """Return a body for `POST /api/v2/alerts` (Alertmanager's OpenAPI 2.0, `postableAlerts`), under `alerts`.

    An open alert ends HELD_FOR from now unless it is repeated, as the protocol requires of clients.
    """
    return {"alerts": [_postable(alert, console, now) for alert in alerts]}


def _postable(alert: Alert, console: str, now: datetime) -> Mapping[str, Any]:
    labels = {
        "alertname": f"Andon{''.join(part.title() for part in alert.monitor.replace('-', '_').split('_'))}",
        "automation": alert.automation,
        "monitor": alert.monitor,
        "series": alert.series,
        "arm": alert.arm,
        "segment": shown_segment(alert.segment),
        "severity": alert.level.value,
        "drill": "true" if alert.drill is not None else "",
    }
    annotations = {
        "summary": alert.title,
        "description": alert.message,
        "sure": sure(alert.standing[0]),
        "done": " ".join(f"{text}." for text in alert.done),
        "since": alert.since.isoformat(),
        "decisions": f"{console}{decisions_path(alert, now)}",
    }
    return {
        "startsAt": alert.raised_at.isoformat(),
        "endsAt": (alert.resolved_at or now + HELD_FOR).isoformat(),
        "generatorURL": f"{console}/alerts/{alert.id}",
        "labels": {name: value for name, value in labels.items() if value},
        "annotations": {name: value for name, value in annotations.items() if value},
    }


def _title(group: AlertGroup, news: Sequence[Alert], level: Any) -> str:
    where = group.automation or "Andon"
    if len(news) == 1:
        one = news[0]
        return f"{one.title} is over" if one.resolved_at is not None else f"[{level}] {one.title}"
    over = sum(alert.resolved_at is not None for alert in news)
    if over == len(news):
        return f"{over} alerts of {where} are over"
    return f"[{level}] {len(news) - over} alerts of {where}" + (f", {over} are over" if over else "")


def _text(alert: Alert, console: str, now: datetime) -> str:
    standing = alert.standing
    lines = [
        f"{alert.title}: {alert.message}",
        f"Since {alert.since:%Y-%m-%d %H:%M} UTC, level {alert.level}, seen {_times(alert.count)}.",
    ]
    for finding in standing[:LISTED]:
        lines += _figures(finding, named=len(standing) > 1)
    if len(standing) > LISTED:
        lines.append(f"And {len(standing) - LISTED} more.")
    lines += [f"{text}." for text in alert.done]
    if alert.resolved_at is not None:
        lines.append(f"Over since {alert.resolved_at:%Y-%m-%d %H:%M} UTC: {alert.resolution}")
    lines += [f"{console}/alerts/{alert.id}", f"Decisions: {console}{decisions_path(alert, now)}"]
    return "\n".join(lines)


def _figures(finding: AlertFinding, *, named: bool) -> Iterator[str]:
    """Describe a finding by its figures; by its message if there is more than one."""
    if named:
        yield f"- {finding.message}{' (provisional)' if finding.provisional else ''}"
    if finding.expected is not None or finding.observed is not None:
        observed = f"{_figure(finding.observed)} {finding.unit_of(finding.observed)}"
        yield f"Expected {_figure(finding.expected)}, observed {observed}".rstrip()
    if words := sure(finding):
        yield words[0].upper() + words[1:] + "."


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _figure(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.4g}"
