# SPDX-License-Identifier: Apache-2.0
"""A line plot as SVG, without any library."""
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 440, 70, 150, 50, 60
COLORS = ("#0b6e4f", "#c1440e", "#3b5ba5", "#8a6d3b", "#6b2d5c")


def _ticks(largest):
    """Round steps, about five of them."""
    power = 10.0 ** len(str(int(largest))) / 100 if largest >= 1 else 0.01
    step = next(power * factor for factor in (1, 2, 5, 10, 20, 50, 100) if power * factor * 6 >= largest)
    return [step * index for index in range(int(largest / step) + 2)]


def lines(title, x_label, y_label, series):
    """`series` maps a name to (x, y) pairs; x positions are equally spaced, as callers usually double."""
    xs = sorted({x for points in series.values() for x, _ in points})
    ticks = _ticks(max(y for points in series.values() for _, y in points))
    inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(x, y):
        across = xs.index(x) / max(len(xs) - 1, 1)
        return LEFT + across * inner_width, TOP + inner_height * (1 - y / ticks[-1])
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
           f'font-size="13"><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
           f'<text x="{LEFT}" y="28" font-size="17">{escape(title)}</text>']
    for tick in ticks:
        y = place(xs[0], tick)[1]
        out.append(f'<line x1="{LEFT}" x2="{LEFT + inner_width}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
                   f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for x in xs:
        out.append(f'<text x="{place(x, 0)[0]:.1f}" y="{TOP + inner_height + 20}" text-anchor="middle">{x}</text>')
    out.append(f'<text x="{LEFT + inner_width / 2}" y="{HEIGHT - 16}" text-anchor="middle">{escape(x_label)}</text>'
               f'<text transform="translate(18,{TOP + inner_height / 2}) rotate(-90)" text-anchor="middle">'
               f'{escape(y_label)}</text>')
    for index, (name, points) in enumerate(series.items()):
        color = COLORS[index % len(COLORS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in sorted(points)))
        out.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2.5"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{color}"/>'
                for x, y in (place(*point) for point in points)]
        y = TOP + 16 + 22 * index
        out.append(f'<line x1="{WIDTH - RIGHT + 16}" x2="{WIDTH - RIGHT + 40}" y1="{y - 4}" y2="{y - 4}" '
                   f'stroke="{color}" stroke-width="2.5"/><text x="{WIDTH - RIGHT + 46}" y="{y}">{escape(name)}</text>')
    return "\n".join(out) + "\n</svg>\n"
