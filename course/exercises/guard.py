"""Running a learner's code so that nothing it does can strand the notebook: time, prints, exceptions."""

import contextlib
import dis
import io
import linecache
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator

SECONDS_A_CHECK = 20.0
PRINTS_KEPT = 2_000
"""Characters of a learner's prints that a check keeps; the rest is counted and dropped."""

_STUB_OPERATIONS = {
    "RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "COPY_FREE_VARS", "LOAD_COMMON_CONSTANT",
    "LOAD_SMALL_INT",
}  # fmt: skip
_NOT_THE_ANSWER = {__file__, contextlib.__file__}


class OutOfTime(BaseException):
    """The learner's code ran past its limit; no `Exception`, so that `except Exception` cannot swallow it."""


class CappedText(io.TextIOBase):
    """A text stream that keeps the first `limit` characters and counts the rest."""

    def __init__(self, limit: int = PRINTS_KEPT) -> None:
        super().__init__()
        self.limit, self.kept, self.total = limit, "", 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.kept += text[: max(0, self.limit - len(self.kept))]
        self.total += len(text)
        return len(text)


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` inside the block after so many seconds.

    Limits: needs SIGALRM (not on Windows) and the main thread; without them there is no limit, and
    the stop button of the notebook is the way out.
    """
    usable = hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread()
    if not usable:
        yield
        return
    rings, over = 0, False

    def ring(signum: int, frame: object) -> None:
        nonlocal rings
        if over:
            return
        rings += 1
        if rings > 1:
            _raise_at_next_line(frame)
        raise OutOfTime

    tracer, previous = sys.gettrace(), signal.signal(signal.SIGALRM, ring)
    # The alarm repeats, so that code which swallows the first one is stopped by the next.
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)
    try:
        yield
    finally:
        over = True
        sys.settrace(tracer)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def _raise_at_next_line(frame) -> None:
    # `except BaseException: pass` in an endless loop swallows every alarm. The line after the one that
    # the alarm interrupts is the `pass`; an exception there is out of that handler's reach.
    def stop(frame, event: str, argument: object) -> object:
        if event == "line" and frame.f_code.co_filename not in _NOT_THE_ANSWER:
            raise OutOfTime
        return stop

    sys.settrace(stop)
    while frame is not None and frame.f_code.co_filename not in _NOT_THE_ANSWER:
        frame.f_trace = stop
        frame = frame.f_back


def is_blank(answer: object) -> bool:
    """Whether an answer is still the stub: `...`, None, or a function whose body is only `...`."""
    if answer is None or answer is ...:
        return True
    code = getattr(answer, "__code__", None)
    if code is None:
        return False
    # In a stub nothing is computed: it loads a constant and returns None.
    does_nothing = {step.opname for step in dis.get_instructions(code)} <= _STUB_OPERATIONS
    return does_nothing and not code.co_names and answer_of_constant(code) in (None, ...)


def answer_of_constant(code) -> object:
    """What a function that does nothing but return a constant returns."""
    steps = list(dis.get_instructions(code))
    loads = [step for step in steps if step.opname in {"LOAD_CONST", "RETURN_CONST", "LOAD_SMALL_INT"}]
    return loads[-1].argval if loads else None


def describe_exception(error: BaseException, answer: object) -> str:
    """One sentence for an exception out of the learner's code, with the learner's own line."""
    filename = getattr(getattr(answer, "__code__", None), "co_filename", None)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == filename]
    where = ""
    if frames:
        line = linecache.getline(filename, frames[-1].lineno).strip()
        where = f" in the line `{line}`" if line else f" in its line {frames[-1].lineno}"
    try:
        text = str(error).strip().splitlines()
    except Exception:  # An exception of the learner's own may fail to describe itself.
        text = []
    given = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    return f"Your code stopped with {type(error).__name__}{where}{given}" + (
        f": {text[0][:300]}" if text else "."
    )


def run_guarded(
    verify: Callable[[object], None], answer: object, *, seconds: float
) -> tuple[BaseException | None, CappedText]:
    """Run a checker on an answer; return what it raised (or None) and what the answer printed."""
    prints = CappedText()
    try:
        with contextlib.redirect_stdout(prints), contextlib.redirect_stderr(prints), time_limit(seconds):
            verify(answer)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit and OutOfTime are answers too, not the end of the notebook.
        return error, prints
    return None, prints
