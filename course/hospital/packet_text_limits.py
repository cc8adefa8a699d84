"""Sections of the packet: what is not guaranteed, withdrawal, the settings, the hashes, the glossary."""

LIMITS = """
{% from "macros" import heading with context %}
{{ heading("limits") }}
<ul>
<li><strong>Not that nothing can be learned about you.</strong> If the model shows that a sign goes with a
disease, it shows so for you too, whether or not you took part. The guarantee is about the difference that
<em>your</em> part makes.</li>
<li><strong>Not that you are unrecognisable.</strong> The guarantee limits what training adds. It does not
limit what others know from elsewhere, and we do not call any data here “anonymous”.</li>
<li><strong>Nothing about the hospital’s own files.</strong> A thief, an insider or a court order that
reaches the scans or the computers of a hospital meets no privacy noise.</li>
<li><strong>Less, or nothing, if an assumption fails.</strong> Section {{ section.adversaries }} says, for
each adversary, what is left then. At most {{ run.training.spare }} of the hospitals may keep back or give
away their noise, and {{ run.training.threshold }} must stay for a sum to be made.</li>
<li><strong>Not the hospital’s secrets.</strong> That it took part, its size and what its patients have in
common are not hidden. The guarantee is about one patient.</li>
<li><strong>Only one patient at one hospital.</strong> A patient who was in training at two hospitals
carries the risk of both. Relatives resemble each other; a family carries more than one patient’s risk.</li>
<li><strong>Only what stands in the budget files.</strong> Another use of the same scans that is not entered
there adds a risk that this packet does not count.</li>
<li><strong>Not this packet’s own figures.</strong> Numbers of patients, test results, ranges, reasons and
hashes are printed exactly, without noise, and stand outside ε. A small hospital’s counts can point to a
person: check them before the packet leaves the board. Test patients have no guarantee for the results they
enter.</li>
<li><strong>Not that the noise stays secret if its seed does not.</strong> This run can be repeated from the
seed in section {{ section.hashes }}{% if run.simulated %}, which is harmless here because the patients are
simulated{% endif %}. With real patients, a seed from which the noise can be drawn again must never be
written down: whoever has it can
take the noise off.{% if not run.simulated %} If the noise of this run was drawn from it, no guarantee in this
packet holds against a reader of this packet.{% endif %}</li>
<li><strong>Not where the program ran.</strong> The record does not say whether each hospital ran it on its
own computer, or all ran on one as in a rehearsal. On one computer, whoever holds it sees everything.</li>
<li><strong>Not against every error in a program.</strong> The computer’s rounding of numbers leaves traces
that the proof does not see; this program is made for teaching. A mistake in it may make an ε false. The
audit looks for mistakes and does not find all.</li>
<li><strong>Not that hospitals are honest about their data.</strong> One that sends false updates can spoil
the model. Privacy noise is no defence.</li>
<li><strong>Not that the model is fit for care.</strong> It was measured on the test patients above and
nowhere else. It is no medical device, and it may serve some patients worse than others (section
{{ section.utility }}).</li>
{% if run.simulated %}
<li><strong>Nothing about real patients.</strong> Quality, attacks and subgroups are those of simulated
scans. The arithmetic of ε does not depend on the scans; everything else does.</li>
{% endif %}
</ul>

{{ heading("withdrawal") }}
<dl class="facts">
<dt>what is kept</dt><dd><bdi>{{ run.policy.retention }}</bdi></dd>
<dt>if a patient withdraws</dt><dd><bdi>{{ run.policy.withdrawal }}</bdi></dd>
<dt>whom to ask</dt><dd><bdi>{{ run.policy.contact }}</bdi></dd>
</dl>
<h3>What withdrawing does, and what it does not do</h3>
<ul>
<li><strong>Before training</strong>: the scans are not used, and this training holds nothing of them.</li>
<li><strong>During training</strong>: no later round uses the scans. What left the hospital in earlier
rounds does not come back, and its ε stays spent.</li>
<li><strong>After training</strong>: the model remains as it is. How much one patient can have changed it is
limited; section {{ section.odds }} says by how much. Copies that others hold do not come back.</li>
</ul>
<h3>What “unlearning” would mean</h3>
<p><em>Unlearning</em> is making the model as if the patient had never been in it. The sure way is to train
again without the patient. That would give a model in which the patient has no part. It would
<strong>not</strong>:</p>
<ul>
<li>take back the old model, or the sums that the server has already seen;</li>
<li>be free for the others: a second training spends their ε again;</li>
<li>hide the withdrawal: who holds the old and the new model can compare them, and the difference points at
the patient who left. The noise in both limits this too, and the risks of both trainings add up;</li>
<li>lower the ε already spent. A number that has left cannot be unsaid.</li>
</ul>
<p>Faster methods that adjust the old model approximate this. None was used or tested here.</p>

{{ heading("training") }}
<p>For the reader who checks the figures. The model: <bdi>{{ run.training.model }}</bdi>.</p>
<table>
<caption>Settings of the run</caption>
<thead><tr><th scope="col">Setting</th><th scope="col">Value</th><th scope="col">What it
does</th></tr></thead>
<tbody>
<tr><th scope="row">rounds</th><td>{{ run.training.rounds }}</td><td>how often the sum is made</td></tr>
<tr><th scope="row">sample rate</th><td>{{ run.training.sample_rate | short }}</td><td>each patient’s chance
to be in a round</td></tr>
<tr><th scope="row">clipping norm</th><td>{{ run.training.max_update_norm | short }}</td><td>the most that
one patient can add, however many scans they have</td></tr>
<tr><th scope="row">noise multiplier</th><td>{{ run.training.noise_multiplier | short }}</td><td>size of the
noise beside that most</td></tr>
<tr><th scope="row">learning rate</th><td>{{ run.training.learning_rate | short }}</td><td>how far a sum
moves the model</td></tr>
<tr><th scope="row">numbers in an
update</th><td>{{ "{:,}".format(run.training.num_parameters) }}</td><td>what one hospital adds to a
sum</td></tr>
<tr><th scope="row">hospitals that must stay</th><td>{{ run.training.threshold }}</td><td>fewer, and no sum
is made</td></tr>
<tr><th scope="row">spare hospitals</th><td>{{ run.training.spare }}</td><td>their noise may be missing or
known</td></tr>
<tr><th scope="row">decision line</th><td>{{ run.training.decision_threshold | short }}</td><td>a higher
score counts as a tumour</td></tr>
</tbody>
</table>
<p><strong>How the settings were chosen.</strong> {{ run.tuning.num_settings }} settings were tried on:
<bdi>{{ run.tuning.data }}</bdi>. This search cost the patients of this run ε =
{{ run.tuning.epsilon | epsilon_text }}. Had it been made on them, it would have cost ε =
{{ run.tuning.epsilon_if_on_patients | epsilon_text }} at δ = {{ run.tuning.delta | short }}.</p>

{{ heading("hashes") }}
<p>A <em>hash</em> is a fingerprint of a file: change one character and another hash comes out. Whoever
holds the code, the data or the record can compute it again and compare. A hash shows that two things are
the same; it does not show that they are right.</p>
<table>
<caption>Fingerprints (SHA-256)</caption>
<thead><tr><th scope="col">Of</th><th scope="col">Hash</th></tr></thead>
<tbody>
<tr><th scope="row">the record of this run</th><td class="hash">{{ run.sha256 }}</td></tr>
<tr><th scope="row">the code</th><td class="hash">{{ run.code_sha256 }}</td></tr>
<tr><th scope="row">the data</th><td class="hash">{{ run.data_sha256 }}</td></tr>
<tr><th scope="row">the model</th><td class="hash">{{ run.model_sha256 }}</td></tr>
{% for hospital in run.hospitals %}
<tr><th scope="row">the budget file of <bdi>{{ hospital.name }}</bdi></th><td
class="hash">{{ hospital.budget_sha256 }}</td></tr>
{% endfor %}
</tbody>
</table>
<p>Seed of the run: {{ run.seed }}. Programs:
{% for name, version in run.versions.items() %}<bdi>{{ name }}</bdi>
<bdi>{{ version }}</bdi>{{ ", " if not loop.last }}{% endfor %}. The electronic form of this packet carries
the whole record as data; the program’s <code>run_of_packet</code> reads it back and gives its hash.</p>

{{ heading("glossary") }}
<dl class="glossary">
{% for term, meaning in glossary %}
<div><dt>{{ term }}</dt><dd>{{ meaning }}</dd></div>
{% endfor %}
</dl>
"""
