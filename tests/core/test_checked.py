"""One line above a function: what it refuses, and what stays as it was."""

import inspect
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pytest
from gluon_cnn._core.checked import checked
from gluon_cnn._core.checks import Padding, Size
from mxnet import autograd, nd


@checked(A="(n, m) or (n, m, k)", B="(m,)", c="(1,)", share="0 <= share <= 1", start="0 <= start < count")
def everything(
    A: nd.NDArray,
    B: nd.NDArray,
    count: int = 3,
    *,
    c: float | nd.NDArray = 0.0,
    share: float = 0.5,
    start: int = 0,
    sure: bool = True,
    size: Size | None = None,
    padding: Padding = 0,
    mode: Literal["max", "avg"] = "max",
    layers: Sequence[int] = (1,),
    pairs: Sequence[tuple[int, int]] = ((1, 2),),
    anything=None,
):
    """Take one argument of each kind."""
    return A * B


A, B = nd.ones((2, 3)), nd.ones(3)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (dict(A=[[1.0]]), TypeError, "A must be an NDArray; got list: pass nd.array(A)"),
        (dict(A=A.astype("int32")), TypeError, "A must contain floats; got int32: pass A.astype('float32')"),
        (dict(A=A.tostype("csr")), TypeError, "A must be dense; got csr: pass A.tostype('default')"),
        (dict(A=A.as_np_ndarray()), TypeError, "A must be an NDArray; got an mx.np.ndarray: pass A.as_nd_ndarray()"),
        (dict(A=A[:0]), ValueError, "A is empty: its shape is (0, 3)"),
        (dict(A=B), ValueError, "A must have shape (n, m) or (n, m, k); got (3,)"),
        (dict(B=nd.ones(2)), ValueError, "B must have shape (m,) with m = 3, as in A; got (2,)"),
        (dict(B=B.astype("float64")), TypeError, "B holds float64 and X float32: they must be the same"),
        (dict(B=B.astype("float16")), TypeError, "B holds float16 and X float32"),
        (dict(c="1"), TypeError, "c must be a number; got '1'"),
        (dict(c=None), TypeError, "c must be a number; got None"),
        (dict(c=np.complex64(1j)), TypeError, "c must be a number; got"),
        (dict(c=B), ValueError, "c must have shape (1,); got (3,)"),
        (dict(c=float("nan")), ValueError, "c must be at least"),
        (dict(c=10**400), ValueError, "c must be at most 3.4e+38; got 1000"),
        (dict(share=1.5), ValueError, "share must satisfy 0 <= share <= 1; got share = 1.5"),
        (dict(share=True), TypeError, "share must be a number; got True"),
        (dict(start=3), ValueError, "start must satisfy 0 <= start < count; got start = 3, count = 3"),
        (dict(start=0.5), TypeError, "start must be an integer; got 0.5"),
        (dict(count=0), ValueError, "count must be at least 1; got 0"),
        (dict(count=True), TypeError, "count must be an integer; got True"),
        (dict(count=10**12), ValueError, "count must be at most 2147483647; got 1000000000000"),
        (dict(sure="no"), TypeError, "sure must be True or False; got 'no'"),
        (dict(size=(1, 2, 3)), ValueError, "size must be one number or (height, width); got (1, 2, 3)"),
        (dict(size=(1, 0)), ValueError, "size must be at least 1; got 0"),
        (dict(padding=((1, 1),)), ValueError, "padding must be ((top, bottom), (left, right)); got ((1, 1),)"),
        (dict(padding=(0, (0, -1))), ValueError, "padding must be at least 0; got -1"),
        (dict(mode="min"), ValueError, "mode must be 'max' or 'avg'; got 'min'"),
        (dict(mode=A), ValueError, "mode must be 'max' or 'avg'; got"),
        (dict(layers=()), ValueError, "layers must be a sequence such as (6, 12, 24, 16); got ()"),
        (dict(layers=(1, 0)), ValueError, "each number in layers must be at least 1; got 0"),
        (dict(pairs=(1, 64)), ValueError, "pairs must be a sequence such as ((1, 64), (2, 128)); got (1, 64)"),
        (dict(pairs=((1, 2, 3),)), ValueError, "pairs must be a sequence such as"),
        (dict(pairs=((1, 2.5),)), TypeError, "each number in pairs must be an integer; got 2.5"),
        (dict(more=1), TypeError, "got an unexpected keyword argument 'more'"),
    ],
    ids=str,
)
def test_what_is_refused(arguments, error, words, capfd):
    with pytest.raises(error) as caught:
        everything(**{"A": A, "B": B, **arguments})
    assert words in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_what_is_not_refused():
    for arguments in (dict(c=nd.ones(1)), dict(size=[1, 2]), dict(padding=((1, 1), 2)), dict(start=np.int64(2))):
        assert everything(A, B, **arguments).shape == A.shape


def test_the_function_looks_as_it_was_written():
    assert next(iter(inspect.signature(everything).parameters)) == "A"
    assert everything.__doc__ == "Take one argument of each kind."
    assert inspect.getsource(everything).startswith("@checked(A=")


def test_float16_is_computed_in_float32_and_rounded_once():
    seen = []

    @checked(average="(n,) in place")
    def f(X: nd.NDArray, average: nd.NDArray):
        seen.append((X.dtype, average.dtype))
        average[:] = average + 1
        return X * 2

    for kinds, inside in {
        ("float16", "float16"): (np.float32, np.float32),
        ("float16", "float32"): (np.float32, np.float32),
        ("float32", "float32"): (np.float32, np.float32),
        ("float64", "float64"): (np.float64, np.float64),
    }.items():
        X, average = (nd.ones(2, dtype=kind) for kind in kinds)
        X.attach_grad()
        with autograd.record():
            Y = f(X, average)
        Y.backward()
        assert seen.pop() == inside
        assert Y.dtype == X.grad.dtype == np.dtype(kinds[0])
        assert X.grad.asnumpy().tolist() == [2, 2]
        assert average.asnumpy().tolist() == [2, 2]
