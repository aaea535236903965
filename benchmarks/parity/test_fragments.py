"""The fragments of PyTorch in the lessons: they run, and compute what the package does. `make parity` runs this."""

import os
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
import torchvision

sys.path.insert(0, str(Path(__file__).parent))
from fragments import codes, fragments, numbers

FOLDER = Path(os.environ.get("GLUON_CNN_PARITY", "build/parity"))


def run(lesson, **given):
    """Run a fragment; return its names, and under "printed" what it printed."""
    printed = []
    names = {"print": lambda *values: printed.append(values), **given}
    exec(compile(fragments()[lesson], f"lesson {lesson}", "exec"), names)
    return {**names, "printed": printed}


def fill(module, factor=1.0):
    """Give a module the numbers that ours.py gave the package's block."""
    state = [value for name, value in module.state_dict().items() if not name.endswith("num_batches_tracked")]
    for k, value in enumerate(state):
        value.copy_(torch.tensor(numbers(k, tuple(value.shape)) * np.float32(factor)))
    return state


def close(ours, theirs):
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * np.abs(theirs).max())


def compare(module, name, shape):
    """Compare outputs and the gradient of the input with the package's."""
    ours = np.load(FOLDER / f"lesson {name}.npz")
    with torch.no_grad():
        fill(module)
    for part in module.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0
    X = torch.tensor(numbers(1000, shape))
    close(ours["predicted"], module.eval()(X))
    output = module.train()(X.requires_grad_())
    (output * torch.tensor(numbers(1001, tuple(output.shape)))).sum().backward()
    close(ours["trained"], output)
    close(ours["gradient"], X.grad)


def test_lesson_01():
    names = run("01")
    ((result,),) = names["printed"]
    assert result.flatten().tolist() == [25, 31, 43, 49]
    compare(names["conv"], "01", (2, 3, 28, 28))


def test_lesson_02():
    ours, names = np.load(FOLDER / "lesson 02.npz"), run("02")
    for k, (result,) in enumerate(names["printed"]):
        close(ours[str(k)], result[0, 0])
    assert k == 3


def test_lesson_03():
    ours, names = np.load(FOLDER / "running statistics.npz"), run("03")
    (statistics,) = names["printed"]
    np.testing.assert_allclose([value.item() for value in statistics], ours["ours"].mean(axis=1), atol=1e-3)
    assert not names["norm"].training


def test_lesson_04():
    torch.manual_seed(0)
    ours, names = np.load(FOLDER / "dropout.npz"), run("04")
    X, factors = names["X"], ours["upscale_in_train, training"] / ours["X"]
    assert torch.equal(names["layer"](X), X)  # in prediction
    dropped = names["F"].dropout(torch.ones(200, 50), 0.3, training=True)
    np.testing.assert_allclose(np.unique(dropped), np.unique(factors.round(4)), atol=1e-4)
    assert abs(dropped.mean() - factors.mean()) < 0.05


class Batches:
    """Two batches; the fragment's network gets its weights when the loop begins."""

    def __iter__(self):
        with torch.no_grad():
            fill(self.names["net"], factor=0.5)
        return ((torch.tensor(X), torch.arange(8)) for X in numbers(1000, (2, 8, 1, 28, 28)))


def test_lesson_05(monkeypatch):
    batches, sequential = Batches(), torch.nn.Sequential

    def remember(*layers):
        batches.names = {"net": sequential(*layers)}
        return batches.names["net"]

    monkeypatch.setattr(torch.nn, "Sequential", remember)
    net = run("05", train_loader=batches)["net"]
    ours = np.load(FOLDER / "lesson 05, trained.npz")
    for k, value in enumerate(net.state_dict().values()):
        assert not np.allclose(ours[str(k)], numbers(k, ours[str(k)].shape) / 2, atol=1e-5)  # it was trained
        close(ours[str(k)], value)
    compare(net, "05", (8, 1, 28, 28))


def test_lesson_06():
    compare(run("06")["alexnet"], "06", (2, 1, 224, 224))


def test_lesson_07():
    compare(run("07")["vgg_block"](3, 2, 6), "07", (2, 3, 8, 8))


def test_lesson_08():
    compare(run("08")["mlpconv"](3, 6, 3, 0), "08", (2, 3, 16, 16))


def test_lesson_09():
    compare(run("09")["Inception"](3, 4, 3, 6, 2, 5, 4), "09", (2, 3, 8, 8))


def test_lesson_10():
    Residual = run("10")["Residual"]
    compare(Residual(8, 8), "10", (2, 8, 8, 8))
    compare(Residual(8, 16, same_shape=False), "10, other shape", (2, 8, 9, 9))


def test_lesson_11():
    names = run("11")
    compare(names["DenseBlock"](3, 3, 4), "11", (2, 3, 8, 8))
    compare(names["transition_block"](3, 5), "11, transition", (2, 3, 8, 8))


def test_lesson_12():
    torch.manual_seed(0)
    names, images = run("12"), torch.tensor(numbers(1000, (4, 1, 32, 32)))
    close(np.load(FOLDER / "lesson 12.npz")["cropped"], names["test_augs"](images))
    assert names["y"].shape == (50, 1, 28, 28)
    for original, changed in zip(names["X"], names["y"]):
        crops = [original[:, i : i + 28, j : j + 28] for i in range(5) for j in range(5)]
        assert sum(torch.equal(changed, c) or torch.equal(changed, c.flip(2)) for c in crops) == 1
    assert names["colours"](torch.rand(3, 32, 32)).shape == (3, 32, 32)
    assert names["colours"].hue == (-0.25, 0.25)


def test_lesson_13(monkeypatch):
    resnet18 = torchvision.models.resnet18
    monkeypatch.setattr(torchvision.models, "resnet18", lambda weights: resnet18())  # without a download
    names = run("13")
    assert [name for name, p in names["net"].named_parameters() if p.requires_grad] == ["fc.weight", "fc.bias"]
    assert names["net"].fc.weight.shape == (2, 512)
    assert [p.numel() for p in names["optimizer"].param_groups[0]["params"]] == [1024, 2]


def test_lesson_15(monkeypatch, tmp_path):
    """It prints the names, shapes and scores that the lesson states, and its ONNX file computes these scores."""
    monkeypatch.chdir(tmp_path)
    names = run("15")
    (shapes,), (scores,) = names["printed"]
    (stated,) = (code for code in codes("15") if "pytorchs = " in code)
    exec(stated[: stated.index("other = ")], stated_names := {"np": np})
    assert shapes == stated_names["shapes"]
    np.testing.assert_allclose(scores[0], stated_names["pytorchs"], atol=1e-6)
    assert torch.load("lenet.pth").keys() == shapes.keys()
    session = onnxruntime.InferenceSession("lenet.onnx", providers=["CPUExecutionProvider"])
    (from_file,) = session.run(["scores"], {"data": names["X"].repeat(3, 1, 1, 1).numpy()})
    np.testing.assert_allclose(from_file, scores.repeat(3, axis=0), atol=1e-4)


@pytest.mark.parametrize("lesson", fragments())
def test_a_fragment_says_what_it_imports(lesson):
    code = fragments()[lesson]
    for name in ("torch", "torchvision"):
        if f"{name}." in code.replace(f"from {name}", "").replace(f"import {name}", ""):
            assert f"import {name}\n" in code or f"import {name} " in code
