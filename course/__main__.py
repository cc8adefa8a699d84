"""The course's commands: `python -m course build`, `grade` and `interview`."""

import argparse
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m course", description="Learning Without Looking: the course's commands."
    )
    commands = parser.add_subparsers(dest="command", required=True)

    build = commands.add_parser("build", help="make notebooks/ and solutions/*.ipynb from solutions/*.py")
    build.add_argument("lessons", nargs="*", help="numbers such as 01; all lessons if none is given")
    build.add_argument(
        "--check", action="store_true", help="run nothing; name the stale files and fail if there are any"
    )
    build.add_argument(
        "--text",
        action="store_true",
        help="run only lessons whose code changed; for others, keep the outputs",
    )
    build.add_argument(
        "--root", type=Path, default=Path.cwd(), help="the folder that holds solutions/ (default: here)"
    )

    grade = commands.add_parser("grade", help="grade a folder of submitted notebooks")
    grade.add_argument("folder", type=Path, help="holds NAME.ipynb or NAME/NN_topic.ipynb")
    grade.add_argument("--out", type=Path, help="where marks.csv and feedback/ go (default: FOLDER/grades)")
    grade.add_argument(
        "--seconds", type=float, default=60, help="time limit for each cell of a submission (default: 60)"
    )

    interview = commands.add_parser("interview", help="practise an interview question")
    interview.add_argument("id", nargs="?", help="the name of a question; one at random if none is given")
    interview.add_argument("--list", action="store_true", help="list the questions and ask none")
    interview.add_argument("--lesson", help="only questions whose answers link to this lesson, such as 08")
    interview.add_argument(
        "--minutes", type=int, help="a mock interview: as many questions at random as fit this time"
    )
    interview.add_argument("--reveal", action="store_true", help="print everything at once and ask nothing")

    return _run(parser.parse_args(arguments))


def _run(options: argparse.Namespace) -> int:
    # Imported here, so that each command starts without loading what only the other one needs.
    if options.command == "build":
        from course.build import LessonError, build, check_build

        try:
            if options.check:
                return check_build(options.root.resolve())
            build(options.root.resolve(), options.lessons, text_only=options.text)
        except LessonError as error:
            print(error, file=sys.stderr)
            return 2
        return 0
    if options.command == "interview":
        from course.interview.command import run

        try:
            return run(options)
        except ValueError as error:
            print(error, file=sys.stderr)
            return 2
    from course.grade import GradingError, grade_folder

    try:
        grade_folder(options.folder, out=options.out, seconds=options.seconds)
    except GradingError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
