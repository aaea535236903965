"""Let MXNet 1.9.1 run on Python 3.10 to 3.14 with NumPy 1.26 or 2: import this module before ``mxnet``.

>>> import gluon_cnn.compat
>>> import mxnet as mx

It needs only NumPy and the standard library. ``docs/compat.md`` lists each change, its reason and how to undo it.
"""

from __future__ import annotations

import builtins
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import multiprocessing
import sys
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress

import numpy as np

__all__ = ["ADVICE", "NUMPY_NAMES", "PATCHES", "patch_import"]


def _removed(name: str) -> Callable[..., object]:
    """Return a stand-in for one of NumPy's former financial functions, which MXNet lists but never calls."""

    def function(*args: object, **kwargs: object) -> object:
        raise NotImplementedError(f"NumPy removed {name} in version 1.20; use the package numpy-financial")

    return function


# Names that MXNet, GluonCV and scripts written for them look up in NumPy, which removed the financial functions in
# 1.20, the aliases of Python's built-in types in 1.24, and the rest in 2.0 or later.
NUMPY_NAMES: dict[str, object] = {
    **{name: getattr(builtins, name) for name in ("bool", "int", "float", "complex", "object", "str")},
    **dict.fromkeys(("Inf", "Infinity", "PINF", "infty"), np.inf),
    **dict.fromkeys(("NAN", "NaN"), np.nan),
    "NINF": -np.inf,
    "PZERO": 0.0,
    "NZERO": -0.0,
    "alltrue": np.all,
    "sometrue": np.any,
    "product": np.prod,
    "cumproduct": np.cumprod,
    "round_": np.round,
    "msort": lambda a: np.sort(a, axis=0),
    "in1d": lambda ar1, ar2, **options: np.isin(np.ravel(ar1), ar2, **options),
    "trapz": getattr(np, "trapezoid", None),  # its name since NumPy 2.0
    "compat": types.SimpleNamespace(basestring=str),
    **{name: _removed(name) for name in ("mirr", "npv", "pmt", "ppmt", "pv", "rate")},
}
for _name, _value in NUMPY_NAMES.items():
    if _name not in vars(np):  # never replace a name that NumPy still has
        setattr(np, _name, _value)


@contextmanager
def _distutils(module: types.ModuleType) -> Iterator[None]:
    """Provide ``distutils``, deprecated in Python 3.10 and 3.11 and part of setuptools since 3.12."""
    if importlib.util.find_spec("distutils") is None:
        with suppress(ImportError):
            importlib.import_module("setuptools")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


@contextmanager
def _plain_settings(module: types.ModuleType) -> Iterator[None]:
    """Pass shapes, axes and other settings to MXNet's operators as ``(3, 4)``, not ``(np.int64(3), 4)``."""
    yield
    vars(module)["str"] = _text


@contextmanager
def _plain_shapes(module: types.ModuleType) -> Iterator[None]:
    """Format the shape of a symbolic variable as in :func:`_plain_settings`."""
    yield
    vars(module)["_text"] = _text
    _redefine(module, "var", "str(shape)", "_text(shape)")


@contextmanager
def _tobytes(module: types.ModuleType) -> Iterator[None]:
    """Replace ``ndarray.tostring``, the old name of ``tobytes``, which NumPy 2.3 removed."""
    yield
    _redefine(module, "pack", ".tostring()", ".tobytes()")
    _redefine(module, "pack_img", ".tostring()", ".tobytes()")


@contextmanager
def _fork(module: types.ModuleType) -> Iterator[None]:
    """Start the workers of MXNet's data loaders with ``fork``, not Python 3.14's ``forkserver``, on Linux."""
    yield
    if sys.platform == "linux":
        fork = multiprocessing.get_context("fork")
        names = {name: getattr(fork, name) for name in ("Lock", "Pool", "Process", "get_context")}
        vars(module)["multiprocessing"] = types.SimpleNamespace(**{**vars(multiprocessing), **names})


@contextmanager
def _onnx_mapping(module: types.ModuleType) -> Iterator[None]:
    """Provide ``onnx.mapping`` for MXNet's converter; ONNX 1.19 removed it."""
    yield
    if importlib.util.find_spec("onnx.mapping") is None:
        mapping = sys.modules["onnx.mapping"] = types.ModuleType("onnx.mapping")
        helper = importlib.import_module("onnx.helper")
        types_of = {number: helper.tensor_dtype_to_np_dtype(number) for number in helper.get_all_tensor_dtypes()}
        vars(mapping)["TENSOR_TYPE_TO_NP_TYPE"] = types_of
        vars(mapping)["NP_TYPE_TO_TENSOR_TYPE"] = {dtype: number for number, dtype in types_of.items()}
        vars(module)["mapping"] = mapping


def _text(value: object) -> str:
    text = str(value)
    return str(_without_numpy(value)) if "np." in text else text


def _without_numpy(value: object) -> object:
    if isinstance(value, (tuple, list)):
        return (tuple if isinstance(value, tuple) else list)(map(_without_numpy, value))
    return value.item() if isinstance(value, np.generic) else value


def _redefine(module: types.ModuleType, function: str, old: str, new: str) -> None:
    """Redefine a function with ``old`` replaced by ``new`` in its source."""
    source = inspect.getsource(getattr(module, function)).replace(old, new)
    exec(compile(source, str(module.__file__), "exec"), vars(module))


ImportPatch = Callable[[types.ModuleType], AbstractContextManager[None]]

# Modules and the contexts in which they are executed. `del PATCHES[name]` before the import disables a patch.
PATCHES: dict[str, list[ImportPatch]] = {
    "mxnet": [_distutils],
    "mxnet._ctypes.ndarray": [_plain_settings],
    "mxnet._ctypes.symbol": [_plain_settings],
    "mxnet.io.io": [_plain_settings],
    "mxnet.symbol.symbol": [_plain_shapes],
    "mxnet.recordio": [_tobytes],
    "mxnet.gluon.data.dataloader": [_fork],
    "gluoncv": [_distutils],
    "gluoncv.data.dataloader": [_fork],
    "onnx": [_onnx_mapping],
}


# Error messages for modules of ``PATCHES`` that are not installed.
ADVICE: dict[str, Callable[[], str]] = {}


class _Finder(importlib.abc.MetaPathFinder):
    """Delegate to the other finders, and execute each module of ``PATCHES`` inside its contexts."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in PATCHES:
            return None
        specs = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, specs), None)
        if spec is None and name in ADVICE:
            raise ModuleNotFoundError(ADVICE[name](), name=name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: types.ModuleType) -> None:
                with ExitStack() as stack:
                    for around in PATCHES[name]:
                        stack.enter_context(around(module))
                    execute(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def patch_import(name: str, around: ImportPatch) -> None:
    """Execute the module ``name`` inside ``around(module)``; if it is already imported, enter the context at once."""
    PATCHES.setdefault(name, []).append(around)
    _apply(name, around)


def _apply(name: str, around: ImportPatch) -> None:
    module = sys.modules.get(name)
    if module is not None:  # None in sys.modules blocks the import
        with around(module):
            pass


sys.meta_path.insert(0, _Finder())
for _name, _contexts in PATCHES.items():
    for _context in _contexts:
        _apply(_name, _context)
