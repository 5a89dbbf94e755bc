"""Templates, and how values are written for people: times, numbers, shares, latencies."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from andon.audit import AuditEntry
from andon.console.split_form import faults_at
from andon.rollouts import spoken
from andon.spending import money
from andon.version import __version__

_TEMPLATES = Path(__file__).parent / "templates"
_MISSING = "–"
_BRIEF = 24
LONG_TEXT = 2_000
"""A longer text is cut where a whole document is shown."""
_ONE_LINE = 120
_SHOWN = 4


class Pages:
    """Renders the templates of one installation."""

    def __init__(self, project: str) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(
            moment=moment,
            number=number,
            percent=percent,
            ms=milliseconds,
            fine_ms=fine_milliseconds,
            took=took,
            span=span,
            span_or_dash=span_or_dash,
            hours=spoken,
            score=score,
            short=short,
            money=amount,
            megabytes=megabytes,
            at=faults_at,
            value=value,
            of_field=of_field,
            change=change,
            pretty=pretty,
            cut=cut,
            reads_long=reads_long,
        )
        self._templates.globals.update(project=project, andon_version=__version__)

    def html(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a template as a response. Layout values that the page does not set are empty."""
        shown = {"visitor": None, "section": None, "notice": None, "problem": None} | values
        shown["csrf"] = lambda: _csrf_field(shown["visitor"])
        return HTMLResponse(self.text(template, **shown), status_code=status)

    def text(self, template: str, **values: Any) -> str:
        """Return a template as text."""
        return self._templates.get_template(template).render(values)


def moment(at: datetime | str | None) -> str | Markup:
    """Format a time (or one as a record writes it) in UTC to the second, with the exact one for programs."""
    if at is None:
        return _MISSING
    utc = (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(UTC)
    exact = utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(exact, exact, utc.strftime("%Y-%m-%d %H:%M:%S"))


def number(figure: float | None) -> str:
    """Format a count with separated thousands, or a figure to three digits; below a tenth to two."""
    if figure is None:
        return _MISSING
    if isinstance(figure, int) or figure == int(figure):
        return f"{figure:,.0f}"
    if abs(figure) >= 100:
        return f"{figure:,.0f}"
    return f"{figure:.2g}" if abs(figure) < 0.1 else f"{figure:.3g}"


def percent(share: float | None) -> str:
    """Format a share between 0 and 1 as percent."""
    return _MISSING if share is None else f"{share * 100:.1f} %"


def milliseconds(latency: float | None) -> str:
    """Format a latency in milliseconds."""
    if latency is None:
        return _MISSING
    return f"{latency:.1f} ms" if latency < 100 else f"{latency:,.0f} ms"


def fine_milliseconds(latency: float | None) -> str:
    """Format a latency in milliseconds that may be far less than one."""
    return f"{latency:.3f} ms" if latency is not None and latency < 1 else milliseconds(latency)


def amount(nanos: int, currency: str) -> str:
    """Money, given in nano-units: cents where there are some, else as far as there is something to see."""
    exact = money(nanos)
    digits = 2 if exact >= 1 or not nanos else min(9, 1 - exact.adjusted())
    return f"{exact:,.{digits}f} {currency}"


def megabytes(size: int) -> str:
    """Format a size in bytes as megabytes."""
    return f"{size / 1e6:,.0f} MB" if size else _MISSING


def took(microseconds: int | None) -> str:
    """Return how long a step took, if that was measured."""
    if microseconds is None:
        return ""
    return f"{microseconds} µs" if microseconds < 1000 else milliseconds(microseconds / 1000)


def span(length: timedelta) -> str:
    """Format a length of time in its two largest units; the surrounding text tells whether it is past or future."""
    minutes = int(abs(length).total_seconds()) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else "under a minute"


def span_or_dash(length: timedelta | None) -> str:
    """Format a length of time, or a dash where it is not known."""
    return _MISSING if length is None else span(length)


def score(figure: float | None) -> str:
    """Format a score or a metric between 0 and 1."""
    return _MISSING if figure is None else f"{figure:.4f}"


def short(identifier: object) -> str:
    """Return the end of a long identifier, which distinguishes neighbours."""
    return f"…{str(identifier)[-8:]}"


def value(raw: Any) -> str:
    """Format a feature's value."""
    if raw is None:
        return "missing"
    if isinstance(raw, bool):
        return "yes" if raw else "no"
    return f"{raw:,.6g}" if isinstance(raw, float) else str(raw)


def of_field(raw: Any, name: str) -> str:
    """Format the value of a decision's field, by its type."""
    if raw is None:
        return _MISSING
    if name.endswith("_us"):
        return milliseconds(raw / 1000)
    if isinstance(raw, bytes):
        return raw.hex()
    return score(raw) if isinstance(raw, float) else value(raw)


def change(entry: AuditEntry) -> str:
    """Summarize an audited change in one line; the details can be unfolded."""
    before, after = entry.before or {}, entry.after
    if after is None:
        return "removed"
    told = [
        f"{name}: {_brief(before[name])} → {_brief(new)}" if name in before else f"{name}: {_brief(new)}"
        for name, new in after.items()
        if new != before.get(name)
    ]
    return ", ".join(told[:_SHOWN]) + (" …" if len(told) > _SHOWN else "")


def cut(document: Any) -> Any:
    """Return a document with its long texts cut."""
    if isinstance(document, dict):
        return {name: cut(inner) for name, inner in document.items()}
    if isinstance(document, list):
        return [cut(inner) for inner in document]
    if isinstance(document, str) and len(document) > LONG_TEXT:
        return f"{document[:LONG_TEXT]}… ({len(document):,} characters)"
    return document


def reads_long(raw: Any) -> bool:
    """Return whether a value is a text that needs room of its own."""
    return isinstance(raw, str) and (len(raw) > _ONE_LINE or "\n" in raw.strip())


def pretty(document: Any) -> str:
    """Return a document as indented JSON."""
    return json.dumps(document, indent=2, ensure_ascii=False, default=str)


def _csrf_field(visitor: Any) -> Markup:
    return Markup('<input type="hidden" name="csrf" value="{}">').format(visitor.csrf)


def _brief(raw: Any) -> str:
    text = json.dumps(raw, ensure_ascii=False, default=str) if isinstance(raw, list | dict) else str(raw)
    return "none" if raw is None else text if len(text) <= _BRIEF else f"{text[: _BRIEF - 1]}…"
