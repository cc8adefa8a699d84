"""The frame of the packet: head, style for screen and paper, title block, and where each part stands."""

STYLE = """
:root { --ink: #1a1a1a; --soft: #4a4a4a; --line: #b9c2c9; --tint: #f1f5f8; --blue: #00507d; --green: #00694d;
  --orange: #9c3d00; }
* { box-sizing: border-box; }
html { color: var(--ink); background: #fff;
  font: 16px/1.5 "Source Sans 3", "Liberation Sans", Arial, sans-serif; }
body { max-width: 46rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; overflow-wrap: break-word; }
bdi { overflow-wrap: anywhere; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0.1rem 0 0.4rem; }
h2 { font-size: 1.3rem; line-height: 1.25; margin: 2.2rem 0 0.6rem; padding-bottom: 0.2rem;
  border-bottom: 2px solid var(--blue); color: var(--blue); }
h3 { font-size: 1.05rem; margin: 1.2rem 0 0.3rem; }
p, ul, ol, dl { margin: 0.5rem 0; }
li { margin: 0.25rem 0; }
a { color: var(--blue); }
.eyebrow { color: var(--soft); margin: 0; }
.note { border-left: 5px solid var(--orange); background: #fdf3ec; padding: 0.5rem 0.8rem; margin: 0.8rem 0; }
.key { border-left: 5px solid var(--green); background: #edf6f2; padding: 0.5rem 0.8rem; margin: 0.8rem 0; }
.small { font-size: 0.875rem; color: var(--soft); }
.contents { columns: 2; font-size: 0.94rem; margin: 0.6rem 0 0; padding-left: 1.6rem; }
.contents li { margin: 0; }
table { border-collapse: collapse; width: 100%; margin: 0.8rem 0; font-size: 0.94rem; line-height: 1.35; }
caption { text-align: left; font-weight: bold; padding-bottom: 0.35rem; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.9rem 0.35rem 0;
  border-bottom: 1px solid var(--line); }
thead th { border-bottom: 2px solid var(--soft); vertical-align: bottom; }
th[scope="row"] { min-width: 7rem; }
td .small, th .small { display: block; font-weight: normal; font-size: 0.93em; }
.facts .small { display: block; }
.card { border: 1px solid var(--line); border-radius: 4px; padding: 0.2rem 0.9rem 0.6rem; margin: 0.8rem 0; }
.card h3 { margin-top: 0.5rem; }
h3::first-letter { text-transform: uppercase; }
dl.facts { display: grid; grid-template-columns: 11rem 1fr; gap: 0.2rem 0.8rem; margin: 0.3rem 0; }
dl.facts dt { font-weight: bold; }
dl.facts dd { margin: 0; }
.sentence, .hash { font-family: "Liberation Mono", "DejaVu Sans Mono", monospace; }
.sentence { font-size: 0.86rem; line-height: 1.45; background: var(--tint);
  padding: 0.4rem 0.6rem; margin: 0.3rem 0; }
.hash { font-size: 0.84rem; word-break: break-all; }
.glossary dt { font-weight: bold; }
.glossary dd { margin: 0 0 0.6rem 1.2rem; }
figure { margin: 0.8rem 0; }
figcaption { font-size: 0.875rem; color: var(--soft); }
.chart { display: block; width: 100%; height: auto; font-size: 13px; }
.chart text { fill: var(--ink); unicode-bidi: isolate; }
.chart .tick { fill: var(--soft); font-size: 12px; }
.chart .grid { stroke: #d5dbe0; stroke-width: 1; }
.chart .value { font-weight: bold; }
.chart .bar { fill: #56B4E9; stroke: var(--blue); }
.chart .nothing { fill: #fff; stroke: var(--orange); stroke-dasharray: 4 3; stroke-width: 2; }
.chart line.private { stroke: var(--green); stroke-width: 2.5; }
.chart circle.private { fill: var(--green); }
.chart line.baseline { stroke: #555; stroke-width: 2; stroke-dasharray: 4 3; }
.chart rect.baseline { fill: #fff; stroke: #555; stroke-width: 2; }
.swatch { display: inline-block; vertical-align: -0.1em; width: 1.6em; height: 0.9em; }
@media (max-width: 36rem) {
  dl.facts { grid-template-columns: 1fr; } dl.facts dd { margin-bottom: 0.4rem; } .contents { columns: 1; }
  .wide, figure { overflow-x: auto; } .wide table, .chart { min-width: 34rem; }
}
@page { size: A4; margin: 17mm 18mm 18mm;
  font: 9pt "Liberation Sans", Arial, sans-serif; color: #4a4a4a;
  @bottom-left { content: "Packet for the ethics board"; }
  @bottom-right { content: "Page " counter(page) " of " counter(pages); } }
@media print {
  html { font-size: 10.5pt; line-height: 1.4; }
  body { max-width: none; padding: 0; }
  a { color: inherit; text-decoration: none; }
  h2, h3, caption { break-after: avoid; }
  p, li, dd { orphans: 3; widows: 3; }
  table, tr, figure, .card, .note, .key, .sentence, .glossary div, dl.facts, nav { break-inside: avoid; }
  thead { display: table-header-group; }
  .note, .key, .sentence, .chart, .swatch { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .glossary { columns: 2; column-gap: 8mm; }
  h1 + p + .note { margin: 0.5rem 0; }
  #summary { margin-top: 1rem; }
}
"""

PAGE = """<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<title>{{ run.title }}: packet for the ethics board</title>
<style>{{ style }}</style>
</head>
<body>
<header>
<p class="eyebrow">Packet for the ethics board</p>
<h1><bdi>{{ run.title }}</bdi></h1>
<p class="small">Run <bdi>“{{ run.training.run }}”</bdi>, <bdi>{{ run.date }}</bdi>. A program wrote this
packet and took every figure from the record of that run.</p>
{% if run.simulated %}
<p class="note"><strong>The patients are simulated.</strong> <bdi>{{ run.source }}</bdi> No real patient
took part, and nothing below has been shown on real patients. Where this packet says “patient”, read
“simulated patient”.</p>
{% else %}
<p class="note"><strong>The scans are those of real patients.</strong> <bdi>{{ run.source }}</bdi></p>
{% endif %}
</header>
<main>
{% include "summary" %}
{% include "promise" %}
{% include "results" %}
{% include "limits" %}
</main>
<script type="application/json" id="run">{{ record }}</script>
</body>
</html>
"""

MACROS = """
{% macro heading(name) %}
<h2 id="{{ name }}">{{ section[name] }}. {{ titles[name] }}</h2>
{% endmacro %}
{% macro odds(epsilon, delta) %}
{% if words.guess(epsilon, delta) == words.NO_GUARANTEE %}
<strong>{{ words.NO_GUARANTEE }}</strong>
{%- else %}
from {{ words.COIN | percent(0) }} to <strong>{{ words.guess(epsilon, delta) }}</strong>
{%- endif %}
{% endmacro %}
{% macro cell(measured, of="patients") %}
<td>{{ measured | interval }}
{%- if measured is not none %}<span class="small">{{ measured | how_measured(of) }}</span>{% endif %}</td>
{% endmacro %}
"""
"""What the sections share; imported with the page's context."""
