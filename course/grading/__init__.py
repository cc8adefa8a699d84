"""The grader's parts: submissions in, kernels around them, marks out. `course.grade` puts them together."""
