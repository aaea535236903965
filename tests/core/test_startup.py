"""What happens before mxnet is imported. Most of it has to be seen from a process of its own."""

import shlex
import sys
from pathlib import Path

import pytest
from gluon_cnn._core import startup

from tests.processes import run

GROUP1, GROUP2 = "proc/self/cgroup", "sys/fs/cgroup/user"
FOUR, PAIRS = ("0", "1", "2", "3"), ("0,2", "1,3", "0,2", "1,3")
MACHINES = {  # (siblings of each CPU, other files, how many cores may be busy)
    "no hyper-threads": (FOUR, {}, 4),
    "two hyper-threads a core": (PAIRS, {}, 2),
    "tells nothing": ((), {}, 4),
    "two CPUs": (FOUR, {GROUP1: "0::/user/job", f"{GROUP2}/job/cpu.max": "200000 100000"}, 2),
    "no limit": (FOUR, {GROUP1: "0::/user/job", f"{GROUP2}/job/cpu.max": "max 100000"}, 4),
    "half a CPU": (FOUR, {GROUP1: "0::/user/job", f"{GROUP2}/job/cpu.max": "50000 100000"}, 1),
    "two and a half": (FOUR, {GROUP1: "0::/user/job", f"{GROUP2}/job/cpu.max": "250000 100000"}, 2),
    "more than there are": (FOUR, {GROUP1: "0::/user/job", f"{GROUP2}/job/cpu.max": "900000 100000"}, 4),
    "a group above": (
        FOUR,
        {GROUP1: "0::/user/job", f"{GROUP2}/cpu.max": "300000 100000", f"{GROUP2}/job/cpu.max": "max 100000"},
        3,
    ),
    **{
        f"version 1 in a container, {quota}": (
            FOUR,
            {
                GROUP1: "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": quota,
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            cores,
        )
        for quota, cores in (("150000", 1), ("-1", 4), ("300000", 3))
    },
}


@pytest.mark.parametrize(("siblings", "files", "cores"), MACHINES.values(), ids=MACHINES)
def test_cores_that_may_be_busy(monkeypatch, tmp_path, siblings, files, cores):
    monkeypatch.setattr(startup.sys, "platform", "linux")
    monkeypatch.setattr(startup.os, "sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)
    groups = {f"sys/devices/system/cpu/cpu{k}/topology/thread_siblings_list": text for k, text in enumerate(siblings)}
    for name, text in {**groups, **files}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert startup.available_cores(tmp_path) == cores
    monkeypatch.setattr(startup.os, "sched_getaffinity", lambda pid: {1}, raising=False)
    assert startup.available_cores(tmp_path) == 1


@pytest.mark.parametrize(
    ("values", "number"), [(["1", "1,2", " 1 ", "+1", "01"], 1), ([None, "", "abc", "0", "-2", ","], None)]
)
def test_the_first_number_of_threads_counts(monkeypatch, values, number):
    for value in values:
        monkeypatch.setattr(startup, "USER_OMP_NUM_THREADS", value)
        assert startup.parse_omp_num_threads() == number, value


def test_the_users_number_of_threads_stays_and_another_text_is_replaced():
    """OpenMP takes a list, one number for each level of nesting; MXNet would end the process."""
    program = "import gluon_cnn, mxnet; print(gluon_cnn._core.startup.mxnet_threads())"
    assert run(program, OMP_NUM_THREADS="1,2") == ("1", "")
    printed, errors = run(program, OMP_NUM_THREADS="abc")
    assert printed == str(startup.available_cores())
    assert errors.count("OMP_NUM_THREADS=abc is not a valid number of threads") == 1


MXNET_FIRST = """
    import sys, gluon_cnn.compat, mxnet  # what another package does that lets mxnet import
    for name in "gluon_cnn", "gluon_cnn._core", "gluon_cnn._core.startup": del sys.modules[name]
    import os; del os.environ["OMP_NUM_THREADS"]
    import ctypes; ctypes.CDLL("libgomp.so.1").omp_set_num_threads(1)  # what mxnet chooses on two cores
    import gluon_cnn
"""


@pytest.mark.skipif(startup.available_cores() < 2, reason="one core: mxnet cannot have taken too few")
def test_mxnet_imported_first_gives_one_warning_unless_a_number_was_chosen():
    _, errors = run(MXNET_FIRST)
    assert errors.count("mxnet was imported before gluon_cnn and computes with") == 1
    assert "import gluon_cnn first" in errors
    _, errors = run(MXNET_FIRST.replace("del os.environ", "os.environ"), OMP_NUM_THREADS="1")
    assert "imported before" not in errors


def test_nothing_is_imported_before_it_is_used_and_then_mxnet_computes_with_all_cores():
    """The command's help, the doctor on a broken machine and gluon_cnn.compat wait for none of these."""
    printed, _ = run("""
        import os, sys, gluon_cnn as g
        print([name for name in ("mxnet", "matplotlib", "PIL", "requests", "scipy") if name in sys.modules])
        print(g.dropout.__name__, g.summary.__name__, g.BatchNorm.__name__, "mxnet" in sys.modules)
        import gluon_cnn.layers.dropout, gluon_cnn.networks.summary
        print(callable(g.dropout), callable(g.summary))
        print(os.environ["OMP_NUM_THREADS"], g._core.startup.mxnet_threads())
    """)
    threads = f"{startup.available_cores()} {startup.available_cores()}"
    assert printed.splitlines() == ["[]", "dropout summary BatchNorm True", "True True", threads]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads in /proc")
def test_the_callers_thread_has_no_team_of_openmp_threads():
    """With one, the engine's team sleeps at every wait, and small layers take several times as long."""
    printed, _ = run(
        """
        import os, gluon_cnn as g
        from mxnet import autograd, gluon, nd
        data = g.Batches(g.load_data("sample", 64)[0].images[:64], [k % 10 for k in range(64)], 64, resize=96)
        net = gluon.nn.Conv2D(32, 3)
        net.initialize()
        X, _ = next(iter(data))
        with autograd.record():
            y = net(X)
        y.backward()
        nd.waitall()
        before = len(os.listdir("/proc/self/task"))
        net.weight.grad().asnumpy(), y.asnumpy(), nd.array(y.asnumpy()).asnumpy(), next(iter(data))
        print(before == len(os.listdir("/proc/self/task")))
    """,
        OMP_NUM_THREADS="2",
    )
    assert printed == "True"


def test_a_name_that_is_not_there():
    import gluon_cnn

    with pytest.raises(AttributeError, match="no_such_layer"):
        gluon_cnn.no_such_layer  # noqa: B018
    with pytest.raises(ImportError, match="no_such_layer"):
        from gluon_cnn import no_such_layer  # noqa: F401


@pytest.mark.parametrize("first", ["pass", "import scipy.stats"])
def test_what_mxnet_seldom_needs_is_imported_when_it_is_used(first):
    pytest.importorskip("scipy")
    printed, _ = run(f"""
        {first}; import sys, gluon_cnn, mxnet, types
        print(any(name in sys.modules for name in ("scipy.stats", "scipy.sparse", "requests", "onnx")))
        print(mxnet.contrib.quantization.stats.entropy([1, 1]) > 0.69)
        from scipy import stats
        print(type(stats) is types.ModuleType and stats is sys.modules["scipy.stats"])
    """)
    assert printed.splitlines() == [str(first != "pass"), "True", "True"]


def test_a_function_of_symbols_is_generated_when_it_is_called():
    printed, _ = run("""
        import gluon_cnn, inspect, mxnet as mx
        x, before = mx.sym.var("x"), mx.sym.Convolution
        later = mx.sym.Convolution, mx.sym.contrib.BilinearResize2D, mx.nd._internal._plus_scalar
        for function in (*later, mx.nd.Convolution):
            print("_made_by" in inspect.signature(function).parameters)
        y = mx.sym.Convolution(x, kernel=(3, 3), num_filter=2, name="c")
        print(mx.sym.Convolution is before, y.list_arguments(), y.infer_shape(x=(1, 1, 5, 5))[1])
        print(list(inspect.signature(before).parameters)[:4], "Compute *N*-D convolution" in before.__doc__)
    """)
    assert printed.splitlines() == [
        *["True"] * 3,
        "False",
        "True ['x', 'c_weight', 'c_bias'] [(1, 2, 3, 3)]",
        "['data', 'weight', 'bias', 'kernel'] True",
    ]


def test_a_module_on_first_use_gives_way_to_what_is_inside(monkeypatch):
    for name in ("xml.dom", "xml.dom.minidom"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with startup._lazy_import("xml.dom"), startup._lazy_import("no_such_library.part"):
        import xml.dom.minidom
    assert xml.dom.minidom.parseString("<a/>").documentElement.tagName == "a"
    assert "no_such_library.part" not in sys.modules


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (OSError("libgomp.so.1: cannot open shared object file: No such file"), "apt-get install libgomp1"),
        (OSError("libquadmath.so.0: cannot open shared object file: No such file"), "apt-get install libquadmath0"),
        (OSError("libfoo.so.3: cannot open shared object file: No such file"), "that contains libfoo.so.3"),
        (OSError("libarmpl_lp64_mp.so: cannot open shared object file: No such file"), "docs/environment.md"),
        (OSError("libcudnn.so.8: cannot open shared object file: No such file"), "CUDA 11 and cuDNN 8"),
        (ModuleNotFoundError(name="mxnet"), "pip install --no-deps mxnet==1.9.1"),
        (ModuleNotFoundError(name="tqdm"), "pip install tqdm"),
        (ModuleNotFoundError(name="distutils"), "-m pip install setuptools"),
        (RuntimeError("something\nelse"), "RuntimeError: something"),
        (RuntimeError(), "RuntimeError"),
    ],
)
def test_advice_names_the_remedy(error, advice):
    assert advice in startup.import_advice(error)


@pytest.fixture
def broken_mxnet(tmp_path):
    (tmp_path / "mxnet.py").write_text('raise OSError("libgomp.so.1: cannot open shared object file: No such file")')
    return {"PYTHONPATH": str(tmp_path)}


@pytest.mark.parametrize("code", ["gluon_cnn.train", "import mxnet"])
def test_a_broken_mxnet_is_explained_when_a_name_is_used(broken_mxnet, code):
    _, errors = run(f"import gluon_cnn; {code}", **broken_mxnet)
    assert errors.strip().splitlines()[-1] == (
        "ImportError: mxnet cannot be imported: the system library libgomp.so.1 is missing: apt-get install libgomp1"
    )


WITHOUT_MXNET = """
    import sys
    from importlib.machinery import PathFinder
    class Without(PathFinder):
        @classmethod
        def find_spec(cls, name, path=None, target=None):
            return None if name == "mxnet" else super().find_spec(name, path, target)
    sys.meta_path[sys.meta_path.index(PathFinder)] = Without
"""


@pytest.mark.parametrize("code", ["import gluon_cnn as g; g.LeNet", "from gluon_cnn.networks.resnet import Residual"])
def test_without_mxnet_the_command_that_installs_it_is_named(code):
    _, errors = run(f"{WITHOUT_MXNET}\n    {code}")
    assert errors.strip().splitlines()[-1] == (
        f"ModuleNotFoundError: mxnet is not installed: {shlex.quote(sys.executable)} -m pip install --no-deps "
        "mxnet==1.9.1"
    )


@pytest.mark.parametrize(
    ("system", "machine", "has_a_wheel"),
    [("Linux", "x86_64", True), ("Linux", "aarch64", True), ("Darwin", "x86_64", True), ("Darwin", "arm64", False)],
)
def test_where_mxnet_has_no_wheel_the_container_is_named(monkeypatch, system, machine, has_a_wheel):
    monkeypatch.setattr(startup.platform, "system", lambda: system)
    monkeypatch.setattr(startup.platform, "machine", lambda: machine)
    advice = startup.import_advice(ModuleNotFoundError(name="mxnet"))
    assert ("container" in advice) is not has_a_wheel


def test_the_doctor_works_without_mxnet(broken_mxnet):
    printed, errors = run("import sys; from gluon_cnn.cli import doctor; sys.exit(doctor.run())", **broken_mxnet)
    assert "!! mxnet" in printed
    assert "apt-get install libgomp1" in printed
    assert "The course cannot run yet" in printed
    assert not errors


def test_channel_block_size(tmp_path):
    file = tmp_path / "cpuinfo"
    for flags, channels in (("fpu avx2 avx512f avx512bw", 16), ("fpu avx avx2", 8), ("avx512_vnni", 8)):
        file.write_text(f"processor : 0\nflags : {flags}\n")
        startup.channel_block_size.cache_clear()
        assert startup.channel_block_size(file) == channels
    assert startup.channel_block_size(tmp_path / "none") == 8
