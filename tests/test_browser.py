"""The course as its learner meets it: `make lab`, JupyterLab in Chromium, Run All.

Run All is driven on the lessons that COURSE_BROWSER_LESSONS names ("00 07", or "all", which takes a quarter
of an hour): by default the first, one on integers, the one with an explorer, and the audit lab. `make test`
runs the cells of all notebooks anyway, without a browser.

Skipped, with a sentence, where no Chromium is installed. Screenshots go to the folder named in
COURSE_SCREENSHOTS, or are thrown away with the test's temporary folder.
"""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVEN = os.environ.get("COURSE_BROWSER_LESSONS", "00 07 12 13").split()
LESSONS = sorted(
    source.stem
    for source in (ROOT / "solutions").glob("[0-9][0-9]_*.py")
    if source.stem[:2] in DRIVEN or DRIVEN == ["all"]
)
START_SECONDS, RUN_SECONDS = 120, 400
BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium here: install `chromium` to drive JupyterLab in a browser"
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab as `make lab` starts it, on a copy of the lessons: (its address, its token)."""
    folder = tmp_path_factory.mktemp("lab")
    for name in ("notebooks", "solutions"):
        shutil.copytree(ROOT / name, folder / name)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(8)
    arguments = (
        f"--no-browser --allow-root --port={port} --IdentityProvider.token={token} --expose-app-in-browser"
    )
    with (folder / "lab.log").open("w") as log:
        process = subprocess.Popen(
            ["make", "lab", f"LAB_ROOT={folder}", f"LAB_ARGS={arguments}"],
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for_server(f"http://127.0.0.1:{port}/api?token={token}", process, folder / "lab.log")
        yield f"http://127.0.0.1:{port}", token, folder
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=30)


def _wait_for_server(address: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-2000:]
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"JupyterLab did not answer in {START_SECONDS} s:\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def page(lab, tmp_path_factory):
    """One page of a headless Chromium, signed in."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("profile")),
            executable_path=BROWSER,
            headless=True,
            args=BROWSER_ARGUMENTS,
            viewport={"width": 1280, "height": 900},
        )
        yield context.new_page()
        context.close()


def _open(page, lab, path: str) -> None:
    address, token, _ = lab
    page.goto(f"{address}/lab/tree/{path}?reset&token={token}", wait_until="domcontentloaded")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
    page.wait_for_function(
        "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'",
        timeout=90_000,
    )


def _run_all(page) -> list[dict]:
    """Run → Run All Cells, as a learner would; return what each code cell printed, once all have run."""
    page.click("text=Run >> nth=0")
    page.click("text=Run All Cells >> nth=0")
    cells_left = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells].filter(
        cell => cell.type === 'code' && cell.sharedModel.source.trim() && !cell.executionCount).length"""
    error = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells].filter(
        cell => cell.type === 'code' && !(cell.getMetadata('tags') || []).includes('raises-exception')
    ).flatMap(cell => cell.outputs.toJSON()).find(output => output.output_type === 'error')"""
    deadline = time.monotonic() + RUN_SECONDS
    while page.evaluate(cells_left):
        stopped = page.evaluate(error)
        assert not stopped, f"{stopped['ename']}: {stopped['evalue']}"
        assert time.monotonic() < deadline, (
            f"{page.evaluate(cells_left)} cells have not run after {RUN_SECONDS} s"
        )
        time.sleep(1)
    return page.evaluate("""() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
        .filter(cell => cell.type === 'code')
        .map(cell => ({source: cell.sharedModel.source, outputs: cell.outputs.toJSON()}))""")


def _screenshots(page, lab, name: str) -> None:
    folder = Path(os.environ.get("COURSE_SCREENSHOTS", lab[2] / "screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    panel = page.locator(".jp-WindowedPanel-outer").first
    height = panel.evaluate("node => node.scrollHeight")
    for number, top in enumerate(range(0, height, 750)):
        panel.evaluate("(node, top) => node.scrollTo(0, top)", top)
        page.wait_for_timeout(250)
        page.screenshot(path=folder / f"{name}_{number:02d}.png")


def _text_of(output: dict) -> str:
    data = output.get("data", {}).get("text/plain", output.get("text", ""))
    return data if isinstance(data, str) else "".join(data)


@pytest.mark.parametrize("lesson", LESSONS)
def test_run_all_reaches_the_end_of_the_unsolved_lesson(page, lab, lesson) -> None:
    _open(page, lab, f"notebooks/{lesson}.ipynb")
    cells = _run_all(page)
    errors = [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]
    assert errors == []
    checks = [cell for cell in cells if re.search(r"= check\(", cell["source"])]
    assert checks
    for cell in checks:
        assert any("not attempted" in _text_of(output) for output in cell["outputs"]), cell["source"]
    pictures = [
        output for cell in cells for output in cell["outputs"] if "image/png" in output.get("data", {})
    ]
    assert pictures
    _screenshots(page, lab, lesson)


def test_quiz_answers_a_click(page, lab) -> None:
    _open(page, lab, "notebooks/00_start_here.ipynb")
    page.evaluate("""() => window.jupyterapp.commands.execute('notebook:run-all-cells')""")
    option = page.get_by_text("Nothing in the data", exact=False)
    radio = page.locator(".widget-radio-box input").first
    panel = page.locator(".jp-WindowedPanel-outer").first
    for _ in range(60):
        panel.evaluate("node => node.scrollTo(0, node.scrollHeight)")
        page.wait_for_timeout(500)
        panel.evaluate("node => node.scrollBy(0, -2500)")
        page.wait_for_timeout(500)
        if radio.count():
            break
    assert option.count() == 0  # Explanations stay hidden until somebody chooses.
    radio.check()
    page.wait_for_selector("text=Not this one", timeout=15_000)


def test_result_boxes_follow_the_dark_theme(page, lab) -> None:
    _open(page, lab, "notebooks/00_start_here.ipynb")
    page.evaluate(
        """() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"""
    )
    page.evaluate("""() => window.jupyterapp.commands.execute('notebook:run-all-cells')""")
    box = page.locator("div[role=status]").first
    box.wait_for(timeout=60_000)
    background = box.evaluate("node => getComputedStyle(node).backgroundColor")
    text = box.evaluate("node => getComputedStyle(node).color")
    _screenshots(page, lab, "dark_00_start_here")
    page.evaluate(
        """() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})"""
    )
    assert max(map(int, re.findall(r"\d+", background)[:3])) < 110, background
    assert min(map(int, re.findall(r"\d+", text)[:3])) > 150, text


def test_a_link_of_an_interview_answer_opens_its_cell(page, lab) -> None:
    import nbformat

    asked = nbformat.v4.new_code_cell('from course.interview import interview\n\ninterview("review-step")')
    python = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}}
    practice = nbformat.v4.new_notebook(cells=[asked], metadata=python)
    nbformat.write(practice, lab[2] / "notebooks" / "practice.ipynb")
    _open(page, lab, "notebooks/practice.ipynb")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.get_by_text("Start the clock").first.click(timeout=60_000)
    page.wait_for_selector("text=left", timeout=15_000)
    page.locator("summary", has_text="A strong answer").click()
    link = page.locator("details[open] a").nth(1)  # a code cell: JupyterLab makes it the active one
    cell_id = link.get_attribute("href").partition("#cell-id=")[2]
    link.click()
    page.wait_for_function(
        "id => window.jupyterapp.shell.currentWidget.content.activeCell?.model?.id === id",
        arg=cell_id,
        timeout=60_000,
    )
    assert page.evaluate("() => window.jupyterapp.shell.currentWidget.context.path").endswith(
        "06_dp_sgd.ipynb"
    )


def test_the_explorer_of_lesson_12_answers_its_sliders(page, lab) -> None:
    import nbformat

    asked = nbformat.v4.new_code_cell(
        "from course import ROOT, trade_off\n"
        "from course.figures.trade_off import plot_trade_off\n"
        'points = trade_off.load_points(ROOT / "tests/benchmarks/results/trade_off_sweep.json")\n'
        "trade_off.explorer(points, delta=trade_off.DELTA, plot=plot_trade_off)"
    )
    python = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}}
    notebook = nbformat.v4.new_notebook(cells=[asked], metadata=python)
    nbformat.write(notebook, lab[2] / "notebooks" / "exploring.ipynb")
    _open(page, lab, "notebooks/exploring.ipynb")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_selector("text=per client at", timeout=60_000)
    picture = page.locator(".jp-OutputArea img").first
    before = picture.get_attribute("src")
    accuracy = page.locator(".noUi-handle").first
    for _ in range(12):  # from 0.80 to 0.92, which no setting reaches
        accuracy.press("ArrowRight")
    page.wait_for_selector("text=none of 432 points per client", timeout=15_000)
    page.locator(".widget-dropdown select").first.select_option(label="example")
    page.wait_for_selector("text=none of 168 points per example", timeout=15_000)
    assert picture.get_attribute("src") != before


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q"]))
