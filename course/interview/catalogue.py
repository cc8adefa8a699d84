"""All walkthroughs, in the order of `--list`: the two questions of the field, then along the lessons."""

from course.interview.questions_audit import AUDIT_QUESTIONS
from course.interview.questions_claim import LOCAL_DATA
from course.interview.questions_clients import CLIENT_QUESTIONS
from course.interview.questions_dp_sgd import DP_SGD_QUESTIONS
from course.interview.questions_encryption import ENCRYPTION_QUESTIONS
from course.interview.questions_epsilon import EPSILON_QUESTIONS
from course.interview.questions_frameworks import FRAMEWORK_QUESTIONS
from course.interview.questions_hospitals import HOSPITAL_QUESTIONS
from course.interview.questions_launch import LAUNCH
from course.interview.questions_leaks import LEAK_QUESTIONS
from course.interview.questions_masks import MASK_QUESTIONS
from course.interview.questions_members import MEMBER_QUESTIONS
from course.interview.questions_noise import NOISE_QUESTIONS
from course.interview.questions_patients import PATIENT_QUESTIONS
from course.interview.questions_proofs import PROOF_QUESTIONS
from course.interview.questions_rounds import ROUND_QUESTIONS
from course.interview.questions_shares import SHARE_QUESTIONS
from course.interview.questions_trade_off import TRADE_OFF_QUESTIONS
from course.interview.walkthrough import Walkthrough

WALKTHROUGHS: tuple[Walkthrough, ...] = (
    LAUNCH,
    LOCAL_DATA,
    *ROUND_QUESTIONS,
    *CLIENT_QUESTIONS,
    *LEAK_QUESTIONS,
    *MEMBER_QUESTIONS,
    *EPSILON_QUESTIONS,
    *DP_SGD_QUESTIONS,
    *PROOF_QUESTIONS,
    *SHARE_QUESTIONS,
    *MASK_QUESTIONS,
    *NOISE_QUESTIONS,
    *ENCRYPTION_QUESTIONS,
    *HOSPITAL_QUESTIONS,
    *PATIENT_QUESTIONS,
    *TRADE_OFF_QUESTIONS,
    *AUDIT_QUESTIONS,
    *FRAMEWORK_QUESTIONS,
)


def walkthrough(id: str) -> Walkthrough:
    """The walkthrough with this id.

    Raises:
        ValueError: if there is none; the message lists the ids.
    """
    for candidate in WALKTHROUGHS:
        if candidate.id == id:
            return candidate
    raise ValueError(f"there is no question {id!r}; there are {', '.join(w.id for w in WALKTHROUGHS)}")
