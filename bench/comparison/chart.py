"""The plot of the growth scenario as SVG: a panel a figure, a line a contestant, both axes logarithmic."""

import math
import statistics
from xml.sax.saxutils import escape

PANELS = [("cpu_us_per_query", "CPU per query, µs"), ("cpu_us_per_connection", "CPU per connection, µs"),
          ("kib_per_connection", "memory per idle connection, KiB")]
COLOURS = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b"]
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 300, 240, 50, 34, 34


def points(rounds, figure, steps):
    """(connections, median) wherever something was measured."""
    found = []
    for step in steps:
        values = [figures[f"{figure}_at_{step}"] for figures in rounds if figures]
        if values and statistics.median(values) > 0:
            found.append((step, statistics.median(values)))
    return found


class _Axis:
    """Whole powers of ten around the values, on so many pixels."""

    def __init__(self, values, start, length):
        self.low = math.floor(math.log10(min(values)))
        self.high = max(self.low + 1, math.ceil(math.log10(max(values))))
        self.start, self.length = start, length

    def at(self, value):
        return self.start + self.length * (math.log10(value) - self.low) / (self.high - self.low)

    def ticks(self):
        return [10.0 ** power for power in range(self.low, self.high + 1)]


def _text(x, y, text, anchor="middle"):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(text)}</text>'


def _panel(offset, title, lines):
    every = [point for _, line in lines for point in line]
    parts = [_text(offset + LEFT + (WIDTH - LEFT) / 2, TOP - 14, title)]
    if not every:
        return parts
    x = _Axis([point[0] for point in every], offset + LEFT, WIDTH - LEFT - 12)
    y = _Axis([point[1] for point in every], HEIGHT - BOTTOM, TOP + BOTTOM - HEIGHT)
    for tick in x.ticks():
        parts.append(f'<path class="grid" d="M{x.at(tick):.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
        parts.append(_text(x.at(tick), HEIGHT - BOTTOM + 16, f"{tick:,.0f}"))
    for tick in y.ticks():
        parts.append(f'<path class="grid" d="M{offset + LEFT} {y.at(tick):.1f}H{offset + WIDTH - 12}"/>')
        parts.append(_text(offset + LEFT - 6, y.at(tick) + 4, f"{tick:,.6g}", "end"))
    for colour, line in lines:
        path = "L".join(f"{x.at(step):.1f} {y.at(value):.1f}" for step, value in line)
        parts.append(f'<path class="line" stroke="{colour}" d="M{path}"/>')
        parts += [f'<circle cx="{x.at(step):.1f}" cy="{y.at(value):.1f}" r="3" fill="{colour}"/>' for step, value in line]
    return parts


def svg(contestants, rounds, steps):
    """`contestants` with at least one valid round, `rounds` by their name."""
    parts = []
    for index, (figure, title) in enumerate(PANELS):
        lines = [(COLOURS[number % len(COLOURS)], points(rounds[peer.name], figure, steps))
                 for number, peer in enumerate(contestants)]
        parts += _panel(index * WIDTH, title, [line for line in lines if line[1]])
    for number, peer in enumerate(contestants):
        x = LEFT + number * 200
        parts.append(f'<circle cx="{x}" cy="{HEIGHT + 10}" r="4" fill="{COLOURS[number % len(COLOURS)]}"/>')
        parts.append(_text(x + 10, HEIGHT + 14, f"{peer.title}, {peer.mode}", "start"))
    width, height = WIDTH * len(PANELS), HEIGHT + 24
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
            'font-size="11"><style>.grid{stroke:#ddd;fill:none}.line{fill:none;stroke-width:2}</style>'
            f'<rect width="{width}" height="{height}" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n")
