"""The packet for the ethics board prints the run and nothing else, escapes it, and overclaims nothing."""

import ast
import dataclasses
import itertools
import json
import math
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hospital_run import small_run
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, nodes
from test_browser import BROWSER, BROWSER_ARGUMENTS

from course.hospital import packet_words as words
from course.hospital.irb_packet import SECTIONS, TEMPLATES, _environment, irb_packet, run_of_packet
from course.hospital.packet_glossary import GLOSSARY
from course.hospital.packet_page import STYLE
from course.hospital.run import Measured, Run

VOID = {"meta", "line", "rect", "circle", "br"}
NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?:e[-+]?\d+)?")


class Page(HTMLParser):
    """What a reader meets: the text (with what is read aloud for a chart), and the tags, in balance."""

    def __init__(self, html):
        super().__init__()
        self.text, self.tags, self.data, self.open, self.ids, self.links = [], [], [], [], [], []
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        self.text.append(attributes.get("aria-label", ""))
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes["href"]] if "href" in attributes else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        if "script" in self.open:
            self.data.append(data)
        elif "style" not in self.open:
            self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


def words_of(run):
    """The text of a run's packet, but for the hash of the record, which any change changes."""
    return Page(irb_packet(run)).words.replace(run.sha256, "")


def leaves(data, path=()):
    if isinstance(data, dict | list):
        entries = data.items() if isinstance(data, dict) else enumerate(data)
        return [leaf for key, entry in entries for leaf in leaves(entry, (*path, key))]
    return [(path, data)]


def with_leaf(run, path, value):
    """The run with one entry of its record replaced."""
    data = json.loads(run.to_json())
    holder = data
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return Run.from_json(json.dumps(data))


def other_number(path, value):
    """A number near `value` that the record allows in its place."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    shift = {"low": -0.004, "high": 0.004, "confidence": -0.01}
    if path[-1] in shift:
        return value + shift[path[-1]]
    if path[-1] == "value":
        return value + 0.004
    return value * 1.2 if value else 0.5


RUN = small_run()
# A Gaussian's closeness is 0 and stands nowhere; tests/test_ledger.py has claims in which it is more.
LEAVES = [leaf for leaf in leaves(json.loads(RUN.to_json())) if leaf[0][-1] != "closeness"]
NUMBERS = [(path, value) for path, value in LEAVES if isinstance(value, int | float)]
WORDS = [(path, value) for path, value in LEAVES if isinstance(value, str) and value != "inf"]
ENUMERATED = {
    "unit": "example", "adjacency": "replace one", "accountant": "prv", "mechanism": None, "sampler": None,
}  # fmt: skip
"""Words of a claim of which few are allowed; None where another one would contradict the rest of it."""


# Every number of the run is on the page --------------------------------------------------------------


@pytest.mark.parametrize(("path", "value"), NUMBERS, ids=lambda entry: str(entry).replace(", ", "."))
def test_another_number_in_the_run_is_another_text_on_the_page(path, value):
    assert words_of(with_leaf(RUN, path, other_number(path, value))) != words_of(RUN)


def test_the_run_of_these_tests_has_a_number_in_every_numeric_field():
    fields = {".".join(str(key) for key in path if isinstance(key, str)) for path, _ in NUMBERS}
    assert len(fields) > 75 and len(NUMBERS) > 150


def test_even_the_last_digit_of_a_number_changes_the_printed_hash():
    nudged = with_leaf(RUN, ("private", "value"), math.nextafter(RUN.private.value, 1))
    assert words_of(nudged) == words_of(RUN)  # Not visible in rounded text …
    assert nudged.sha256 in irb_packet(nudged) and RUN.sha256 not in irb_packet(nudged)


@pytest.mark.parametrize(("path", "value"), WORDS, ids=lambda entry: str(entry)[:60].replace(", ", "."))
def test_every_word_of_the_run_is_on_the_page(path, value):
    if "claims" in path and path[-1] in ENUMERATED:
        other = ENUMERATED[path[-1]]
        if other is None:
            assert value in words_of(RUN).lower()
            return
        assert words_of(with_leaf(RUN, path, other)) != words_of(RUN)
    else:
        assert "a word of its own" in words_of(with_leaf(RUN, path, "a word of its own"))


@pytest.mark.parametrize("field", ["non_private_seeds", "hospitals.2.private", "hospitals.2.sensitivity"])
def test_what_was_not_measured_is_said_to_be_so_and_disappears_once_it_is(field):
    path = tuple(int(key) if key.isdigit() else key for key in field.split("."))
    measured = {"value": 0.6171, "low": 0.6, "high": 0.7, "method": "DeLong", "num": 9, "confidence": 0.95}
    before, after = words_of(RUN), words_of(with_leaf(RUN, path, measured))
    assert "61.7\u00a0%" not in before and "61.7\u00a0%" in after.replace(" %", "\u00a0%")
    assert after.count("not measured") < before.count("not measured")


@pytest.mark.parametrize(
    "change", [{"audit": None}, {"attacks": ()}, {"subgroups": ()}, {"private_seeds": None}]
)
def test_a_part_that_was_not_run_is_not_measured(change):
    assert words_of(dataclasses.replace(RUN, **change)).count("not measured") > words_of(RUN).count(
        "not measured"
    )


# No number on the page comes from elsewhere ----------------------------------------------------------

COUNTED = {str(number) for number in range(1, len(SECTIONS) + 1)}
AXIS = {str(percent) for percent in range(50, 101, 10)}
MAY_STAND = COUNTED | AXIS | {"256"}
"""The numbers of the sections, the ticks of the charts (50 % is the coin), and the name of SHA-256."""


def twin(run, shift):
    """A run with other numbers everywhere, and without digits in its words."""
    data = json.loads(run.to_json())
    count = itertools.count()
    for path, value in LEAVES:
        holder = data
        for key in path[:-1]:
            holder = holder[key]
        if isinstance(value, str) and value != "inf":
            holder[path[-1]] = re.sub(r"\d+", lambda _: "x", value)
        elif isinstance(value, float):
            holder[path[-1]] = value * (0.9 + 0.0007 * next(count) - 0.013 * shift) or 0.077 * shift
        elif isinstance(value, int) and not isinstance(value, bool):
            holder[path[-1]] = (1 + shift) * value + 411 + shift
        if (
            path[-1] == "confidence" and "method" in holder
        ):  # The last field of an interval, which holds its value.
            middle = holder["value"]
            holder |= {"low": 0.887 * middle, "high": 1.0381 * middle, "confidence": 0.813 - 0.01 * shift}
    data["hospitals"] += data["hospitals"] * (3 + shift)
    data["left_out"] *= 17 + shift
    return Run.from_json(json.dumps(data))


def test_runs_without_a_common_number_have_no_common_number_on_their_pages():
    pages = [
        set(NUMBER.findall(words_of(run))) for run in (RUN, *(twin(RUN, shift) for shift in range(1, 6)))
    ]
    assert min(map(len, pages)) > 100
    # One number may be on two pages by accident; what is on all six was typed.
    assert set.intersection(*pages) <= MAY_STAND


def texts_of_templates():
    """The words that the templates type themselves, without tags, and the constants that they print."""
    environment = Environment()
    for name, source in TEMPLATES.items():
        tree = environment.parse(source)
        typed = " ".join(node.data for node in tree.find_all(nodes.TemplateData))
        yield name, re.sub(r"<[^>]*(>|$)", " ", re.sub(r'"[^"]*"', "", typed))
        for output in tree.find_all(nodes.Output):
            for constant in output.find_all(nodes.Const):
                yield name, str(constant.value).replace("{:,}", "")


def test_no_template_types_a_number():
    for name, text in texts_of_templates():
        # A zero is the number of decimals of the coin's 50 %.
        assert not re.search(r"\d", text.replace("SHA-256", "")) or text == "0", f"{name}: {text!r}"
    assert len(list(texts_of_templates())) > 30


def test_no_title_glossary_or_sentence_in_code_types_a_number():
    assert not re.search(r"\d", " ".join([*SECTIONS.values(), *itertools.chain(*GLOSSARY)]))
    tree = ast.parse(Path(words.__file__).read_text(encoding="utf-8"))
    specifications = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.FormattedValue) and node.format_spec
        for part in ast.walk(node.format_spec)
    }  # fmt: skip
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    sentences = [text.value for text in texts if id(text) not in specifications | documentation]
    assert len(sentences) > 20
    assert [text for text in sentences if re.search(r"\d", text)] == ["04x"] * ("04x" in sentences)


def test_the_counts_and_the_total_are_those_of_the_run():
    text = words_of(RUN)
    assert f"{len(RUN.hospitals)} hospitals with {158 + 83 + 13} patients" in text
    assert "19–29" in text and "1–29" in text  # Rounds are counted from one.


# The odds --------------------------------------------------------------------------------------------


def with_epsilon(epsilon, hospital=0):
    hospitals = list(RUN.hospitals)
    hospitals[hospital] = dataclasses.replace(hospitals[hospital], epsilon=epsilon)
    return dataclasses.replace(RUN, hospitals=tuple(hospitals))


def test_the_best_guess_is_that_of_the_weakest_hospital_and_stated_with_its_prior():
    # ε = log 9 and δ = 1e-4: (9 + 0.0001) / 10 = 90.001 %, rounded up.
    text = words_of(with_epsilon(math.log(9), hospital=1))
    assert "is right 50 % of the time" in text.replace("\u00a0", " ")
    assert "at most 90.1 % of the time for a patient of Southern" in text.replace("\u00a0", " ")
    assert "from 50 % to at most 90.1 %" in text.replace("\u00a0", " ")


def test_an_infinite_epsilon_says_no_guarantee_wherever_it_stands():
    text = words_of(with_epsilon(math.inf))
    assert "For patients of Northern there is no guarantee" in text
    assert text.count("no guarantee") >= words_of(RUN).count("no guarantee") + 2
    assert "Northern : ε = ∞" in text and "without limit" in text and "over its limit" in text


def test_an_adversary_without_a_guarantee_is_named_on_the_first_page():
    summary = words_of(RUN).split("2. What is shared")[0]
    assert "There is no guarantee against a subpoena ." in summary
    # The server's ε of this made-up run is above every hospital's.
    assert "The ceiling is higher, at most 94.7 % , against the server ." in summary.replace("\u00a0", " ")


@given(st.floats(0.5, 1))
def test_a_ceiling_is_never_rounded_down(share):
    printed = float(words.percent_at_most(share).split("\u00a0")[0])
    assert 100 * share - 1e-6 <= printed < 100 * share + 0.1
    assert printed < 100 or share > 0.999999


def test_a_ceiling_near_certainty_is_not_rounded_to_it_and_is_called_little_comfort():
    text = words_of(with_epsilon(8.0)).replace("\u00a0", " ")
    assert "at most 99.97 %" in text and "little comfort" in text
    assert "little comfort" not in words_of(RUN)


def test_an_adversary_is_not_called_stronger_for_a_difference_that_is_not_printed():
    hospital = max(RUN.hospitals, key=lambda one: one.epsilon)
    near = dataclasses.replace(RUN.adversaries[0], epsilon=hospital.epsilon * (1 + 1e-9))
    assert "ceiling is higher" in words_of(RUN)
    assert "ceiling is higher" not in words_of(dataclasses.replace(RUN, adversaries=(near,)))


@given(st.floats(0, 800))
def test_the_odds_factor_is_never_rounded_down(epsilon):
    text = words.odds_factor(epsilon)
    if text == "more than a million times":
        assert math.exp(min(epsilon, 700)) > 1e6
    else:
        assert float(text.split(" ")[0].replace(",", "")) >= math.exp(epsilon) * (1 - 1e-9)


def test_rounds_are_counted_from_one_and_gaps_are_seen():
    assert words.rounds_text((0, 1, 2, 7)) == "1–3, 8"
    assert words.rounds_text(()) == "none" and words.rounds_text((4,)) == "5"


# Verdicts are computed -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bound", "control", "sentence"),
    [
        (1.0, 4.0, "does not contradict the claimed guarantee, and the same audit does notice"),
        (1.0, 1.5, "its silence says little"),
        (2.9, 4.0, "The audit contradicts the claimed guarantee. Do not rely"),
    ],
)
def test_the_audit_says_what_its_numbers_say(bound, control, sentence):
    audit = dataclasses.replace(
        RUN.audit, epsilon_lower_bound=bound, control_lower_bound=control, claimed=2.86
    )
    text = words_of(dataclasses.replace(RUN, audit=audit))
    assert text.count(sentence) == 2  # In the summary and in its section.


@pytest.mark.parametrize(
    ("low", "value", "high", "verdict"),
    [
        (0.51, 0.52, 0.55, "better than guessing"),
        (0.48, 0.5, 0.52, "not told apart from guessing"),
        (0.4, 0.45, 0.49, "worse than guessing"),
    ],
)
def test_an_attack_is_judged_by_its_interval(low, value, high, verdict):
    auc = Measured(value, low, high, "bootstrap", 100)
    attack = dataclasses.replace(RUN.attacks[1], auc=auc)
    assert words.attack_verdict(attack).startswith(verdict)
    assert f"privacy noise: {verdict}" in words_of(dataclasses.replace(RUN, attacks=(attack,)))


def test_an_attack_that_finds_only_a_few_is_still_reported():
    tpr = Measured(0.05, 0.02, 0.08, "Clopper–Pearson", 100)
    attack = dataclasses.replace(RUN.attacks[1], tpr=tpr)
    assert words.succeeded(attack) and not words.succeeded(RUN.attacks[1])
    assert words.attack_verdict(attack) == (
        "not told apart from guessing over all patients; better than guessing among those it was surest about"
    )
    assert "A guarantee limits an attack" in words_of(dataclasses.replace(RUN, attacks=(attack,)))


def test_a_delta_that_promises_nothing_is_pointed_out():
    assert "too large to promise anything" not in words_of(RUN)
    hospital = dataclasses.replace(RUN.hospitals[0], delta=0.01)  # Times 158 patients is above 1.
    run = dataclasses.replace(RUN, hospitals=(hospital, *RUN.hospitals[1:]))
    assert "not less than one in its 158 patients: too large" in words_of(run)


# Hostile words ---------------------------------------------------------------------------------------

HOSTILE = (
    "</script></style><script>alert(1)</script>\"'><img onerror=alert(1)>{{ 7*7 }}{% raw %}<!--&lt;\u202e"
)


def test_hostile_words_change_no_tag_and_come_back_whole():
    data = json.loads(RUN.to_json())
    for path, _ in WORDS:
        holder = data
        for key in path[:-1]:
            holder = holder[key]
        if not ("claims" in path and path[-1] in ENUMERATED):
            holder[path[-1]] = HOSTILE
    data["versions"][HOSTILE] = data["versions"].pop("torch")
    run = Run.from_json(json.dumps(data))
    packet = irb_packet(run)
    benign, hostile = Page(irb_packet(RUN)), Page(packet)
    assert Counter(tag for tag, _ in hostile.tags) == Counter(tag for tag, _ in benign.tags)
    assert [set(attributes) for _, attributes in hostile.tags] == [set(a) for _, a in benign.tags]
    assert "{{ 7*7 }}" in hostile.words and "49}" not in hostile.words
    assert run_of_packet(packet) == run


@given(st.text(min_size=1, max_size=30))
def test_any_name_of_a_hospital_can_be_printed(name):
    hospital = dataclasses.replace(RUN.hospitals[0], name=name)
    run = dataclasses.replace(RUN, hospitals=(hospital, *RUN.hospitals[1:]))
    assert run_of_packet(irb_packet(run)) == run


def test_no_script_runs_and_nothing_is_loaded():
    page = Page(irb_packet(RUN))
    assert [a for tag, a in page.tags if tag == "script"] == [{"type": "application/json", "id": "run"}]
    assert not {tag for tag, _ in page.tags} & {"img", "link", "iframe", "object", "embed", "form", "base"}
    assert all(link.startswith("#") for link in page.links)
    assert not re.search(r"url\(|@import|://", STYLE)
    assert any("default-src 'none'" in a.get("content", "") for tag, a in page.tags if tag == "meta")


def test_the_packet_carries_its_record():
    packet = irb_packet(RUN)
    assert run_of_packet(packet) == RUN and run_of_packet(packet).sha256 in packet
    assert irb_packet(RUN) == packet
    with pytest.raises(ValueError, match="no record"):
        run_of_packet("<p>nothing</p>")
    with pytest.raises(ValueError):
        run_of_packet(packet.replace('"seed":4', '"seed":"four"'))
    with pytest.raises(ValueError, match="at least one hospital"):
        irb_packet(dataclasses.replace(RUN, hospitals=()))


# What a board can and cannot read --------------------------------------------------------------------


def test_the_first_sentence_says_that_patients_are_simulated_or_real():
    assert "The patients are simulated." in words_of(RUN)[:400]
    real = words_of(dataclasses.replace(RUN, simulated=False))
    assert "those of real patients" in real[:400] and "simulated patient" not in real
    warning = "no guarantee in this packet holds against a reader"
    assert warning in real and warning not in words_of(RUN)  # The packet prints the seed.


def test_no_sentence_promises_too_much():
    text = words_of(RUN).lower()
    for claim in (
        "anonymised",
        "completely",
        "fully",
        "impossible",
        "perfectly",
        "risk-free",
        "privacy-preserving",
    ):
        assert claim not in text
    assert text.count("anonymous") == 1 and "we do not call any data here “anonymous”" in text
    assert "guaranteed" not in text.replace("what is not guaranteed", "")


TOPICS = """court order, insider, two hospitals, seed, rounding of numbers, fit for care, relatives,
    budget files, train again without the patient, copies that others hold, false updates, test patients"""


@pytest.mark.parametrize("topic", re.split(r",\s+", TOPICS))
def test_the_limits_and_the_withdrawal_are_spelled_out(topic):
    text = words_of(RUN).lower()
    assert topic in text[text.index("8. what is not guaranteed not") :]


def test_every_special_word_is_in_the_glossary():
    terms = " ".join(term for term, _ in GLOSSARY)
    needed = """epsilon, delta, AUROC, noise multiplier, Poisson, accountant, hash, unlearning, sensitivity,
        specificity, canary, membership attack, secure aggregation, clipping, audit, budget file, adversary,
        seed, update, ledger"""
    for term in re.split(r",\s+", needed):
        assert term in terms
    assert [term.lower() for term, _ in GLOSSARY] == sorted(term.lower() for term, _ in GLOSSARY)


def test_the_page_can_be_read_aloud():
    page = Page(irb_packet(RUN))
    tags = dict(page.tags)
    assert tags["html"]["lang"] == "en-GB"
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert all(a.get("scope") in ("row", "col") for tag, a in page.tags if tag == "th")
    counts = Counter(tag for tag, _ in page.tags)
    assert counts["table"] == counts["caption"] == counts["thead"] > 6
    charts = [a for tag, a in page.tags if tag == "svg" and a.get("class") == "chart"]
    assert len(charts) == 2 and all(a["role"] == "img" and len(a["aria-label"]) > 60 for a in charts)
    assert len(page.ids) == len(set(page.ids)) and {link[1:] for link in page.links} == set(SECTIONS)


def luminance(colour):
    """Relative luminance, WCAG 2.2."""
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("name", ["ink", "soft", "blue", "green", "orange"])
@pytest.mark.parametrize("paper", ["#ffffff", "#fdf3ec", "#edf6f2", "#f1f5f8"])
def test_text_has_contrast_on_every_ground(name, paper):
    colour = re.search(rf"--{name}: (#\w{{6}})", STYLE).group(1)
    assert paper == "#ffffff" or paper in STYLE
    assert (luminance(paper) + 0.05) / (
        luminance(colour) + 0.05
    ) >= 4.5  # WCAG 2.2, criterion 1.4.3, level AA.


def test_the_parts_of_the_packet_are_all_escaped():
    assert _environment().autoescape is True
    for source in TEMPLATES.values():
        assert "|safe" not in source.replace(" ", "") and "autoescapefalse" not in source.replace(" ", "")


# In a browser and on paper ---------------------------------------------------------------------------

needs_browser = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium here: install `chromium` to print the packet"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A page of a headless Chromium, and what it complained about."""
    from playwright.sync_api import sync_playwright

    complaints = []
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("profile")),
            executable_path=BROWSER,
            headless=True,
            args=BROWSER_ARGUMENTS,
        )
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("request", lambda request: complaints.append(request.url))
        yield page, complaints
        context.close()


LONG = dataclasses.replace(
    RUN,
    title="A tumour detector " * 8,
    hospitals=tuple(
        dataclasses.replace(hospital, name=name)
        for hospital, name in zip(RUN.hospitals * 2, ["x" * 90, "B y z", "W" * 40, *"def"], strict=True)
    ),
)


@needs_browser
@pytest.mark.parametrize("run", [RUN, LONG], ids=["small", "long names"])
@pytest.mark.parametrize("width", [360, 800, 1400])
def test_nothing_sticks_out_of_the_window(browser, run, width):
    page, complaints = browser
    page.set_viewport_size({"width": width, "height": 900})
    page.set_content(irb_packet(run))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert complaints == []  # No request leaves the page, and its own policy blocks nothing that it needs.


@needs_browser
@pytest.mark.parametrize("run", [RUN, LONG], ids=["small", "long names"])
def test_on_paper_nothing_is_cut_off_and_no_letter_is_tiny(browser, run):
    page, _ = browser
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 657, "height": 1000})  # A4 less its margins, 174 mm at 96 dots an inch.
    page.set_content(irb_packet(run))
    assert page.evaluate("document.documentElement.scrollWidth") <= 657
    smallest = page.evaluate("""() => Math.min(...[...document.querySelectorAll('main *')]
        .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
        .map(e => parseFloat(getComputedStyle(e).fontSize)))""")
    assert smallest * 0.75 >= 8.5  # Points.
    page.emulate_media(media="screen")
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
