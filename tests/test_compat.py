"""MXNet on today's Python and NumPy: each entry of the compatibility code is needed, and none is missing."""

import ast
import importlib.util
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from gluon_cnn import compat

from tests.processes import run

NUMPY = tuple(map(int, np.__version__.split(".")[:2]))
# in no source of MXNet and GluonCV but in scripts written for them
FOR_SCRIPTS = {"bool", "complex", "object", "str", "Infinity", "infty", "sometrue", "product", "cumproduct", "round_"}


def names_read_from_numpy(package):
    """Return the attributes of NumPy that the sources of an installed package name."""
    names = set()
    sources = map(Path.read_text, Path(importlib.util.find_spec(package).origin).parent.rglob("*.py"))
    for tree in (list(ast.walk(ast.parse(source))) for source in sources if "numpy" in source):
        imports = (alias for node in tree if isinstance(node, ast.Import) for alias in node.names)
        aliases = {alias.asname or alias.name for alias in imports if alias.name == "numpy"}
        for node in tree:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
                names.add(node.attr)
            if isinstance(node, ast.ImportFrom) and node.module == "numpy" and not node.level:
                names.update(alias.name for alias in node.names)
    return names


def missing_in_numpy(names):
    printed, _ = run(f"import numpy as np; print(*(name for name in {sorted(names)} if name not in vars(np)))")
    return set(printed.split())


@pytest.mark.skipif(NUMPY < (2, 4), reason="an older NumPy still has some of the names")
@pytest.mark.filterwarnings("ignore:.*invalid escape sequence")
def test_each_name_is_needed_and_none_is_missing():
    pytest.importorskip("gluoncv")
    read = names_read_from_numpy("mxnet") | names_read_from_numpy("gluoncv")
    lacking = {name for name in missing_in_numpy(read) if importlib.util.find_spec(f"numpy.{name}") is None}
    assert lacking == set(compat.NUMPY_NAMES) - FOR_SCRIPTS
    assert missing_in_numpy(FOR_SCRIPTS) == FOR_SCRIPTS - {"bool"}  # which NumPy 1.26 lacks


def test_names_that_numpy_has_are_left_alone():
    printed, errors = run("""
        import numpy as np
        had = dict(vars(np))
        import gluon_cnn.compat
        print([name for name in had if not vars(np)[name] is had[name]])
        print([name for name in gluon_cnn.compat.NUMPY_NAMES if name not in vars(np)])
    """)
    assert printed.splitlines() == ["[]", "[]"]
    assert not errors


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("np.alltrue([1, 0])", False),
        ("np.sometrue([1, 0])", True),
        ("np.product([2, 3])", 6),
        ("list(np.cumproduct([2, 3]))", [2, 6]),
        ("np.round_(2.6)", 3),
        ("np.msort(np.array([[3, 1], [2, 4]])).tolist()", [[2, 1], [3, 4]]),
        ("np.in1d([[1, 2], [3, 4]], [2, 3]).tolist()", [False, True, True, False]),
        ("np.trapz([1.0, 3.0])", 2),
        ("1 / np.array(np.NZERO)", -np.inf),
        ("np.NINF", -np.inf),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_names_do_what_numpys_own_did(expression, value):
    assert eval(expression) == value


def test_a_function_that_numpy_gave_away_says_where_it_is():
    with pytest.raises(NotImplementedError, match="numpy-financial"):
        compat.NUMPY_NAMES["npv"](0.1, [1, 2])


LOADER = """
class Numbers(gluon.data.Dataset):
    def __init__(self):
        self.number = lambda i: nd.full((2,), i)  # which pickle cannot pass to another process

    def __len__(self):
        return 8

    def __getitem__(self, i):
        return self.number(i)

print(sum(int(batch.sum().asscalar()) for batch in gluon.data.DataLoader(Numbers(), 4, num_workers=2)))
"""
# the patched module: (a program that meets it, what it prints, whether it needs the patch in this environment)
TRAPS = {
    "mxnet._ctypes.ndarray": ("print(nd.ones((np.int64(2), 3)).shape)", "(2, 3)", NUMPY >= (2, 0)),
    "mxnet._ctypes.symbol": (
        "print(mx.sym.reshape(mx.sym.var('x'), shape=(np.int64(2), 3)).infer_shape(x=(6,))[1])",
        "[(2, 3)]",
        NUMPY >= (2, 0),
    ),
    "mxnet.io.io": (
        "open('x.csv', 'w').write('1,2,3,4,5,6'); "
        "print(mx.io.CSVIter(data_csv='x.csv', data_shape=(np.int64(2), 3), batch_size=1).provide_data[0].shape)",
        "(1, 2, 3)",
        NUMPY >= (2, 0),
    ),
    "mxnet.symbol.symbol": (
        "print(mx.sym.var('x', shape=(np.int64(2), 3)).infer_shape()[1])",
        "[(2, 3)]",
        NUMPY >= (2, 0),
    ),
    "mxnet.recordio": (
        "print(mx.recordio.unpack(mx.recordio.pack(mx.recordio.IRHeader(0, [1, 2], 5, 0), b'abc'))[1])",
        "b'abc'",
        NUMPY >= (2, 3),
    ),
    "mxnet.gluon.data.dataloader": (LOADER, "56", sys.version_info >= (3, 14)),
    "gluoncv.data.dataloader": (
        "from gluoncv.data.dataloader import multiprocessing; print(multiprocessing.get_context().get_start_method())",
        "fork",
        sys.version_info >= (3, 14),
    ),
    "onnx": (
        "import onnx; from onnx import mapping; print(mapping.NP_TYPE_TO_TENSOR_TYPE[np.dtype('float32')],"
        " mapping.TENSOR_TYPE_TO_NP_TYPE[7])",
        "1 int64",
        True,
    ),
}
HEAD = """
import numpy as np
from gluon_cnn import compat
{without}
import mxnet as mx
from mxnet import gluon, nd
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What the programs print, in one process, a line each; of a package that is not there, nothing."""
    folder = tmp_path_factory.mktemp("traps")
    here = {module: trap[0] for module, trap in TRAPS.items() if importlib.util.find_spec(module.split(".")[0])}
    lines, errors = run(f"import os; os.chdir({str(folder)!r})" + HEAD.format(without="") + "\n".join(here.values()))
    assert not errors
    return dict(zip(here, lines.splitlines(), strict=True))


@pytest.mark.parametrize("module", sorted(TRAPS))
def test_each_patch_does_its_work_and_is_needed(module, printed, tmp_path, monkeypatch):
    pytest.importorskip(module.split(".")[0])
    program, expected, needed = TRAPS[module]
    assert printed[module] == expected
    if needed:
        monkeypatch.chdir(tmp_path)
        assert run(HEAD.format(without=f"del compat.PATCHES[{module!r}]") + program)[0] != expected


def test_each_patch_has_a_trap():
    elsewhere = {"mxnet", "mxnet.base", "mxnet.gluon.nn.conv_layers", "gluoncv"}  # test_startup, test_aligned, below
    assert set(TRAPS) == set(compat.PATCHES) - elsewhere


def test_importing_mxnet_warns_of_nothing():
    for code in ("import gluon_cnn.compat, mxnet", "import gluon_cnn.compat, gluoncv"):
        if importlib.util.find_spec(code.split()[-1]):
            assert run(code, "-W", "error::DeprecationWarning") == ("", "")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python has a distutils of its own")
def test_distutils_is_found_where_no_pth_file_is_read():
    places = {str(Path(importlib.util.find_spec(name).origin).parents[1]) for name in ("mxnet", "gluon_cnn")}
    printed, errors = run(f"import sys; sys.path += {sorted(places)}; import gluon_cnn.compat, mxnet; print(1)", "-S")
    assert printed == "1", errors


def test_it_needs_nothing_of_the_course():
    printed, _ = run("""
        import sys
        import numpy
        before = set(sys.modules)
        import gluon_cnn.compat
        new = {name.split(".")[0] for name in set(sys.modules) - before} - sys.stdlib_module_names - {"__mp_main__"}
        print(*sorted(new), *sorted(name for name in sys.modules if name.startswith("gluon_cnn.")))
    """)
    assert printed.split() == [
        "gluon_cnn",
        "lazy_loader",
        *("gluon_cnn._core", "gluon_cnn._core.server", "gluon_cnn._core.startup", "gluon_cnn.compat"),
    ]


def test_it_may_come_after_mxnet_where_mxnet_imports_alone():
    printed, errors = run("""
        import numpy as np
        from gluon_cnn import compat
        sys_meta_path = __import__("sys").meta_path
        sys_meta_path[:] = [finder for finder in sys_meta_path if type(finder).__module__ != "gluon_cnn.compat"]
        import mxnet as mx
        import importlib
        importlib.reload(compat)
        print(mx.nd.ones((np.int64(2), 3)).shape)
    """)
    assert printed == "(2, 3)", errors


def test_gluoncvs_networks_transforms_and_schedules():
    gluoncv = pytest.importorskip("gluoncv")
    from gluoncv.data.transforms import presets
    from gluoncv.model_zoo import get_model
    from mxnet import nd

    image = nd.arange(64 * 48 * 3).reshape((64, 48, 3)) % 255
    batch = presets.imagenet.transform_eval(image.astype("uint8"), resize_short=40, crop_size=32)
    assert batch.shape == (1, 3, 32, 32)
    net = get_model("cifar_resnet20_v1", classes=10)
    net.initialize()
    assert net(batch).shape == (1, 10)
    schedule = gluoncv.utils.LRScheduler("cosine", base_lr=1.0, target_lr=0.0, niters=11)
    assert [round(float(schedule(i)), 3) for i in (0, 5, 10)] == [1.0, 0.5, 0.0]


def test_mxnet_has_the_version_that_the_patches_are_for():
    assert metadata.version("mxnet") == "1.9.1"
