"""Sections of the packet: what is shared and with whom, adversaries, the odds, the ledger."""

PROMISE = """
{% from "macros" import heading, odds with context %}
{{ heading("shared") }}
<p>The scans, the outlines that doctors drew and the patients’ names stay in the hospital that holds them:
the training program has no step that sends them. This packet says nothing about what other programs or
people in a hospital send.</p>
<p>In each round a hospital computes {{ "{:,}".format(run.training.num_parameters) }} numbers (its
<em>update</em>) from the scans of patients{% if run.training.sample_rate < words.CERTAIN %} who were drawn
by chance for that round{% endif %}. How the updates become one sum:
<bdi>{{ run.training.aggregation }}</bdi>. A hospital sends and receives about
{{ run.training.kb_per_round | short }} kilobytes a round.</p>
<table>
<caption>What reaches whom</caption>
<thead><tr><th scope="col">Who</th><th scope="col">What they see</th></tr></thead>
<tbody>
{% for adversary in run.adversaries %}
<tr><th scope="row"><bdi>{{ adversary.name }}</bdi></th><td><bdi>{{ adversary.sees }}</bdi></td></tr>
{% endfor %}
</tbody>
</table>
<div class="wide">
<table>
<caption>Who took part</caption>
<thead><tr><th scope="col">Hospital</th><th scope="col">Patients in training</th><th scope="col">of these
with a tumour</th>
<th scope="col">Test patients</th><th scope="col">Rounds, of {{ run.training.rounds }}</th></tr></thead>
<tbody>
{% for hospital in run.hospitals %}
<tr><th scope="row"><bdi>{{ hospital.name }}</bdi></th><td>{{ hospital.num_patients }}</td>
<td>{{ hospital.num_with_tumour }}</td>
<td>{{ hospital.num_test_patients }}</td><td>{{ hospital.rounds | rounds_text }}</td></tr>
{% endfor %}
</tbody>
</table>
</div>
<p>Test patients take no part in training; the model’s quality is measured on them.</p>
<h3>Scans that were left out</h3>
{% if run.left_out %}
<p>{{ run.left_out | length }} in all:</p>
<ul>
{% for reason in run.left_out %}
<li><bdi>{{ reason }}</bdi></li>
{% endfor %}
</ul>
{% else %}
<p>None.</p>
{% endif %}

{{ heading("adversaries") }}
<p>A guarantee always holds <em>against somebody</em>, and <em>as long as something is true</em>. Both are
named here. The odds are for this run; earlier runs are added in section {{ section.odds }}.</p>
{% for adversary in run.adversaries %}
<div class="card">
<h3><bdi>{{ adversary.name }}</bdi></h3>
<dl class="facts">
<dt>wants to know</dt><dd><bdi>{{ adversary.wants }}</bdi></dd>
<dt>we assume</dt><dd><bdi>{{ adversary.assumption }}</bdi></dd>
<dt>best guess whether you took part</dt><dd>{{ odds(adversary.epsilon, adversary.delta) }}
<span class="small">ε = {{ adversary.epsilon | epsilon_text }}, δ = {{ adversary.delta | short }}, noise
multiplier {{ adversary.noise_multiplier | short }}</span></dd>
<dt>if the assumption fails</dt><dd><bdi>{{ adversary.without_assumption }}</bdi></dd>
</dl>
</div>
{% endfor %}
<p>Every guarantee also assumes that the hospitals run the program whose hash stands in section
{{ section.hashes }}, draw patients and noise from a secret source of chance, and keep their own computers
safe; and that the cryptography of the program holds. Nobody outside can check all of this.</p>

{{ heading("odds") }}
<p>Imagine two worlds that differ in one thing: in one your scans were used, in the other they were not.
Somebody who sees what training lets out tries to tell in which world they are. Beforehand they have no
idea, so a coin is as good: {{ words.COIN | percent(0) }} right. The table says how often their best guess
can be right afterwards, at most, even if they know the scans of every other patient.</p>
<div class="wide">
<table>
<caption>The guarantee of a patient, over all runs in the hospital’s budget file</caption>
<thead><tr><th scope="col">Hospital</th><th scope="col">Best guess whether you took part</th>
<th scope="col">The odds grow at most</th><th scope="col">ε</th><th scope="col">The hospital’s own limit for
ε</th></tr></thead>
<tbody>
{% for hospital in run.hospitals %}
<tr><th scope="row"><bdi>{{ hospital.name }}</bdi></th>
<td>{{ odds(hospital.epsilon, hospital.delta) }}</td>
<td>{{ hospital.epsilon | odds_factor }}</td><td>{{ hospital.epsilon | epsilon_text }}</td>
<td>{{ hospital.epsilon_limit | epsilon_text }} <span
class="small">{{ words.budget_verdict(hospital) }}</span></td></tr>
{% endfor %}
</tbody>
</table>
</div>
<p><strong>How to read “the odds grow”.</strong> Somebody who had a suspicion before has odds for it, such
as three to one against. Training can multiply these odds by at most the number shown, whatever the
suspicion was. Outcomes that are very rare (their chance is about δ) are excepted; the best guess already
counts them.</p>
<p><strong>Which ceiling is low enough</strong> is for the board to say; no number is right for every study.
Near {{ words.COIN | percent(0) }} little can be learned about whether you took part; near
{{ words.CERTAIN | percent(0) }} little is promised.</p>
<p><strong>A ceiling, not a forecast.</strong> The ceiling is what no attack can exceed as long as the
assumptions hold. The attacks in section {{ section.attacks }} are those that we tried; better ones may come
closer to the ceiling.</p>

{{ heading("ledger") }}
<p>An ε without its sentence says nothing. Each sentence below names all that somebody needs who wants to
compute the ε again: how much noise, how often, whose data one record is, and which program added it up.</p>
{% for hospital in run.hospitals %}
<div class="card">
<h3><bdi>{{ hospital.name }}</bdi>: ε = {{ hospital.epsilon | epsilon_text }} at δ =
{{ hospital.delta | short }}</h3>
{% for claim in hospital.claims %}
<p class="sentence"><bdi>{{ claim }}</bdi></p>
{% else %}
<p>No round stands in its budget file.</p>
{% endfor %}
<p class="small">Runs in the budget file:
{% for name in hospital.runs %}<bdi>“{{ name }}”</bdi>{{ ", " if not loop.last }}{% else %}none
{% endfor %}. {{ words.delta_verdict(hospital) }}
{% if hospital.claims | length > 1 %}The ε of all sentences together is the one in the
heading.{% endif %}</p>
</div>
{% endfor %}
<p><strong>The words of a sentence.</strong> <em>Per patient</em>: all scans of one patient count as one.
<em>Add/remove</em>: the two worlds differ by one patient who is there or is not. <em>Gaussian</em>:
bell-shaped noise. <em>Noise multiplier</em>: how large the noise is beside the most that one patient can
add to the sum. <em>Poisson-sampled</em>: each patient is drawn by their own coin in each round.
<em>Accountant</em>: the program that adds the rounds up.</p>
"""
