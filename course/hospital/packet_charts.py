"""Two charts of the packet, as SVG inside the page: what anybody can guess, and how well the model works."""

import math

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from course.hospital.packet_words import CERTAIN, COIN, guess, interval, percent
from course.hospital.run import Measured, Run, best_guess

WIDTH, LEFT, RIGHT, TOP = 640, 160, 500, 24
"""In units of the drawing: the names end at LEFT, the axis runs to RIGHT, the labels stand beyond it."""

BAR_ROW, PAIR_ROW = 21, 28
"""The height of a row of each chart."""

LONGEST_NAME = 22
"""Letters of a name on a chart; the tables print it whole."""

_SVG = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)

_FRAME = """
<svg class="chart" role="img" aria-label="{{ alt }}" viewBox="0 0 {{ width }} {{ height }}">
<g class="ticks" aria-hidden="true">
{% for tick in ticks %}
<line class="grid" x1="{{ tick.x }}" x2="{{ tick.x }}" y1="{{ top }}" y2="{{ height - 4 }}"/>
<text class="tick" x="{{ tick.x }}" y="{{ top - 9 }}" text-anchor="middle">{{ tick.text }}</text>
{% endfor %}
</g>
"""

_GUESS = _SVG.from_string(_FRAME + """
{% for row in rows %}
<text class="name" x="{{ left - 10 }}" y="{{ row.y + 5 }}" text-anchor="end">{{ row.name }}</text>
<rect class="{{ row.kind }}" x="{{ left }}" y="{{ row.y - 7 }}" height="14" width="{{ row.width }}"/>
<text class="value" x="{{ right + 10 }}" y="{{ row.y + 5 }}">{{ row.label }}</text>
{% endfor %}
</svg>
""")  # fmt: skip

_UTILITY = _SVG.from_string(_FRAME + """
{% for row in rows %}
<text class="name" x="{{ left - 10 }}" y="{{ row.y + 5 }}" text-anchor="end">{{ row.name }}</text>
{% for dot in row.dots %}
<line class="{{ dot.kind }}" x1="{{ dot.low }}" x2="{{ dot.high }}" y1="{{ dot.y }}" y2="{{ dot.y }}"/>
{% if dot.kind == "private" %}
<circle class="private" cx="{{ dot.x }}" cy="{{ dot.y }}" r="5"/>
{% else %}
<rect class="baseline" x="{{ dot.x - 4.5 }}" y="{{ dot.y - 4.5 }}" width="9" height="9"/>
{% endif %}
{% else %}
<text class="value" x="{{ left + 8 }}" y="{{ row.y + 5 }}">not measured: too few test patients</text>
{% endfor %}
{% endfor %}
</svg>
""")  # fmt: skip


def guess_chart(run: Run) -> Markup:
    """A bar a hospital, from a coin's 50 % to the ceiling of anybody's best guess."""
    rows = []
    for number, hospital in enumerate(run.hospitals):
        ceiling = best_guess(hospital.epsilon, delta=hospital.delta)
        rows.append(
            {
                "name": _short(hospital.name),
                "y": TOP + BAR_ROW * (number + 0.5),
                "width": round(_position(ceiling, COIN) - LEFT, 1),
                "kind": "nothing" if math.isinf(hospital.epsilon) else "bar",
                "label": guess(hospital.epsilon, hospital.delta),
            }
        )
    alt = "Ceiling of anybody's best guess, starting from a coin's " + percent(COIN, 0) + ". " + "; ".join(
        f"{hospital.name}: {guess(hospital.epsilon, hospital.delta)}" for hospital in run.hospitals
    )  # fmt: skip
    return _drawn(_GUESS, rows, COIN, alt)


def utility_chart(run: Run) -> Markup:
    """AUROC with its interval, all test patients and a hospital a row, private and not."""
    pairs = [("All hospitals", run.private, run.non_private)]
    pairs += [(hospital.name, hospital.private, hospital.non_private) for hospital in run.hospitals]
    measured = [entry for _, *both in pairs for entry in both if entry is not None]
    start = min(COIN, math.floor(10 * min(entry.low for entry in measured)) / 10)
    rows = []
    for number, (name, private, non_private) in enumerate(pairs):
        y = TOP + PAIR_ROW * (number + 0.5)
        both = (("private", private, y - 6), ("baseline", non_private, y + 6))
        dots = [_dot(kind, entry, height, start) for kind, entry, height in both if entry is not None]
        rows.append({"name": _short(name), "y": y, "dots": dots})
    alt = "Share of pairs told apart, private and then without noise. " + "; ".join(
        f"{name}: {interval(private)}, {interval(non_private)}" for name, private, non_private in pairs
    )
    return _drawn(_UTILITY, rows, start, alt)


def _drawn(template, rows: list[dict], start: float, alt: str) -> Markup:
    num_steps = round((CERTAIN - start) * 10)
    shares = [CERTAIN - step / 10 for step in range(num_steps, -1, -1)]
    ticks = [{"x": round(_position(share, start), 1), "text": percent(share, 0)} for share in shares]
    height = math.ceil(rows[-1]["y"] + BAR_ROW / 2 + 4)
    return Markup(
        template.render(
            alt=alt, width=WIDTH, height=height, left=LEFT, right=RIGHT, top=TOP, ticks=ticks, rows=rows
        )
    )


def _dot(kind: str, measured: Measured, y: float, start: float) -> dict[str, object]:
    places = {name: round(_position(getattr(measured, name), start), 1) for name in ("value", "low", "high")}
    return {"kind": kind, "y": y, "x": places["value"], "low": places["low"], "high": places["high"]}


def _position(share: float, start: float) -> float:
    """Where a share stands on an axis from `start` to 100 %."""
    return LEFT + (share - start) / (CERTAIN - start) * (RIGHT - LEFT)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
