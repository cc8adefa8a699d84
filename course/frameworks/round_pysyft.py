"""One round of FedAvg in PySyft: each of ten owners approves a job.

Run it alone: python round_pysyft.py TASK.npz ANSWER.json

PySyft knows no rounds, clients or averages. A researcher sees each owner's mock data, tries a script on it,
and asks every owner to run the script on the private data; the owners approve, and the researcher averages
what comes back. Here all are on one machine, with PySyft's own stand-in for Google Drive.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
from syft_rds import SyftRDSClient

JOB = """
DIGITS="${DIGITS:-$SYFTBOX_FOLDER/$SYFTBOX_EMAIL/private/syft_datasets/digits/digits.npz}"
mkdir -p code/outputs && "$PYTHON" - "$DIGITS" > code/outputs/model.json <<'END'
import json, sys
import numpy as np
digits, (weights, bias) = np.load(sys.argv[1]), map(np.array, MODEL)
features, truth = digits["features"], np.eye(len(bias))[digits["labels"]]
for _ in range(STEPS):
    scores = np.exp(features @ weights + bias)
    slope = (scores / scores.sum(axis=1, keepdims=True) - truth) / len(features)
    weights, bias = weights - RATE * features.T @ slope, bias - RATE * slope.sum(axis=0)
print(json.dumps({"model": [weights.tolist(), bias.tolist()], "num_examples": len(features)}))
END
"""


def invite(task, client, folder):
    """An owner, a client's digits as private data and random ones as mock data, and the researcher."""
    researcher, owner = SyftRDSClient.pair_with_mock_drive_service_connection(
        base_path1=str(folder / f"owner {client}"),
        base_path2=str(folder / f"researcher {client}"),
        use_in_memory_cache=False,
    )
    mine, rng, files = task["owner"] == client, np.random.default_rng(client), {}
    mock = {"features": rng.random((20, 49)), "labels": rng.integers(0, 10, 20)}
    private = {"features": task["features"][mine], "labels": task["labels"][mine]}
    for kind, arrays in {"mock": mock, "private": private}.items():
        files[kind] = folder / kind / str(client) / "digits.npz"
        files[kind].parent.mkdir(parents=True)
        np.savez(files[kind], **arrays)
    owner.create_dataset(
        "digits", mock_path=files["mock"], private_path=files["private"], users=[researcher.email]
    )
    researcher.sync()
    return researcher, owner


def try_on_mock(job, researcher, owner, folder):
    """The researcher's dry run; a script that fails here is not worth an owner's time."""
    mock = researcher.datasets.get("digits", datasite=owner.email).mock_files[0]
    command = ["bash", "-c", job]
    subprocess.run(command, cwd=folder, env=os.environ | {"DIGITS": str(mock)}, check=True)


def ask(job, name, researcher, owner):
    """Submit, approve, run, share: what the owner's private data answered, and the bytes that crossed."""
    researcher.submit_bash_job(owner.email, job, job_name=name)
    owner.jobs[name].approve()
    owner.process_approved_jobs(stream_output=False, share_outputs_with_submitter=True)
    researcher.sync()
    (output,) = researcher.jobs[name].output_paths
    text = Path(output).read_text()
    return json.loads(text), len(job) + len(text)


def run(task):
    """The model after the rounds, and the bytes of the scripts and of the models that came back."""
    os.environ["PYTHON"] = sys.executable
    model, sent_bytes = [task["weights"].tolist(), task["bias"].tolist()], 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pairs = [invite(task, client, folder) for client in range(int(task["owner"].max()) + 1)]
        for round_index in range(int(task["rounds"])):
            job = JOB.replace("MODEL", json.dumps(model)).replace("STEPS", str(int(task["steps"])))
            job = job.replace("RATE", str(float(task["learning_rate"])))
            try_on_mock(job, *pairs[0], folder)
            replies = [ask(job, f"round {round_index}", *pair) for pair in pairs]
            counts = [reply["num_examples"] for reply, _ in replies]
            parts = zip(*(reply["model"] for reply, _ in replies), strict=True)
            model = [np.average([*map(np.array, part)], axis=0, weights=counts).tolist() for part in parts]
            sent_bytes += sum(size for _, size in replies)
    return {"weights": model[0], "bias": model[1]}, sent_bytes


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = run(task)
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
