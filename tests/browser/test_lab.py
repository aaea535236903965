"""Lessons in JupyterLab, from `make lab` on: opened, run, moved."""

import json
import re
import shutil

import pytest
import requests
from playwright.sync_api import expect

from tests import served
from tests.browser.conftest import ROOT, SCREENSHOTS

SECONDS = 900  # for a lesson, on a slow and busy machine


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab of somebody who never used it before, on copies of the lessons."""
    folder = tmp_path_factory.mktemp("course")
    for name in ("Makefile", "pyproject.toml", "requirements.txt"):
        shutil.copy2(ROOT / name, folder)
    shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns("images"))
    home = str(tmp_path_factory.mktemp("home"))
    folders = {f"JUPYTERLAB_{name}_DIR": f"{home}/{name.lower()}" for name in ("SETTINGS", "WORKSPACES")}
    tests_own = dict.fromkeys(["MPLBACKEND", "TQDM_DISABLE"])
    with served.lab(folder, 3600, HOME=home, **folders, **tests_own) as (address, token):
        yield folder / "notebooks", address, token


@pytest.fixture
def opened(lab, chromium):
    """Return a function that opens a lesson; what the browser complains of is an error."""
    folder, address, token = lab
    context = chromium.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(60_000)
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def open_lesson(name):
        page.goto(f"{address}lab/workspaces/{name[:2]}/tree/notebooks/{name}?token={token}")
        kernel_is(page, "Idle", 90)
        expect(page.locator(".jp-Dialog")).to_have_count(0)  # no kernel to choose, no news, no question
        return page, folder / name

    yield open_lesson
    context.close()
    for kernel in requests.get(f"{address}api/kernels", {"token": token}, timeout=30).json():
        requests.delete(f"{address}api/kernels/{kernel['id']}", params={"token": token}, timeout=30)
    assert complaints == []


def kernel_is(page, state, seconds):
    expect(page.locator("#jp-main-statusbar")).to_contain_text(f"(ipykernel) | {state}", timeout=seconds * 1000)


def choose(page, menu, entry):
    page.get_by_role("menuitem", name=menu, exact=True).click()
    page.get_by_role("menuitem", name=entry, exact=True).click()


def run_all(page):
    choose(page, "Edit", "Clear Outputs of All Cells")
    expect(page.locator(".jp-OutputArea-output")).to_have_count(0)
    choose(page, "Run", "Run All Cells")
    kernel_is(page, "Busy", 30)


def wait_for_the_end(page):
    expect(page.locator(".jp-InputArea-prompt").filter(has_text="[*]")).to_have_count(0, timeout=SECONDS * 1000)
    kernel_is(page, "Idle", 30)


def seen(page, text):
    """Scroll to a cell; what JupyterLab draws on the way moves it."""
    cell = page.locator(".jp-CodeCell").filter(has_text=text).first
    for _ in range(4):
        cell.scroll_into_view_if_needed()
        page.wait_for_timeout(500)
    return cell


def saved(page, path):
    with page.expect_request(lambda request: request.method == "PUT" and "/api/contents/" in request.url) as request:
        page.keyboard.press("Control+s")
    assert request.value.response().ok  # the server answers when the file is whole
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def without_outputs(path):
    """Return a lesson without what differs between runs; the version is that of the Python that runs the kernel."""
    notebook = json.loads(path.read_text())
    notebook["metadata"]["language_info"]["version"] = None
    for cell in notebook["cells"]:
        cell.pop("outputs", None)
    return notebook


@pytest.mark.parametrize(
    ("name", "training", "progress", "curve"),
    [
        ("03_batch_normalization.ipynb", "progress(runs", r"\d+/\d+ \[", "With batch norm, the network learns"),
        ("05_lenet.ipynb", "history = g.train(", r"epoch\s\d+\sof\s\d+", "history.plot()"),
    ],
)
def test_a_lesson_runs(opened, name, training, progress, curve):
    page, path = opened(name)
    before = without_outputs(path)
    run_all(page)
    cell = seen(page, training)
    expect(cell.get_by_text(re.compile(progress)).first).to_be_visible(timeout=SECONDS * 1000)
    wait_for_the_end(page)
    cells = saved(page, path)
    assert without_outputs(path) == before  # also the numbers of the cells
    expect(page.get_by_text("cell hidden").first).to_be_visible()  # a solution
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 3

    cell = seen(page, curve)
    picture = cell.locator(".jp-OutputArea-output img").first
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 400
    assert picture.get_attribute("src") not in (None, "")
    page.screenshot(path=SCREENSHOTS / f"lab_{name[:2]}.png")


def test_a_slider_moves_the_figure(opened):
    page, _ = opened("01_convolution.ipynb")
    run_all(page)
    wait_for_the_end(page)
    cell = seen(page, "explore_windows(size=6")
    figure = cell.locator(".jp-OutputArea-output img").first
    expect(figure).to_be_visible()
    before = figure.get_attribute("src")
    handle = cell.get_by_role("slider").first
    value = handle.get_attribute("aria-valuenow")
    handle.focus()
    page.keyboard.press("ArrowRight")
    expect(handle).not_to_have_attribute("aria-valuenow", value)
    expect(cell.locator(".jp-OutputArea-output img").first).not_to_have_attribute("src", before)
    page.wait_for_timeout(500)
    page.screenshot(path=SCREENSHOTS / "lab_01.png")


def test_a_link_to_the_docs_opens(opened):
    page, _ = opened("00_start_here.ipynb")
    page.get_by_role("link", name="docs/environment.md").last.click()
    # the list of contents, which is closed, has the same words
    expect(page.get_by_role("heading", name="MXNet on today's Python").first).to_be_visible()


@pytest.mark.parametrize("path", sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb")))
def test_any_lesson_opens_and_saves_as_it_was(opened, path):
    page, file = opened(path)
    expect(page.locator(".jp-Notebook h1").first).to_contain_text(path[:2])
    before = without_outputs(file), file.read_text().count("\n")
    page.locator(".jp-MarkdownCell").first.click()
    saved(page, file)
    assert (without_outputs(file), file.read_text().count("\n")) == before
