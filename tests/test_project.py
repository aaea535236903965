"""The files around the package agree with it and with each other."""

import ast
import importlib
import json
import os
import re
import subprocess
import sys
from itertools import chain
from pathlib import Path

import gluon_cnn
import pytest
import requests
from gluon_cnn.networks.registry import NETWORKS
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tests import served
from tests.networks import small
from tests.test_rooms import FLOOR

tomllib = pytest.importorskip("tomllib")  # in Python since 3.11
nbformat = pytest.importorskip("nbformat")
fresh = pytest.importorskip("tests.fresh")  # needs nbformat, too
ROOT = Path(__file__).parent.parent
FOLDED = "jp-MarkdownHeadingCollapsed"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def ran(*command, **settings):
    env = {k: v for k, v in os.environ.items() if k != "PYTHON" and not k.startswith("MAKE")}  # of make test PYTHON=...
    defaults = {"cwd": ROOT, "env": env, "capture_output": True, "text": True, "check": False}
    return subprocess.run(command, **{**defaults, **settings})


def blocks(path, language):
    return re.findall(rf"```{language}\n(.*?)```", path.read_text(), flags=re.DOTALL)


def test_every_public_name_is_there_and_documented():
    for name in gluon_cnn.__all__:
        item = getattr(gluon_cnn, name)
        assert item.__doc__, name
        assert f"`{name}`" in (ROOT / "README.md").read_text() or name == "History", name
        assert ("gluon_cnn", name) in set(reference()), name


def reference():
    """Return (module, name) of each entry of the reference."""
    for page in ("api", "modules"):
        for section in (ROOT / "docs" / f"{page}.rst").read_text().split("currentmodule:: ")[1:]:
            for name in re.findall(r"^\.\. (?:auto\w+|data):: (\S+)", section, re.MULTILINE):
                yield section.split()[0], name


@pytest.mark.parametrize("room", ["plots", "course", "course.diagrams"])
def test_the_reference_has_every_name_that_a_room_offers(room):
    tree = ast.parse(Path(importlib.import_module(f"gluon_cnn.{room}").__file__).read_text())
    offered = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert offered - {name for _, name in reference()} - {"diagrams"} == set()


def test_every_public_name_is_used_by_a_lesson_and_by_a_test():
    lessons = "".join(
        cell.source for path in NOTEBOOKS for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"
    )
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    # train returns it; a comment and the text name it; load_data calls it for all pictures, which not everyone has
    elsewhere = {"History", "VGG_NOTES", "load_data_fashion_mnist"}
    used = {name for name in gluon_cnn.__all__ if re.search(rf"(\bg\.|import [^\n]*\b){name}\b", lessons)}
    assert set(gluon_cnn.__all__) - used == elsewhere
    assert [name for name in gluon_cnn.__all__ if not re.search(rf"\b{name}\b", tests)] == []


def test_the_readmes_program_runs(tmp_path):
    (program,) = blocks(ROOT / "README.md", "python")
    done = ran(sys.executable, "-c", program, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) > 0.6


def test_the_version_is_the_same_everywhere():
    for name, entry in (("pyproject.toml", 'version = "{}"'), ("CITATION.cff", "version: {}")):
        assert entry.format(gluon_cnn.__version__) in (ROOT / name).read_text(), name


def test_links_between_the_files_are_whole():
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text()):
            assert (path.parent / link).exists(), f"{path.name} links to {link}"


def imports_of(code):
    """Yield (module, name) of what Python code imports from the package."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gluon_cnn"):
            yield from ((node.module, alias.name) for alias in node.names)


def test_what_documents_and_benchmarks_name_of_the_package_is_there():
    named = set(reference())
    for path in (ROOT / "benchmarks").rglob("*.py"):
        named |= set(imports_of(path.read_text()))
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for code in blocks(path, "python"):
            named |= set(imports_of(code))
        for file in re.findall(r"`((?:gluon_cnn|tests|benchmarks)/[\w/]+\.\w+)`", path.read_text()):
            assert (ROOT / file).exists() or "squeezenet" in file or "lesson_16" in file, f"{path.name} names {file}"
    assert ("gluon_cnn", "LeNet") in named
    for module, name in named:
        assert hasattr(importlib.import_module(module), name) or importlib.import_module(f"{module}.{name}")


def test_contributing_shows_the_floors_that_the_rooms_keep():
    rows = re.findall(r"^\| (\d) \| `(\w+)` \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert {room: int(floor) for floor, room in rows} == FLOOR


def test_every_network_has_its_lesson_and_its_rows():
    """What a row in the registry cannot give by itself, as CONTRIBUTING.md tells."""
    lessons = {path.stem.split("_", 1)[1] for path in NOTEBOOKS}
    assert {network.module for network in NETWORKS.values()} <= lessons
    assert small.ROWS.keys() == NETWORKS.keys()


def test_make_alone_lists_every_command():
    printed = ran("make").stdout
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    for command in set(phony.split()) - {"rebuild"}:
        assert re.search(rf"^  {command} +\w", printed, flags=re.MULTILINE), command


@pytest.mark.skipif(not Path(sys.prefix, ".installed").exists(), reason="not in the environment that make made")
def test_a_clone_beside_a_program_is_not_taken_for_the_package(tmp_path):
    (tmp_path / "gluon_cnn" / "notebooks").mkdir(parents=True)
    code = "import gluon_cnn; print(gluon_cnn.LeNet.__name__)"
    done = ran(sys.executable, "-c", code, cwd=tmp_path)
    assert done.stdout == "LeNet\n", done.stderr


def test_the_tests_are_collected_with_the_core_alone(tmp_path, monkeypatch):
    """What the extras bring is hidden; a test that needs some of it has to say so before it imports it."""
    notebooks = ["nbformat", "IPython", "jupyter_client", "ipywidgets"]
    extras = [*notebooks, "skimage", "scipy", "gluoncv", "onnx", "onnxruntime"]
    (tmp_path / "core_alone.py").write_text(f"import sys; sys.modules.update(dict.fromkeys({extras}))\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)  # options of plugins
    done = ran(sys.executable, "-m", "pytest", "-p", "core_alone", "--collect-only", "-q", "tests")
    assert done.returncode == 0, done.stdout[-2000:]
    assert re.search(r"^\d{4} tests collected", done.stdout, re.MULTILINE)


def test_no_python_gives_a_plain_message(tmp_path):
    done = ran("make", "lab", f"VENV={tmp_path}/venv", "PYTHON=no-such-python")
    assert done.returncode == 2
    assert "The course needs Python 3.10 to 3.14, and none was found (looked for: no-such-python)" in done.stdout
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize(
    ("interpreters", "variables", "printed"),
    [
        ({"python3.14": "all", "python3.13": "all"}, [], "with python3.14"),
        ({"python3.14": "no venv", "python3.13": "all"}, [], "with python3.13"),
        ({"python3.14": "all", "mine": "all"}, ["PYTHON=mine"], "with mine"),
        ({"mine": "no venv"}, ["PYTHON=mine"], "mine cannot make virtual environments. On Debian and Ubuntu: sudo"),
        ({"mine": "another version"}, ["PYTHON=mine"], "The course needs Python 3.10 to 3.14, and none was found"),
    ],
)
def test_make_takes_the_newest_python_that_can_be_used(interpreters, variables, printed, tmp_path, monkeypatch):
    for name, state in interpreters.items():
        fits, venv = state != "another version", state == "all"
        (tmp_path / name).write_text(
            f"""#!/bin/sh
            case "$*" in
                *version_info*) {"exit 0" if fits else "exit 1"};;
                *ensurepip*) {"exit 0" if venv else "exit 1"};;
                --version) echo {name};;
                *) exit 1;;
            esac
            """
        )
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    done = ran("make", "install", f"VENV={tmp_path}/venv", *variables)
    assert done.returncode == 2
    assert printed in done.stdout


@pytest.mark.parametrize(
    ("settings", "variables", "folder"),
    [
        ({"LANG": "zh_CN.UTF-8"}, [], "notebooks/zh"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "zh_TW.UTF-8"}, [], "notebooks/zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, [], "notebooks"),
        ({"LANG": "zh_CN.UTF-8"}, ["COURSE=en"], "notebooks"),
        ({}, ["COURSE=zh"], "notebooks/zh"),
        ({}, [], "notebooks"),
    ],
)
def test_make_lab_opens_the_language_of_the_locale(settings, variables, folder, tmp_path):
    (tmp_path / "Makefile").symlink_to(ROOT / "Makefile")
    (tmp_path / "notebooks" / "zh").mkdir(parents=True)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "jupyter").write_text('#!/bin/sh\necho "$GLUON_CNN_LANGUAGE $*"\n')
    (tmp_path / ".venv" / "bin" / "jupyter").chmod(0o755)
    settings = {"PATH": os.environ["PATH"], **settings}
    command = "make", "--silent", "--old-file=.venv/.installed", "lab", *variables
    (tmp_path / ".venv" / ".installed").touch()
    opened = ran(*command, cwd=tmp_path, env=settings).stdout
    assert "/lab/tree/notebooks/00_start_here.ipynb" in opened  # there is no Chinese lesson yet
    assert opened.startswith("en ")
    (tmp_path / "notebooks" / "zh" / "00_start_here.ipynb").touch()
    opened = ran(*command, cwd=tmp_path, env=settings).stdout
    assert f"/lab/tree/{folder}/00_start_here.ipynb" in opened
    assert opened.startswith("zh " if "zh" in folder else "en ")
    done = ran(*command, "COURSE=xy", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == "COURSE is en or zh; got xy\n"


@pytest.mark.skipif(not Path(sys.prefix, ".installed").exists(), reason="not in the environment that make made")
def test_make_lab_serves_the_lessons_behind_a_token_without_a_screen(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with served.lab(ROOT, 120) as (address, token):
        with requests.Session() as session:
            # the address is printed a moment before the server listens
            session.mount("http://", HTTPAdapter(max_retries=Retry(connect=10, backoff_factor=0.2)))
            assert session.get(f"{address}api/contents", timeout=30).status_code == 403
            contents = session.get(f"{address}api/contents/notebooks", params={"token": token}, timeout=30).json()[
                "content"
            ]
            page = session.get(f"{address}lab", params={"token": token}, timeout=30)
        assert {path.name for path in NOTEBOOKS} <= {item["name"] for item in contents}
        assert page.status_code == 200
        assert "@jupyterlab/apputils-extension:announcements" in page.text  # switched off: no question about news


def test_each_test_that_the_docs_name_is_there():
    documents = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    named = {name for path in documents for name in re.findall(r"`(test_\w+)`", path.read_text())}
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert named
    assert {name for name in named if f"def {name}(" not in tests} == set()


def test_the_lock_file_pins_every_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = [*project["dependencies"], *chain(*project["optional-dependencies"].values()), "mxnet", "uv"]
    pins = re.findall(r"^([\w.-]+)==\S+(?: ; (.*))?$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    for name in (re.match(r"[\w-]+", requirement)[0].lower() for requirement in required):
        assert any(pin == name for pin, _ in pins), name
    assert "://" not in (ROOT / "requirements.txt").read_text()


def code_of(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture(scope="class", params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture(scope="class")
def notebook(path):
    return nbformat.read(path, as_version=4)


class TestLesson:
    def test_is_valid_and_holds_its_outputs(self, notebook):
        nbformat.validate(notebook)
        code = code_of(notebook)
        assert all(cell.execution_count for cell in code if cell.source.strip())
        assert not any(output.output_type == "error" for cell in code for output in cell.outputs)
        assert "parameters" in code[0].metadata.tags

    def test_stored_outputs_are_fresh(self, path, notebook):
        found = notebook.metadata.get("executed")
        assert found == fresh.digest(notebook), f"cells were changed: make notebooks LESSONS=notebooks/{path.name}"

    def test_is_stored_as_jupyterlab_saves_it(self, path, notebook):
        """So that opening and saving a lesson leaves it as it is; tests/browser/test_lab.py shows that it does."""
        text = json.dumps(json.loads(path.read_text()), ensure_ascii=False, indent=1, sort_keys=True)
        assert path.read_text() == text + "\n"
        assert notebook.metadata.kernelspec == fresh.KERNEL
        for cell in notebook.cells:
            # JupyterLab shows hidden outputs again when it runs a cell, and adds "collapsed" when it does not
            assert cell.metadata.keys() <= {"alt", "jupyter", "tags", FOLDED}
            assert cell.metadata.get("jupyter", {}) in ({}, {"source_hidden": True})

    def test_folds_its_solutions(self, notebook):
        """A collapsed heading hides code and outputs, also after Run All Cells, up to the next exercise's heading."""
        heading, solutions = None, 0
        for cell in notebook.cells:
            titles = re.findall(r"^#+ .*", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else []
            heading = cell if titles else heading
            if titles and FOLDED in cell.metadata:
                assert (cell.metadata[FOLDED], cell.source) == (True, "#### Solution")
            if "solution" in cell.metadata.get("tags", []):
                solutions += 1
                assert heading.source == "#### Solution"
                assert cell.metadata.jupyter.source_hidden
        assert solutions >= 2

    def test_the_code_shown_is_the_packages(self, path, notebook, monkeypatch):
        pytest.importorskip("IPython")
        shown = []
        monkeypatch.setattr("IPython.display.display", lambda item: shown.append(item.data))
        cells = code_of(notebook)
        names = {}
        for line in "\n".join(cell.source for cell in cells).splitlines():
            if re.match(r"import gluon_cnn|from gluon_cnn", line):
                exec(line, names)
        for cell in cells:
            if cell.source.startswith("show_source("):
                exec(cell.source, names)
                stored = [output.data["text/markdown"] for output in cell.outputs]
                assert stored == shown, f"the package changed: make notebooks LESSONS=notebooks/{path.name}"
                shown.clear()

    def test_every_figure_says_in_words_what_it_shows(self, notebook):
        for cell in notebook.cells:
            if any("image/png" in output.get("data", {}) for output in cell.get("outputs", [])):
                assert len(cell.metadata.get("alt", "")) > 30, cell.source

    def test_says_what_to_read_first(self, path, notebook):
        first = notebook.cells[0].source
        needs = re.search(r"\*\*You need\*\*(.*?)\*\*Time\*\*", first)
        assert needs, first
        assert path.name[:2] == "00" or re.search(r"\]\(\d\d_\w+\.ipynb\)", needs[1]), needs[1]

    def test_has_short_cells(self, notebook):
        for cell in code_of(notebook):
            assert len(cell.source.splitlines()) <= 15, cell.source

    def test_tells_nothing_of_the_machine_it_ran_on(self, path):
        text = path.read_text()
        assert not re.search(r"/tmp/|/home/|/root/|ipykernel_|site-packages", text)

    def test_has_one_result_and_asserts_what_has_to_come_out(self, notebook):
        (result,) = (cell for cell in code_of(notebook) if "result" in cell.metadata.get("tags", []))
        assert "assert " in result.source
