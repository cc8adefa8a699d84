"""The packet's first page: what was done, what a patient risks, what was seen, what the board is asked."""

SUMMARY = """
{% from "macros" import heading with context %}
{% set weakest = words.weakest(run) %}
{% set smallest = words.smallest(run) %}
{{ heading("summary") }}
<p><strong>What was done.</strong> {{ run.hospitals | length }} hospitals with
{{ "{:,}".format(num_patients) }} patients trained one computer model together. The program sends no scan,
no outline and no name out of a hospital. It sends numbers computed from them
({{ "{:,}".format(run.training.num_parameters) }} a round, in up to {{ run.training.rounds }} rounds).
Random noise in their sum blurs what one patient adds; how much, the next lines say.</p>

<p class="key"><strong>What a patient risks.</strong> Somebody who wants to know whether you took part, and
can only toss a coin, is right {{ words.COIN | percent(0) }} of the time.
{% if words.guess(weakest.epsilon, weakest.delta) == words.NO_GUARANTEE %}
For patients of <bdi>{{ weakest.name }}</bdi> there is <strong>no guarantee</strong>: training may let them
be certain.
{% else %}
Whoever sees what training lets out is right
<strong>{{ words.guess(weakest.epsilon, weakest.delta) }}</strong> of the time for a patient of
<bdi>{{ weakest.name }}</bdi>, the hospital whose patients risk most. This is a ceiling, not a forecast, and
it holds only under the assumptions of section {{ section.adversaries }}.
{% if words.promises_little(weakest) %}
It is so close to certainty that on its own it is little comfort.
{% endif %}
{% endif %}
{% for ceiling, adversaries in words.stronger_adversaries(run).items() %}
{% if ceiling == words.NO_GUARANTEE %}
There is <strong>no guarantee</strong> against
{% else %}
The ceiling is higher, <strong>{{ ceiling }}</strong>, against
{% endif %}
{% for adversary in adversaries %}<bdi>{{ adversary.name }}</bdi>{{ ", " if not loop.last }}{% endfor %}.
{% endfor %}
</p>
<figure>
{{ guess_chart }}
<figcaption>The ceiling for one patient of each hospital, all runs in its budget file. Left: a coin. Right:
certainty.</figcaption>
</figure>

<p><strong>What we saw when we attacked it.</strong>
{% if run.attacks %}
An attack told who had been in training in this share of pairs:
{% for attack in run.attacks %}
{{ attack.auc | interval }} on “<bdi>{{ attack.target }}</bdi>”, {{ "with" if attack.private else "without" }}
privacy noise: {{ words.against(attack.auc, words.COIN) }}{{ ";" if not loop.last else "." }}
{% endfor %}
The names in quotes say which model was attacked.
{% else %}
No attack was run: not measured.
{% endif %}
{% if run.audit is none %}
No audit was run: not measured.
{% else %}
We also planted made-up records to test the program. {{ words.audit_verdict(run.audit) }}
{% endif %}
That an attack fails does not prove that every attack fails. Brackets hold the range in which the true value
plausibly lies.</p>

<p><strong>Whether the model still works.</strong> Of two test patients, one with a tumour and one without,
it gives the one with the tumour the higher score in {{ run.private | interval }} of pairs. Without privacy
noise the same model does so in {{ run.non_private | interval }}; a coin in {{ words.COIN | percent(0) }}.
The smallest hospital is <bdi>{{ smallest.name }}</bdi> with {{ smallest.num_patients }} patients; the
model’s quality there is
{% if smallest.private is none %}<strong>not measured</strong>: too few test patients{% else %}
{{ smallest.private | interval }}{% endif %}.</p>

<p><strong>What is not promised.</strong> That nobody learns anything about you: what is true of people like
you can be learned without you. That files inside a hospital are safe from theft or a court order. That the
model is fit for diagnosis. Section {{ section.limits }} has the whole list.</p>

<p><strong>What the board is asked.</strong> Is the ceiling above acceptable for these patients? Are the
assumptions of section {{ section.adversaries }} credible for these institutions? Is what happens after a
withdrawal (section {{ section.withdrawal }}) what patients are told?</p>

<nav aria-label="Contents">
<p><strong>In this packet</strong></p>
<ol class="contents">
{% for name, title in titles.items() %}
<li><a href="#{{ name }}">{{ title }}</a></li>
{% endfor %}
</ol>
</nav>
"""
