"""The spec as one page: the same rows as plain text and as HTML."""

import html
import math
from collections.abc import Iterator

from course.privacy import Unit
from course.privacy.ledger import epsilon_text
from course.trade_off.promise import rounds_drawn

Row = tuple[str, str]


def sections_of(spec: object) -> Iterator[tuple[str, list[Row]]]:
    """Headings, each with its rows.

    Args:
        spec: a `course.trade_off.spec.Spec`.
    """
    public, server = spec.claims()
    yield "What is promised", list(_promise_rows(spec, public, server))
    yield "What is run", list(_run_rows(spec))
    yield "What it gives, and what it costs", list(_result_rows(spec))
    yield "What finding it has cost", list(_search_rows(spec))
    yield "What is assumed", [(f"{place}", text) for place, text in enumerate(spec.assumptions, 1)]


def title_of(spec: object) -> str:
    """What the page is about."""
    return f"Launch spec: a promise to each {spec.unit.value}"


def _promise_rows(spec, public, server) -> Iterator[Row]:
    yield "unit", f"{spec.unit.value} ({_UNIT_WORDS[spec.unit]})"
    yield "neighbours", f"{spec.adjacency.value}, against those who get the model"
    yield (
        "to those who get the model",
        f"ε = {epsilon_text(public.epsilon)} at δ = {spec.delta:g}, over all rounds",
    )
    if spec.unit is Unit.CLIENT:
        yield (
            "against the server",
            f"ε = {epsilon_text(server.epsilon)} at δ = {server.delta:g} ({server.adjacency.value}) for a "
            f"client drawn {rounds_drawn(spec.setting)} times, which 99 of 100 clients stay at or below",
        )
    else:
        yield "against the server", "the same: it does not know which examples were drawn"
    yield "accountants", f"{public.accountant}; {server.accountant} for the server"


def _run_rows(spec) -> Iterator[Row]:
    setting = spec.setting
    drawn = "clients" if spec.unit is Unit.CLIENT else "examples; every client is in every round"
    yield "rounds", f"{setting.rounds}"
    yield "sample rate", f"{setting.sample_rate:g} of the {drawn} (Poisson)"
    yield "local epochs", f"{setting.local_epochs}"
    clipped = "client's update" if spec.unit is Unit.CLIENT else "example's gradient"
    yield "norm C", f"{setting.max_norm:g}, of each {clipped}"
    yield "noise multiplier", f"{setting.noise_multiplier:g}, once on each round's sum"


def _result_rows(spec) -> Iterator[Row]:
    target = spec.target
    least = f"; asked for {target.worst_tenth:g}" if target.worst_tenth > 0 else "; nothing was asked"
    yield "accuracy, as chosen", f"{spec.accuracy}; asked for {target.accuracy:g} at the lower end"
    yield "worst tenth of clients, as chosen", f"{spec.worst_tenth}{least}"
    yield (
        "about these two",
        f"chosen among {spec.num_points:,} points by these very seeds, so hopeful on average; and all points "
        "share the luck of the seeds",
    )
    if spec.confirmed is None:
        yield "fresh seeds", "NOT RUN: nobody has looked at this setting with seeds that did not choose it"
    else:
        yield f"accuracy, fresh seeds ({spec.confirmed.judges} clients)", f"{spec.confirmed.accuracy}"
        yield f"worst tenth, fresh seeds ({spec.confirmed.judges} clients)", f"{spec.confirmed.worst_tenth}"
    most = f"at most {target.megabytes:g} MB were allowed"
    yield "bytes a client", f"{spec.megabytes:.3g} MB expected over the run, secure sum included; {most}"
    if math.isfinite(target.epsilon):
        yield "largest ε allowed", f"{target.epsilon:g}"


def _search_rows(spec) -> Iterator[Row]:
    if spec.search is None:
        yield (
            "search",
            "NOT COUNTED: if it was made on the clients' data, the promise above is not the whole bill",
        )
        return
    yield "search", str(spec.search)


_UNIT_WORDS = {
    Unit.CLIENT: "all that one client holds",
    Unit.EXAMPLE: "one digit of one client, not all that the client holds",
}


def as_text(spec: object) -> str:
    """The page as plain text."""
    lines = [title_of(spec)]
    for heading, rows in sections_of(spec):
        lines += ["", heading, *(f"  {name}: {value}" for name, value in rows)]
    return "\n".join(lines)


def as_html(spec: object) -> str:
    """The page as HTML without scripts, links or pictures."""
    parts = [f"<h3>{html.escape(title_of(spec))}</h3>"]
    for heading, rows in sections_of(spec):
        cells = "".join(
            f'<tr><th style="text-align:left;vertical-align:top;width:15em">{html.escape(name)}</th>'
            f'<td style="text-align:left">{html.escape(value)}</td></tr>'
            for name, value in rows
        )
        parts.append(f"<h4>{html.escape(heading)}</h4><table>{cells}</table>")
    return f'<div style="max-width:56em">{"".join(parts)}</div>'
