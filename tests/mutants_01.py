"""Right and wrong answers to the exercises of lesson 01, by exercise: what its checkers must tell apart.

`ACCEPT[exercise][name]` is an answer that must pass; `REJECT[exercise][name]` is an answer that must not,
and words of the sentence that its author should read.
"""

import mutants_01_dealing as dealing
import mutants_01_drift as drift
import mutants_01_server as server
import mutants_01_training as training

ACCEPT = dealing.ACCEPT | training.ACCEPT | server.ACCEPT | drift.ACCEPT
REJECT = dealing.REJECT | training.REJECT | server.REJECT | drift.REJECT
