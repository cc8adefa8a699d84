"""What an approved PySyft job can reach.

Run it where the tool is installed: python surprise_pysyft.py TASK.npz ANSWER.json

Nothing here is an attack: the owner approves a script, and the script runs as the owner, outside any sandbox.
"""

import json
import os
import re
import socket
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

import numpy as np
from syft_rds import SyftRDSClient

JOB = """
mkdir -p code/outputs
echo "$OWNER_PASSWORD" > code/outputs/environment.txt
cat "$SYFTBOX_FOLDER/../diary.txt" > code/outputs/outside.txt
bash -c 'exec 3<>/dev/tcp/127.0.0.1/PORT && echo hello >&3 && echo open' > code/outputs/network.txt
"""

TECHNIQUES = {
    "encryption of files": r"encrypt",
    "secure multi-party computation": r"smpc|multi.?party|secret.?shar|additive.?shar",
    "homomorphic encryption": r"homomorphic|\bckks\b|\bbfv\b|\bpaillier\b",
    "differential privacy": r"differential.?priv|\bdp_accounting\b|laplace|gaussian.?mechanism",
}


def mentions():
    """In how many files of PySyft's packages each technique is named, and how many files there are."""
    packages = ("syft", "syft_rds", "syft_job", "syft_datasets", "syft_permissions", "syft_crypto_python")
    files = [path for name in packages for path in Path(find_spec(name).origin).parent.rglob("*.py")]
    texts = [path.read_text(encoding="utf-8").lower() for path in files]
    found = {name: sum(bool(re.search(words, text)) for text in texts) for name, words in TECHNIQUES.items()}
    return {"python files": len(files), **found}


def reached(folder):
    """What a job that the owner approved brought back: a variable, a file outside, an open port."""
    researcher, owner = SyftRDSClient.pair_with_mock_drive_service_connection(
        base_path1=str(folder / "owner"), base_path2=str(folder / "researcher"), use_in_memory_cache=False
    )
    os.environ["OWNER_PASSWORD"] = "correct horse battery staple"
    (folder / "diary.txt").write_text("dear diary")
    with socket.create_server(("127.0.0.1", 0)) as server:
        job = JOB.replace("PORT", str(server.getsockname()[1]))
        researcher.submit_bash_job(owner.email, job, job_name="a mean")
        owner.jobs["a mean"].approve()
        owner.process_approved_jobs(stream_output=False, share_outputs_with_submitter=True)
    researcher.sync()
    return {
        Path(path).stem: Path(path).read_text().strip() for path in researcher.jobs["a mean"].output_paths
    }


def run(task):
    with tempfile.TemporaryDirectory() as folder:
        return {"reached": reached(Path(folder)), "mentions": mentions()}, None


if __name__ == "__main__":
    task, start = dict(np.load(sys.argv[1])), perf_counter()
    answer, sent_bytes = run(task)
    report = {"answer": answer, "sent_bytes": sent_bytes, "seconds": perf_counter() - start}
    Path(sys.argv[2]).write_text(json.dumps(report))
