"""Lesson 02, Flower: its four exercises, the answers that it lends, and the hints."""

from course.exercises.exercise import Exercise
from course.exercises.lesson_02_client import answer_train, average_survivors, verify_answer, verify_survivors
from course.exercises.lesson_02_server import adam_step, coordinate_median, verify_adam, verify_median

EXERCISES = (
    Exercise(
        "02.1", "answer_train", "answer a train message", answer_train, verify_answer,
        (
            "What must the server know from you, besides the model, to take a weighted mean?",
            'content["arrays"].to_torch_state_dict() is the model, content["config"]["learning-rate"] what the server asks for.',
            'RecordDict({"arrays": ArrayRecord(trained), "metrics": MetricRecord({"num-examples": num_examples})})',
        ),
        points=2,
    ),
    Exercise(
        "02.2", "average_survivors", "average those who answered", average_survivors, verify_survivors,
        (
            "If a client with half of all examples fails, what should the weights of the others add up to?",
            "Keep [reply for reply in replies if not reply.has_error()], and raise a ValueError if that is empty.",
            'The model is reply.content["arrays"].to_torch_state_dict(), the count reply.content["metrics"]["num-examples"]; '
            "the rest is `fedavg` of lesson 01, which you may call.",
        ),
    ),
    Exercise(
        "02.3", "coordinate_median", "the median instead of the mean", coordinate_median, verify_median,
        (
            "One of five colleagues says that lunch costs a million. Which average of the five answers still helps you?",
            "Stack the clients' tensors of one name along a new first dimension and take the median over it.",
            "torch.quantile(stacked, 0.5, dim=0) takes the mean of the middle two; torch.median takes the lower one.",
        ),
    ),
    Exercise(
        "02.4", "adam_step", "the server's Adam", adam_step, verify_adam,
        (
            "Which of the four lines need the old momentum and second moment, and which the new ones?",
            "Four dictionary comprehensions, one a line, each over `for name in weights`; a tensor has .sqrt().",
            "weights + step_size * momentum / (second.sqrt() + tau), each for every name; return all three dictionaries.",
        ),
        points=2,
    ),
)  # fmt: skip
