"""Sections of the packet: attacks and audit, and how well the model works, for whom."""

RESULTS = """
{% from "macros" import heading, cell with context %}
{{ heading("attacks") }}
<p>We played the adversary. A <em>membership attack</em> takes a model and a patient and says how likely the
patient was in training. The figures in brackets are the range in which the true value plausibly lies; below
each stands how it was made.</p>
<div class="wide">
<table>
<caption>Membership attacks</caption>
<thead><tr><th scope="col">Attack, and on which model</th>
<th scope="col">Member told from non-member <span class="small">share of pairs; guessing:
{{ words.COIN | percent(0) }}</span></th>
<th scope="col">Members found <span class="small">at the rate of false alarms in the last column</span></th>
<th scope="col">False alarms <span class="small">guessing finds as many</span></th></tr></thead>
<tbody>
{% for attack in run.attacks %}
<tr><th scope="row"><bdi>{{ attack.attack }}</bdi><span class="small">on “<bdi>{{ attack.target }}</bdi>”,
{{ "with" if attack.private else "without" }} a guarantee</span></th>
{{ cell(attack.auc) }}
{{ cell(attack.tpr) }}
<td>{{ attack.fpr | percent_short }}</td></tr>
{% else %}
<tr><td colspan="4">not measured</td></tr>
{% endfor %}
</tbody>
</table>
</div>
{% for attack in run.attacks %}
<p><bdi>{{ attack.attack }}</bdi> on “<bdi>{{ attack.target }}</bdi>”:
<strong>{{ words.attack_verdict(attack) }}</strong>.
{% if attack.private and words.succeeded(attack) %}
A guarantee limits an attack; it does not rule out one that works a little. Compare it with the ceiling in
section {{ section.odds }}.
{% elif attack.private %}
With more patients or a better attack, a difference might show; the ceiling in section {{ section.odds }} is
what is promised.
{% endif %}</p>
{% endfor %}
<h3>Audit of the program</h3>
{% if run.audit is none %}
<p>not measured: no audit was run.</p>
{% else %}
<p>An <em>audit</em> plants {{ "{:,}".format(run.audit.num_canaries) }} made-up records (canaries), includes
each by the toss of a coin, trains, and guesses which were in; it made
{{ "{:,}".format(run.audit.num_guesses) }} guesses. If too many are right, the claimed ε is refuted.</p>
<dl class="facts">
<dt>claimed</dt><dd>ε = {{ run.audit.claimed | epsilon_text }} at δ = {{ run.audit.delta | short }}</dd>
<dt>found</dt><dd>ε is at least {{ run.audit.epsilon_lower_bound | epsilon_text }}, with
{{ run.audit.confidence | percent_short }} confidence</dd>
<dt>could have found</dt><dd>no audit of this size can report more than
{{ run.audit.ceiling | epsilon_text }}</dd>
<dt>without the noise</dt><dd>the same audit of the same program with its noise switched off found at least
{{ run.audit.control_lower_bound | epsilon_text }}</dd>
</dl>
<p><strong>{{ words.audit_verdict(run.audit) }}</strong></p>
{% endif %}

{{ heading("utility") }}
<p>The <em>private model</em> is the one trained with noise. Three questions to a model. <em>Pairs</em>: of
one patient with a tumour and one without, how often does the right one get the higher score (specialists
call this AUROC)? <em>Sensitivity</em>: what share of tumours does it find? <em>Specificity</em>: what share
of patients without a tumour does it leave alone? The last two depend on where the line is drawn; here at a
score of {{ run.training.decision_threshold | short }}, <bdi>{{ run.training.decision_rule }}</bdi>.</p>
<figure>
{{ utility_chart }}
<figcaption>Share of pairs told apart, with ranges. <svg class="swatch" viewBox="0 0 26 14"
aria-hidden="true"><g class="chart"> <line class="private" x1="0" x2="26" y1="7" y2="7"/><circle
class="private" cx="13" cy="7" r="5"/></g></svg> filled circle: the private model. <svg class="swatch"
viewBox="0 0 26 14" aria-hidden="true"><g class="chart"><line class="baseline" x1="0" x2="26" y1="7"
y2="7"/> <rect class="baseline" x="8.5" y="2.5" width="9" height="9"/></g></svg> open square: the same model
without privacy noise. A coin gets {{ words.COIN | percent(0) }}.</figcaption>
</figure>
<div class="wide">
<table>
<caption>Pairs told apart</caption>
<thead><tr><th scope="col">Test patients of</th><th scope="col">The private model</th><th scope="col">The
same model without privacy noise</th></tr></thead>
<tbody>
<tr><th scope="row">all hospitals, this run</th>{{ cell(run.private) }}{{ cell(run.non_private) }}</tr>
<tr><th scope="row">all hospitals, repeated
runs</th>{{ cell(run.private_seeds, "runs") }}{{ cell(run.non_private_seeds, "runs") }}</tr>
{% for hospital in run.hospitals %}
<tr><th scope="row"><bdi>{{ hospital.name }}</bdi></th>
{{ cell(hospital.private) }}{{ cell(hospital.non_private) }}</tr>
{% endfor %}
</tbody>
</table>
</div>
<div class="wide">
<table>
<caption>The private model at its line</caption>
<thead><tr><th scope="col">Hospital</th><th scope="col">Sensitivity: tumours found</th>
<th scope="col">Specificity: patients without a tumour left alone</th></tr></thead>
<tbody>
{% for hospital in run.hospitals %}
<tr><th scope="row"><bdi>{{ hospital.name }}</bdi></th>
{{ cell(hospital.sensitivity) }}{{ cell(hospital.specificity) }}</tr>
{% endfor %}
</tbody>
</table>
</div>
<div class="wide">
<table>
<caption>Who pays for privacy: tumours found, by kind of patient, each model at its own line</caption>
<thead><tr><th scope="col">Kind of patient</th><th scope="col">Test patients with a tumour</th><th
scope="col">The private model</th>
<th scope="col">Without privacy noise</th></tr></thead>
<tbody>
{% for subgroup in run.subgroups %}
<tr><th scope="row"><bdi>{{ subgroup.name }}</bdi></th><td>{{ subgroup.num_patients }}</td>
{{ cell(subgroup.private) }}{{ cell(subgroup.non_private) }}</tr>
{% else %}
<tr><td colspan="4">not measured</td></tr>
{% endfor %}
</tbody>
</table>
</div>
<p>“Not measured” means that too few test patients were there for a figure that says anything. It does not
mean that the model works there. Ranges that overlap do not show that two figures are the same.</p>
"""
