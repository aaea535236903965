"""Shell code in README, CONTRIBUTING and docs: the README's commands are run, of the others every part is looked up."""

import json
import re
import subprocess
import sys
from pathlib import Path

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn import cli

nbformat = pytest.importorskip("nbformat")
ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
STAND_IN = """#!{python}
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
    for place, names in zip(places, [("gluon-cnn", "python", "papermill", "pip", "pre-commit"), ("make", "pip")]):
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


def check_lesson(path, words):
    """Look up the settings that a lesson is run with among those it has."""
    notebook = nbformat.read(ROOT / path, as_version=4)
    settings = next(cell.source for cell in notebook.cells if cell.cell_type == "code")
    given = [words[k + 1].split(":")[0] for k, word in enumerate(words) if word in ("-p", "-y")]
    assert [name for name in given if not re.search(rf"^{name} = ", settings, flags=re.MULTILINE)] == []


def check(name, *words):
    """Look up all parts of a command."""
    if name == "gluon-cnn":
        parsed = cli._parser().parse_args(words)
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
    else:
        assert name in ("pip", "pre-commit"), name


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_the_commands_of_a_document_exist(path, tmp_path):
    if not blocks(path):
        pytest.skip("it has none")
    found = commands(path, tmp_path)
    assert found
    for command in found:
        check(*command)


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


def test_the_readmes_commands_do_what_it_says(tmp_path):
    """All of them in their order, with one epoch and two seconds."""
    pytest.importorskip("onnx")
    image = pytest.importorskip("PIL.Image")
    images, labels = next(iter(g.load_data("sample", 60)[0]))
    for k, (X, y) in enumerate(zip(images.asnumpy(), labels.asnumpy())):
        folder = tmp_path / "my_pictures" / str(int(y) % 2)
        folder.mkdir(parents=True, exist_ok=True)
        image.fromarray((X[0] * 255).astype(np.uint8)).save(folder / f"{k}.png")
    image.fromarray((images[0, 0].asnumpy() * 255).astype(np.uint8)).save(tmp_path / "shoe.jpg")
    (block,) = (block for block in blocks(ROOT / "README.md") if "gluon-cnn train" in block)
    block = re.sub(r"--epochs \d+", "--epochs 1", block.replace("--seconds 30", "--seconds 2"))
    block = block.replace("-- train lenet", "-- train lenet --epochs 1 --output runs/two")
    block = block.replace(".venv/bin/gluon-cnn", f"{sys.executable} -m gluon_cnn.cli")
    for line in block.splitlines():
        done = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
        )
        if "--resume" in line:  # "if it was stopped"
            assert "holds no training that was interrupted" in done.stderr
        else:
            assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    for path in ("runs/lenet/history.json", "runs/lenet-2-int8", "lenet.onnx", "runs/two/history.json"):
        assert (tmp_path / path).exists(), path


@pytest.mark.parametrize("name", ["results", "performance", "distributed", "reliability"])
def test_figures_stand_beside_the_command_that_made_them(name):
    """Or beside the tests that find them again."""
    sections = re.split(r"^##+ ", (ROOT / "docs" / f"{name}.md").read_text(), flags=re.MULTILINE)
    measured = [section for section in sections if re.search(r"^\|.*\d[.,]\d", section, flags=re.MULTILINE)]
    assert measured
    assert [s.splitlines()[0] for s in measured if not re.search(r"```bash|`make |`gluon-cnn |`test_|`tests/", s)] == []
