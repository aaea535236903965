"""What the lessons use besides networks."""

import functools
import inspect

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn.course import answers, equality, progress_bar, source
from mxnet import nd
from mxnet.gluon import nn


def test_the_source_shown_is_the_packages(monkeypatch):
    pytest.importorskip("IPython")
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda item: shown.append(item.data))
    items = g.LeNet, g.train, g.summary
    source.show_source(*items)
    for text, item in zip(shown, items):
        code = text[len("```python\n") : -len("```")]
        before, docstring, after = inspect.getsource(item).split('"""', 2)  # __doc__ has no margin since Python 3.13
        assert "\n" in docstring  # so there is something to leave out
        assert code == f'{before}"""{docstring.splitlines()[0]}"""{after}'


def test_three_ways_to_compute_the_same(capsys):
    X, w = nd.array([[1, 2, 3], [4, 5, 6]]), nd.array([0.5, -1, 2])
    equality.compare_functions(
        lambda X, w: nd.dot(X, w) ** 2, lambda X, w: (X * w).sum(1) ** 2, lambda X, w: (X @ w) ** 2, X=X, w=w
    )
    assert capsys.readouterr().out.splitlines() == [
        "output, shape (2,): ours and Gluon's within 1e-05 of the formula",
        "gradient of X, shape (2, 3): ours and Gluon's within 1e-04 of the formula",
        "gradient of w, shape (3,): ours and Gluon's within 1e-04 of the formula",
    ]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda X: X.square() * 1.0001, "output, {}: the relative error is 1.0e-04"),
        (lambda X: X * nd.BlockGrad(X), "gradient of X, {}: the relative error is 5.0e-01"),
        (lambda X: X.square().sum(), "output, {}: shape"),
    ],
)
@pytest.mark.parametrize("ours_is_wrong", [True, False])
def test_a_difference_is_an_error(wrong, message, ours_is_wrong):
    functions = (wrong, nd.square) if ours_is_wrong else (nd.square, wrong)
    with pytest.raises(AssertionError, match=message.format("ours" if ours_is_wrong else "Gluon's")):
        equality.compare_functions(*functions, np.square, X=nd.array([1, 2, 3]))


def test_a_difference_is_an_error_without_asserts():
    without: dict = {}
    exec(compile(inspect.getsource(equality), "equality.py", "exec", optimize=1), without)  # as python -O does
    with pytest.raises(AssertionError, match="output, Gluon's: the relative error"):
        without["compare_functions"](nd.square, nd.abs, np.square, X=nd.array([1, 2, 3]))


def judged(capsys, answer, is_right=lambda value: value == 3):
    answers.exercise(2, "count again.", "Well done.")(is_right)(answer)
    return capsys.readouterr().out


def test_an_answer_is_judged(capsys):
    assert judged(capsys, 3) == "Exercise 2: correct. Well done.\n"
    assert judged(capsys, 4) == "Exercise 2: not yet. Hint: count again.\n"
    assert "replace None" in judged(capsys, None)


def test_a_reason_or_an_error_is_given_with_the_hint_and_no_traceback(capsys):
    def is_right(value):
        raise answers.IncorrectAnswer("it is too large")

    assert judged(capsys, 4, is_right) == "Exercise 2: not yet: it is too large. Hint: count again.\n"
    printed = judged(capsys, 3, lambda value: value / 0)
    assert "raised ZeroDivisionError: division by zero" in printed
    assert "Hint: count again." in printed


def test_blocks_that_agree_and_blocks_that_do_not(capsys):
    X = nd.random.normal(shape=(2, 3))
    ours, same, other = nn.Dense(4), nn.Dense(4), nn.Dense(4)
    for block in (ours, same, other):
        block.initialize()
        block(X)
    same.weight.set_data(ours.weight.data())
    equality.compare_blocks(ours, same, X)
    assert capsys.readouterr().out.splitlines() == [
        "outputs, shape (2, 4): equal within a relative error of 1e-04",
        "gradients of the input, shape (2, 3): equal within a relative error of 1e-04",
    ]
    for factor, words in ((1.001, "outputs: their relative difference is 1"), (-1, "outputs")):  # -1: the same squares
        other.weight.set_data(ours.weight.data() * factor)
        with pytest.raises(AssertionError, match=words):
            equality.compare_blocks(ours, other, X)
    with pytest.raises(AssertionError, match="shape"):
        equality.compare_blocks(ours, nn.Flatten(), X)
    cut, whole = nn.HybridLambda(lambda F, x: F.BlockGrad(2 * x)), nn.HybridLambda(lambda F, x: 2 * x)
    with pytest.raises(AssertionError, match="gradients of the input: their relative difference"):
        equality.compare_blocks(cut, whole, nd.ones((2, 2)))


def test_progress_is_shown_among_the_output(monkeypatch, capsys):
    monkeypatch.setattr(progress_bar, "tqdm", functools.partial(progress_bar.tqdm, disable=False))  # tests have no bars
    assert list(progress_bar.progress([3, 1], unit="training")) == [3, 1]
    printed = capsys.readouterr()
    assert "2/2" in printed.out
    assert not printed.err
