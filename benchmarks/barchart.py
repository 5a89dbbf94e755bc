"""Horizontal bars as an SVG file, panels side by side; no library. Readable on light and dark pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

LABELS, WIDE, HIGH, GAP, TOP = 190, 230, 26, 70, 62
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1f2937}.title{font-weight:600}.note{font-size:12px;fill:#6b7280}"
    ".bar{fill:#94a3b8}.ours{fill:#0f766e}.ground{fill:#ffffff}"
    "@media(prefers-color-scheme:dark){text{fill:#e5e7eb}.note{fill:#9ca3af}.ground{fill:#111827}.bar{fill:#64748b}.ours{fill:#2dd4bf}}"
)


@dataclass(frozen=True, slots=True)
class Panel:
    """One figure of every side, e.g. requests per second; a side without a value has no bar."""

    title: str
    values: Mapping[str, float]


def bar_chart(sides: Sequence[str], panels: Sequence[Panel], *, ours: str, note: str) -> str:
    """Return the drawing: a row for each side, a column for each panel, the bars of `ours` in another colour."""
    width = LABELS + len(panels) * (WIDE + GAP)
    height = TOP + len(sides) * HIGH + 40
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            'role="img">'
        ),
        f"<title>{escape(note)}</title><style>{STYLE}</style>",
        f'<rect class="ground" width="{width}" height="{height}"/>',
    ]
    for row, side in enumerate(sides):
        parts.append(f'<text x="{LABELS - 10}" y="{TOP + row * HIGH + 15}" text-anchor="end">{escape(side)}</text>')
    for column, panel in enumerate(panels):
        parts += _panel(panel, sides, ours, LABELS + column * (WIDE + GAP))
    parts.append(f'<text class="note" x="10" y="{height - 14}">{escape(note)}</text></svg>')
    return "\n".join(parts) + "\n"


def _panel(panel: Panel, sides: Sequence[str], ours: str, left: int) -> list[str]:
    """Draw its title and its bars, the longest as wide as the panel."""
    parts = [f'<text class="title" x="{left}" y="{TOP - 22}">{escape(panel.title)}</text>']
    longest = max(panel.values.values(), default=0.0) or 1.0
    for row, side in enumerate(sides):
        if side not in panel.values:
            continue
        value, top = panel.values[side], TOP + row * HIGH
        long = max(1.0, WIDE * value / longest)
        kind = "bar ours" if side == ours else "bar"
        parts.append(f'<rect class="{kind}" x="{left}" y="{top}" width="{long:.1f}" height="{HIGH - 8}" rx="2"/>')
        parts.append(f'<text x="{left + long + 6:.1f}" y="{top + 14}">{_short(value)}</text>')
    return parts


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"
