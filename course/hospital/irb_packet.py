"""The packet for an ethics board: one printable page, written by program from the record of a run."""

import json
import re
from functools import cache

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from course.hospital import packet_words as words
from course.hospital.packet_charts import guess_chart, utility_chart
from course.hospital.packet_glossary import GLOSSARY
from course.hospital.packet_page import MACROS, PAGE, STYLE
from course.hospital.packet_text_limits import LIMITS
from course.hospital.packet_text_promise import PROMISE
from course.hospital.packet_text_results import RESULTS
from course.hospital.packet_text_summary import SUMMARY
from course.hospital.run import Run
from course.privacy.ledger import epsilon_text

SECTIONS = {
    "summary": "Summary on one page",
    "shared": "What is shared, and with whom",
    "adversaries": "Against whom, and on what assumptions",
    "odds": "What a patient is promised, as odds",
    "ledger": "ε of each hospital, with its whole sentence",
    "attacks": "What attacks and the audit found",
    "utility": "How well the model works, and for whom",
    "limits": "What is not guaranteed",
    "withdrawal": "Keeping data, and withdrawing",
    "training": "How it was trained",
    "hashes": "Fingerprints of code, data and run",
    "glossary": "Glossary",
}
"""In the order of the page; their numbers are counted, not typed."""

TEMPLATES = {
    "page": PAGE,
    "macros": MACROS,
    "summary": SUMMARY,
    "promise": PROMISE,
    "results": RESULTS,
    "limits": LIMITS,
}

_RECORD = re.compile(r'<script type="application/json" id="run">(.*?)</script>', re.DOTALL)


def irb_packet(run: Run) -> str:
    """The packet of a run as one HTML page: no script runs in it, and it loads nothing.

    The page holds the whole record as well, as data; `run_of_packet` reads it back.

    Args:
        run: with at least one hospital. Its words are shown as words, whatever tags stand in them.

    Returns:
        HTML to write into a file as UTF-8, to open in a browser and to print.

    Raises:
        ValueError: if there is no hospital.

    Guarantee: each number on the page comes from `run`, and each number of `run` is on the page.
    Limits: the page is as true as the record. It prints names, reasons and counts as they stand there.
    """
    if not run.hospitals:
        raise ValueError("a run has at least one hospital; this record has none")
    return _environment().get_template("page").render(
        run=run,
        words=words,
        section={name: number for number, name in enumerate(SECTIONS, start=1)},
        titles=SECTIONS,
        num_patients=sum(hospital.num_patients for hospital in run.hospitals),
        guess_chart=guess_chart(run),
        utility_chart=utility_chart(run),
        style=Markup(STYLE),
        record=Markup(words.embedded_json(run)),
        glossary=GLOSSARY,
    )  # fmt: skip


def run_of_packet(packet: str) -> Run:
    """The record from which a packet was written.

    Raises:
        ValueError: if the text holds no record, or a broken one.
    """
    found = _RECORD.search(packet)
    if found is None:
        raise ValueError("this page holds no record of a run")
    return Run.from_json(json.dumps(json.loads(found.group(1))))


@cache
def _environment() -> Environment:
    """Templates that escape every word they print, and in which a misspelt name is an error."""
    environment = Environment(
        loader=DictLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in (
        "percent", "percent_short", "short", "interval", "how_measured", "rounds_text",
        "odds_factor",
    ):  # fmt: skip
        environment.filters[name] = getattr(words, name)
    environment.filters["epsilon_text"] = epsilon_text
    return environment
