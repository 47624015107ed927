"""Plots as SVG, readable on a light and on a dark page."""

import math
from html import escape

STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #6e7781; }
  .small { font-size: 10px; }
  .title { font-size: 13px; font-weight: 600; }
  .end { text-anchor: end; }
  .middle { text-anchor: middle; }
  .grid { stroke: #8b949e; stroke-opacity: .3; }
  .axis { stroke: #8b949e; stroke-width: 1.5; }
  .reached { fill: #2da44e; }
  .missed { fill: #6e9bd1; }
  .slower { fill: #cf5a3c; }
  .dot { fill: #57606a; fill-opacity: .55; }
  .target { stroke: #bf8700; stroke-width: 3; }
  .reference { stroke: #8250df; fill: #8250df; }
  .ours { stroke: #2da44e; fill: #2da44e; }
  polyline { stroke-width: 2; }
  polyline.reference, polyline.ours { fill: none; }
  .dashed { stroke-dasharray: 3 4; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #c9d1d9; }
    .dot { fill: #e6edf3; }
    .reached { fill: #3fb950; }
    .reference { stroke: #a371f7; fill: #a371f7; }
    .ours { stroke: #3fb950; fill: #3fb950; }
  }
"""


class Svg:
    def __init__(self, width: int, height: int, title: str):
        self.lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
            f' width="{width}" height="{height}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
        ]

    def text(self, x: float, y: float, text: str, classes: str = "") -> None:
        self.lines.append(
            f'<text x="{x:.1f}" y="{y:.1f}" class="{classes}">{escape(text)}</text>'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, classes: str) -> None:
        self.lines.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
            f' class="{classes}"/>'
        )

    def bar(self, x: float, y: float, width: float, height: float, classes: str) -> None:
        self.lines.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}"'
            f' height="{height:.1f}" rx="2" class="{classes}"/>'
        )

    def dot(self, x: float, y: float, radius: float, classes: str, hint: str) -> None:
        self.lines.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" class="{classes}">'
            f"<title>{escape(hint)}</title></circle>"
        )

    def polyline(self, points: list, classes: str) -> None:
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.lines.append(f'<polyline points="{drawn}" class="{classes}"/>')

    def __str__(self) -> str:
        return "\n".join([*self.lines, "</svg>", ""])


def short(value: float) -> str:
    """Formats a number on an axis: 0.5, 20, 10k, 1M."""
    for limit, suffix in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:g}{suffix}"
    return f"{value:g}"


def log_scale(low: float, high: float, start: float, end: float):
    """Returns a function from values to coordinates between `start` and `end`."""
    span = math.log(high / low)
    return lambda value: start + (end - start) * math.log(value / low) / span


def decades(low: float, high: float) -> list:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [10.0**power for power in range(first, last + 1)]


def ratios(groups: list) -> Svg:
    """Draws for each group a bar for the row that it is named after, a dot for each
    row, and the target. `groups` holds (title, target, name, {name: ratio})."""
    row, left, width = 34, 270, 860
    top = 46
    height = top + row * len(groups) + 34
    values = [v for _, target, _, rows in groups for v in (*rows.values(), target)]
    ticks = [m * 10.0**power for power in range(-3, 4) for m in (1, 2, 5)]
    low = max(t for t in ticks if t <= min(*values, 0.5))
    high = min(t for t in ticks if t >= max(*values, 2))
    at = log_scale(low, high, left, width - 60)
    svg = Svg(width, height, "Speed of oxuv as a multiple of libuv's")
    svg.text(left, 16, "oxuv compared with libuv 1.53.0: right of 1 is in oxuv's"
             " favour", "title")
    svg.text(left, 32, "bar: the benchmark that the group is named after · dot: one benchmark"
             " · yellow: target, green where the bar reaches it", "small")
    for tick in ticks:
        if low <= tick <= high:
            svg.line(at(tick), top, at(tick), height - 30,
                     "axis" if tick == 1 else "grid")
            svg.text(at(tick), height - 14, f"{tick:g}×", "small middle")
    for index, (title, target, named, rows) in enumerate(groups):
        y = top + index * row + row / 2
        shown = rows[named]
        svg.text(left - 10, y + 4, title, "end")
        x1, x2 = sorted((at(1), at(shown)))
        verdict = ("reached" if shown >= target else
                   "missed" if shown >= 0.98 else "slower")
        svg.bar(x1, y - 8, x2 - x1, 16, verdict)
        svg.line(at(target), y - 12, at(target), y + 12, "target")
        for name, ratio in rows.items():
            svg.dot(at(ratio), y, 3, "dot", f"{name}: {ratio:.2f}")
        svg.text(width - 50, y + 4, f"{shown:.2f}×")
    return svg


def growth(panels: list) -> Svg:
    """Draws a panel for each benchmark with a parameter. `panels` holds (title,
    across, {"reference": [(n, µs, cpu µs)], "ours": [...]})."""
    columns, wide, tall = 2, 430, 250
    rows = -(-len(panels) // columns)
    svg = Svg(columns * wide, rows * tall + 30, "How the cost of an event grows")
    for index, side in enumerate(("reference", "ours")):
        x = 50 + index * 170
        svg.line(x, 12, x + 30, 12, side)
        svg.text(x + 36, 16, "libuv 1.53.0" if side == "reference" else "oxuv")
    svg.text(390, 16, "solid: time per event, dotted: CPU time of all threads", "small")
    for index, (title, across, sides) in enumerate(panels):
        x0, y0 = (index % columns) * wide, 30 + (index // columns) * tall
        points = [p for side in sides.values() for p in side]
        x_ticks = sorted({p[0] for p in points})
        costs = [c for p in points for c in p[1:] if c > 0]
        y_ticks = decades(min(costs), max(costs))
        x_at = log_scale(x_ticks[0], x_ticks[-1], x0 + 60, x0 + wide - 20)
        y_at = log_scale(y_ticks[0], y_ticks[-1], y0 + tall - 45, y0 + 30)
        svg.text(x0 + 60, y0 + 18, title, "title")
        for tick in y_ticks:
            svg.line(x0 + 60, y_at(tick), x0 + wide - 20, y_at(tick), "grid")
            svg.text(x0 + 54, y_at(tick) + 4, f"{tick:g} µs", "small end")
        for tick in x_ticks:
            svg.text(x_at(tick), y0 + tall - 28, short(tick), "small middle")
        svg.text(x0 + (wide + 40) / 2, y0 + tall - 12, across, "small middle")
        for side, measured in sides.items():
            svg.polyline([(x_at(n), y_at(cpu)) for n, _, cpu in measured if cpu > 0],
                         f"{side} dashed")
            svg.polyline([(x_at(n), y_at(wall)) for n, wall, _ in measured], side)
            for n, wall, _ in measured:
                svg.dot(x_at(n), y_at(wall), 3, side, f"{n}: {wall:.3g} µs")
    return svg
