"""Right and wrong answers to the exercises of lesson 04, by exercise: what its checkers must tell apart.

`ACCEPT[exercise][name]` is an answer that must pass; `REJECT[exercise][name]` is an answer that must not,
and words of the sentence that its author should read.
"""

import mutants_04_rates as rates
import mutants_04_scores as scores
import mutants_04_shadows as shadows

from course.exercises.exercise import exercises_of

_PARTS = (shadows, scores, rates)
ACCEPT = {number: answers for number in exercises_of("04") for part in _PARTS
          if (answers := part.ACCEPT.get(number)) is not None}  # fmt: skip
REJECT = {number: answers for number in exercises_of("04") for part in _PARTS
          if (answers := part.REJECT.get(number)) is not None}  # fmt: skip
