"""The curves as a small SVG: seconds of our cores, both databases side by side, both axes by powers of ten."""

import math
from collections.abc import Sequence

Point = tuple[str, str, int, float]  # database, path, patients, milliseconds
_WIDE, _HIGH, _LEFT, _TOP = 300, 220, 64, 34
_COLOURS = ("#005eb8", "#7c2855", "#007f3b", "#d5281b", "#ae7300", "#425563")
_DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 4", "10 4")


def picture(points: Sequence[Point]) -> str:
    """An SVG whose title and description say what it shows."""
    databases = list(dict.fromkeys(point[0] for point in points))
    paths = list(dict.fromkeys(point[1] for point in points))
    most, least = max(point[3] for point in points), min(point[3] for point in points)
    axis = _Axis(points[0][2], max(point[2] for point in points), _floor(least), _ceil(most))
    wide = _LEFT + len(databases) * (_WIDE + 40)
    high = _TOP + _HIGH + 52 + 18 * math.ceil(len(paths) / 3)
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" role="img" aria-labelledby="t d">',
        '<g font-family="sans-serif" font-size="12" fill="#212b32">',
        '<title id="t">What the number of patients costs, in milliseconds of a core</title>',
        f'<desc id="d">{_told(points)}</desc>',
        f'<rect width="{wide}" height="{high}" fill="#ffffff"/>',
    ]
    for place, database in enumerate(databases):
        own = [point for point in points if point[0] == database]
        drawn.append(f'<g transform="translate({_LEFT + place * (_WIDE + 40)} {_TOP})">')
        drawn += [f'<text y="-12" font-weight="bold">{database}</text>', *axis.drawn(first=place == 0)]
        drawn += [_curve(axis, paths.index(path), [one for one in own if one[1] == path]) for path in paths]
        drawn.append("</g>")
    drawn += [_named(place, path) for place, path in enumerate(paths)]
    return "\n".join([*drawn, "</g>", "</svg>", ""])


class _Axis:
    """Patients from left to right, milliseconds from below."""

    def __init__(self, fewest: int, most: int, least: int, greatest: int) -> None:
        self._from, self._to = math.log10(fewest), math.log10(max(most, fewest * 10))
        self._least, self._greatest = least, greatest

    def at(self, patients: int, milliseconds: float) -> tuple[float, float]:
        across = (math.log10(patients) - self._from) / (self._to - self._from)
        up = (math.log10(milliseconds) - self._least) / (self._greatest - self._least)
        return round(across * _WIDE, 1), round(_HIGH - up * _HIGH, 1)

    def drawn(self, *, first: bool) -> list[str]:
        lines: list[str] = []
        for power in range(self._least, self._greatest + 1):
            _, y = self.at(1, 10.0**power)
            lines.append(f'<path d="M0 {y}H{_WIDE}" stroke="#d8dde0"/>')
            if first:
                lines.append(f'<text x="-6" y="{y + 4}" text-anchor="end">{10**power:g} ms</text>')
        for power in range(round(self._from), round(self._to) + 1):
            x, _ = self.at(10**power, 10.0**self._least)
            lines.append(f'<path d="M{x} 0V{_HIGH}" stroke="#d8dde0"/>')
            lines.append(f'<text x="{x}" y="{_HIGH + 16}" text-anchor="middle">{10**power:,}</text>')
        lines.append(f'<text x="{_WIDE / 2}" y="{_HIGH + 34}" text-anchor="middle">patients</text>')
        return lines


def _curve(axis: _Axis, place: int, points: Sequence[Point]) -> str:
    dots = [axis.at(patients, milliseconds) for _, _, patients, milliseconds in points]
    line = " ".join(f"{x},{y}" for x, y in dots)
    marks = "".join(f'<circle cx="{x}" cy="{y}" r="3"/>' for x, y in dots)
    look = f'stroke="{_COLOURS[place % 6]}" stroke-dasharray="{_DASHES[place % 6]}"'
    return f'<g fill="{_COLOURS[place % 6]}"><polyline points="{line}" fill="none" stroke-width="2" {look}/>{marks}</g>'


def _named(place: int, path: str) -> str:
    x, y = _LEFT + place % 3 * 200, _TOP + _HIGH + 58 + 18 * (place // 3)
    look = f'stroke="{_COLOURS[place % 6]}" stroke-dasharray="{_DASHES[place % 6]}"'
    return f'<path d="M{x} {y - 4}h28" stroke-width="2" {look}/><text x="{x + 34}" y="{y}">{path}</text>'


def _told(points: Sequence[Point]) -> str:
    ends: dict[tuple[str, str], list[Point]] = {}
    for point in points:
        ends.setdefault(point[:2], []).append(point)
    return " ".join(
        f"{database}, {path}: {own[0][3]:.1f} ms with {own[0][2]:,} patients, {own[-1][3]:.1f} ms with {own[-1][2]:,}."
        for (database, path), own in ends.items()
    )


def _floor(value: float) -> int:
    return math.floor(math.log10(value))


def _ceil(value: float) -> int:
    return math.ceil(math.log10(value))
