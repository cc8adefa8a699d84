"""*Learning Without Looking*: the library that the lessons of the course stand on.

Each room is one folder with one idea a module:

- `course.data`: MNIST and the Adult census, shipped and hash-checked; partitions among clients
- `course.federated`: FedAvg by hand, one remedy for drift, the same clients on Flower, secure averages
- `course.privacy`: mechanisms, accountants, DP-SGD by hand, and the privacy ledger
- `course.crypto`: secret sharing, products that stay secret, secure aggregation, homomorphic encryption
- `course.attacks`: gradient inversion, membership inference with shadow models, the empirical audit of DP-SGD
- `course.hospital`: the case study: scans, a detector, privacy per patient, the ethics packet, the deployment
- `course.trade_off`: privacy, utility and bytes as one problem, and the solver that ends in a one-page spec
- `course.audit_lab`: vendors with planted flaws, what an auditor files about them, and how that is scored
- `course.frameworks`: the same round, count or sum in each tool of the field, live or recorded
- `course.exercises`: `check`, `hint`, `quiz`, `claim`, and the checkers of each lesson
- `course.interview`: interview questions with rubrics, and answers linked to the cells that show them
- `course.figures`: one figure style and the course's plots

Rooms import downward only: `exercises` may use `federated`, never the other way round.
"""

import os
from pathlib import Path

__version__ = "0.1.0"

ROOT = Path(__file__).resolve().parents[1]
"""The folder of the course: from here lessons find recorded results, wherever a notebook was copied to."""

# Flower and Ray report usage to their makers unless told not to; a privacy course does not.
os.environ.setdefault("FLWR_TELEMETRY_ENABLED", "0")
os.environ.setdefault("FLWR_DISABLE_UPDATE_CHECK", "1")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
