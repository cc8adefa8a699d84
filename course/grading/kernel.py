"""One kernel around one submission: a time limit for each cell, a lid on its output, an end for certain."""

import contextlib
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import zmq
from jupyter_client.manager import KernelManager

import course
from course.grading.inside import MOST_OUTPUT

LARGEST_MESSAGE = 20_000_000
"""Bytes of one message; a larger one is refused by the socket, before it takes up our memory."""
SECONDS_TO_START = 60.0
SECONDS_TO_YIELD = 3.0
"""How long an interrupted cell may take to give up before its kernel is killed."""


class KernelTrouble(RuntimeError):
    """A kernel could not be started or prepared: the fault is the grader's, not the learner's."""


@dataclass(frozen=True)
class Outcome:
    """How a cell ended.

    Attributes:
        fault: why it did not come to its end, as a sentence for the learner; empty if it did.
        error: the exception that ended it, "NameError: …"; empty if there was none.
        value: the text of the expression that was asked for, or None.
    """

    fault: str = ""
    error: str = ""
    value: str | None = None


class Kernel:
    """A Python process of its own, in a folder of its own; use it in a `with` block.

    Guarantee: after the block, and after `start`, no process of the previous kernel's group is left.
    Limits: a child process that leaves the group (`setsid`) is not followed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.alive = folder, False
        self._manager = None

    def __enter__(self) -> "Kernel":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the kernel; end the previous one first, if there was one."""
        self.stop()
        self._context = zmq.Context()
        self._context.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
        self._manager = KernelManager(kernel_name="python3")
        self._manager.start_kernel(
            cwd=str(self.folder), env=_environment(self.folder),
            extra_arguments=["--HistoryManager.enabled=False"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._client = self._manager.client(context=self._context)
        self._client.start_channels(stdin=False, hb=False)
        try:
            self._client.wait_for_ready(timeout=SECONDS_TO_START)
        except RuntimeError as error:
            raise KernelTrouble(f"a kernel did not start: {error}") from error
        self.alive = True

    def stop(self) -> None:
        """Kill the kernel and whatever it started in its process group."""
        self.alive = False
        manager, self._manager = self._manager, None
        if manager is None:
            return
        with contextlib.suppress(AttributeError):  # There is no client if the start itself failed.
            self._client.stop_channels()
        # Also when the kernel is gone already: this kills its process group, and with it what it started.
        manager.shutdown_kernel(now=True)
        self._context.destroy(linger=0)

    def run(self, code: str, *, seconds: float, expression: str = "None") -> Outcome:
        """Run a cell, then evaluate `expression` in the kernel if the cell raised nothing.

        Whatever it displays is counted and dropped. `alive` is False afterwards if the kernel died or
        had to be killed; `start` gives a new one.
        """
        request = self._client.execute(
            code,
            store_history=False,
            allow_stdin=False,
            stop_on_error=False,
            user_expressions={"value": expression},
        )
        reply, fault = self._wait(request, seconds, MOST_OUTPUT)
        if reply is None and self.alive:
            self._manager.interrupt_kernel()
            late_reply, _ = self._wait(request, SECONDS_TO_YIELD, None)
            if late_reply is None:
                self.stop()
        if reply is None:
            return Outcome(fault=fault)
        if reply["status"] != "ok":
            return Outcome(error=f"{reply.get('ename', 'an error')}: {str(reply.get('evalue', ''))[:500]}")
        return Outcome(value=reply["user_expressions"].get("value", {}).get("data", {}).get("text/plain"))

    def _wait(self, request: str, seconds: float, most_output: int | None) -> tuple[dict | None, str]:
        """Wait for the reply to a request; return it, or None and the reason why there is none."""
        poller, printed, deadline = zmq.Poller(), 0, time.monotonic() + seconds
        shell, iopub = self._client.shell_channel, self._client.iopub_channel
        for channel in (shell, iopub):
            poller.register(channel.socket, zmq.POLLIN)
        while time.monotonic() < deadline:
            ready = dict(poller.poll(200))
            if iopub.socket in ready:
                # The raw frames are counted and never decoded, so a flood costs us nothing.
                printed += sum(map(len, iopub.socket.recv_multipart()))
            if shell.socket in ready:
                message = shell.get_msg(timeout=0)
                if message["parent_header"].get("msg_id") == request:
                    return message["content"], ""
            if most_output is not None and printed > most_output:
                return None, f"It printed more than {most_output // 1_000_000} MB and was stopped."
            if not ready and not self._manager.is_alive():
                self.alive = False
                return None, "It ended the Python process: did it call exit, or take too much memory?"
        return (
            None,
            f"It ran for more than {seconds:g} seconds and was stopped. Is there a loop that never ends?",
        )


def _environment(folder: Path) -> dict[str, str]:
    library = str(Path(course.__file__).parent.parent)
    inherited = {key: text for key, text in os.environ.items() if key != "NBGRADER_EXECUTION"}
    return inherited | {
        "PYTHONPATH": os.pathsep.join(filter(None, [library, os.environ.get("PYTHONPATH", "")])),
        # Start-up files and history of whoever runs the grader must not reach a submission.
        "IPYTHONDIR": str(folder / ".ipython"),
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
        # A learner's own call of `check` then raises; otherwise it would lend our answer as theirs.
        "COURSE_STRICT": "1",
    }
