"""Lines over time as an SVG: load and processes, above the waits."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, PANEL, MARGIN = 860, 170, 48


@dataclass(frozen=True, slots=True)
class Line:
    """Points (seconds, value) in one colour; `stepped` holds a value until the next."""

    name: str
    colour: str
    points: Sequence[tuple[float, float]]
    stepped: bool = False


def timeline(title: str, panels: Sequence[tuple[str, Sequence[Line]]], *, seconds: float) -> str:
    """Return the panels one below the other, each with its unit and a scale of its own from zero."""
    height = 40 + len(panels) * (PANEL + MARGIN)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
            'font-size="12">'
        ),
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="{MARGIN}" y="24" font-size="15">{title}</text>',
    ]
    for number, (unit, lines) in enumerate(panels):
        parts += _panel(unit, lines, top=44 + number * (PANEL + MARGIN), seconds=seconds)
    return "\n".join([*parts, "</svg>", ""])


def _panel(unit: str, lines: Sequence[Line], *, top: float, seconds: float) -> list[str]:
    largest = max((value for line in lines for _, value in line.points), default=1.0) or 1.0
    right, bottom = WIDTH - MARGIN, top + PANEL
    parts = [
        f'<path d="M{MARGIN} {top}V{bottom}H{right}" fill="none" stroke="#888"/>',
        f'<text x="{MARGIN - 6}" y="{top + 10}" text-anchor="end">{largest:,.0f}</text>',
        f'<text x="{MARGIN - 6}" y="{bottom}" text-anchor="end">0</text>',
        f'<text x="{right}" y="{bottom + 16}" text-anchor="end">{seconds:.0f} s</text>',
    ]
    for number, line in enumerate(lines):
        scaled = [
            (MARGIN + at / seconds * (right - MARGIN), bottom - value / largest * PANEL) for at, value in line.points
        ]
        parts.append(f'<path d="{_path(scaled, line.stepped)}" fill="none" stroke="{line.colour}" stroke-width="1.6"/>')
        where = MARGIN + 12 + 210 * number
        parts.append(f'<text x="{where}" y="{bottom + 16}" fill="{line.colour}">{line.name} ({unit})</text>')
    return parts


def _path(points: Sequence[tuple[float, float]], stepped: bool) -> str:
    path, before = "", 0.0
    for x, y in points:
        if not path:
            path = f"M{x:.1f} {y:.1f}"
        elif stepped and y != before:
            path += f"H{x:.1f}V{y:.1f}"
        elif not stepped:
            path += f"L{x:.1f} {y:.1f}"
        before = y
    return path + (f"H{points[-1][0]:.1f}" if stepped and points else "")
