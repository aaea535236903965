"""What happens before mxnet is imported. Most of it has to be seen from a process of its own."""

import shlex
import sys

import pytest
from gluon_cnn._core import startup

from tests.processes import run


def machine(root, siblings, **files):
    """Make a folder that looks like /sys and /proc of a machine."""
    for cpu, group in siblings.items():
        folder = root / f"sys/devices/system/cpu/cpu{cpu}/topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(group + "\n")
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture
def four_cpus(monkeypatch):
    monkeypatch.setattr(startup.sys, "platform", "linux")
    monkeypatch.setattr(startup.os, "sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)


FOUR_CORES = {0: "0", 1: "1", 2: "2", 3: "3"}


def test_each_core_counts_without_hyper_threads(four_cpus, tmp_path):
    assert startup.available_cores(machine(tmp_path, FOUR_CORES)) == 4


def test_two_hyper_threads_of_a_core_count_once(four_cpus, tmp_path):
    assert startup.available_cores(machine(tmp_path, {0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"})) == 2


def test_affinity_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(startup.os, "sched_getaffinity", lambda pid: {1}, raising=False)
    assert startup.available_cores(machine(tmp_path, FOUR_CORES)) == 1


def test_a_machine_that_tells_nothing_counts_its_cpus(four_cpus, tmp_path):
    assert startup.available_cores(tmp_path) == 4


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("200000 100000", 2), ("max 100000", 4), ("50000 100000", 1), ("250000 100000", 2), ("900000 100000", 4)],
)
def test_quota_of_control_groups_version_2(four_cpus, tmp_path, quota, cores):
    root = machine(
        tmp_path, FOUR_CORES, proc__self__cgroup="0::/user/job\n", sys__fs__cgroup__user__job__cpu_DOT_max=quota
    )
    assert startup.available_cores(root) == cores


def test_quota_of_a_group_above(four_cpus, tmp_path):
    root = machine(
        tmp_path,
        FOUR_CORES,
        proc__self__cgroup="0::/user/job\n",
        sys__fs__cgroup__user__cpu_DOT_max="300000 100000",
        sys__fs__cgroup__user__job__cpu_DOT_max="max 100000",
    )
    assert startup.available_cores(root) == 3


@pytest.mark.parametrize(("quota", "cores"), [("150000", 1), ("-1", 4), ("300000", 3)])
def test_quota_of_control_groups_version_1_inside_a_container(four_cpus, tmp_path, quota, cores):
    root = machine(
        tmp_path,
        FOUR_CORES,
        proc__self__cgroup="5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n",
        sys__fs__cgroup__cpu__cpu_DOT_cfs_quota_us=quota,
        sys__fs__cgroup__cpu__cpu_DOT_cfs_period_us="100000",
    )
    assert startup.available_cores(root) == cores


def test_mxnet_computes_with_all_cores():
    printed, _ = run("""
        import gluon_cnn
        from gluon_cnn._core import startup
        import os
        print(os.environ["OMP_NUM_THREADS"] == str(startup.available_cores()), startup.mxnet_threads())
    """)
    assert printed == f"True {startup.available_cores()}"


@pytest.mark.parametrize(("value", "threads"), [("1", 1), ("1,2", 1), (" 1 ", 1), ("+1", 1), ("01", 1)])
def test_the_users_number_of_threads_stays(value, threads):
    """OpenMP takes a list, one number for each level of nesting; MXNet would end the process."""
    printed, errors = run(
        "import gluon_cnn, mxnet, os; print(os.environ['OMP_NUM_THREADS'], gluon_cnn._core.startup.mxnet_threads())",
        OMP_NUM_THREADS=value,
    )
    assert printed == f"{threads} {threads}"
    assert not errors


@pytest.mark.parametrize("value", ["abc", "0", "-2", ","])
def test_a_number_of_threads_that_is_none_is_named_and_replaced(value):
    printed, errors = run(
        "import gluon_cnn, mxnet; print(gluon_cnn._core.startup.mxnet_threads())", OMP_NUM_THREADS=value
    )
    assert printed == str(startup.available_cores())
    assert errors.count(f"OMP_NUM_THREADS={value} is not a number of threads") == 1


def test_the_doctor_names_a_number_of_threads_that_is_none():
    printed, _ = run("from gluon_cnn.cli import doctor; doctor.run()", OMP_NUM_THREADS="abc")
    assert "-> OMP_NUM_THREADS=abc is not a number: unset OMP_NUM_THREADS" in printed


MXNET_FIRST = """
    import sys, gluon_cnn.compat, mxnet  # what another package does that lets mxnet import
    for name in "gluon_cnn", "gluon_cnn._core", "gluon_cnn._core.startup": del sys.modules[name]
    import os; del os.environ["OMP_NUM_THREADS"]
    import ctypes; ctypes.CDLL("libgomp.so.1").omp_set_num_threads(1)  # what mxnet chooses on two cores
    import gluon_cnn
"""


@pytest.mark.skipif(startup.available_cores() < 2, reason="one core: mxnet cannot have taken too few")
def test_mxnet_imported_first_gives_one_warning():
    _, errors = run(MXNET_FIRST)
    assert errors.count("mxnet was imported before gluon_cnn and computes with") == 1
    assert "import gluon_cnn first" in errors


def test_mxnet_imported_first_with_a_chosen_number_gives_no_warning():
    _, errors = run(MXNET_FIRST.replace("del os.environ", "os.environ"), OMP_NUM_THREADS="1")
    assert "imported before" not in errors


def test_nothing_is_imported_before_it_is_used():
    """The command's help, the doctor on a broken machine and gluon_cnn.compat wait for none of these."""
    printed, _ = run("""
        import sys, gluon_cnn as g
        print([name for name in ("mxnet", "matplotlib", "PIL", "requests", "scipy") if name in sys.modules])
        print(g.dropout.__name__, g.summary.__name__, g.BatchNorm.__name__, "mxnet" in sys.modules)
        import gluon_cnn.layers.dropout, gluon_cnn.networks.summary
        print(callable(g.dropout), callable(g.summary))
    """)
    assert printed.splitlines() == ["[]", "dropout summary BatchNorm True", "True True"]


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
        print("scipy.stats" in sys.modules)
        print(mxnet.contrib.quantization.stats.entropy([1, 1]) > 0.69)
        from scipy import stats
        print(type(stats) is types.ModuleType and stats is sys.modules["scipy.stats"])
    """)
    assert printed.splitlines() == [str(first != "pass"), "True", "True"]


def test_a_module_on_first_use_gives_way_to_what_is_inside(monkeypatch):
    for name in ("xml.dom", "xml.dom.minidom"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with startup._on_first_use("xml.dom"), startup._on_first_use("no_such_library.part"):
        import xml.dom.minidom
    assert xml.dom.minidom.parseString("<a/>").documentElement.tagName == "a"
    assert "no_such_library.part" not in sys.modules


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (
            OSError("libgomp.so.1: cannot open shared object file: No such file or directory"),
            "apt-get install libgomp1",
        ),
        (OSError("libquadmath.so.0: cannot open shared object file: No such file"), "apt-get install libquadmath0"),
        (OSError("libfoo.so.3: cannot open shared object file: No such file"), "that holds libfoo.so.3"),
        (OSError("libarmpl_lp64_mp.so: cannot open shared object file: No such file"), "docs/environment.md"),
        (OSError("libcudnn.so.8: cannot open shared object file: No such file"), "CUDA 11 and cuDNN 8"),
        (ModuleNotFoundError("No module named 'mxnet'", name="mxnet"), "pip install --no-deps mxnet==1.9.1"),
        (ModuleNotFoundError("No module named 'tqdm'", name="tqdm"), "pip install tqdm"),
        (ModuleNotFoundError("No module named 'distutils'", name="distutils"), "-m pip install setuptools"),
        (RuntimeError("something\nelse"), "RuntimeError: something"),
    ],
)
def test_advice_names_the_remedy(error, advice):
    assert advice in startup.import_advice(error)


@pytest.fixture
def broken_mxnet(tmp_path):
    (tmp_path / "mxnet.py").write_text('raise OSError("libgomp.so.1: cannot open shared object file: No such file")')
    return {"PYTHONPATH": str(tmp_path)}


@pytest.mark.parametrize("code", ["import gluon_cnn; gluon_cnn.train", "from gluon_cnn import LeNet", "import mxnet"])
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


@pytest.mark.parametrize(
    "code",
    [
        "import gluon_cnn as g; g.LeNet",
        "from gluon_cnn.networks.resnet import Residual",
        "import gluon_cnn, mxnet.gluon",
    ],
)
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
    assert "The course cannot run like this" in printed
    assert not errors


def test_channels_at_once(tmp_path):
    file = tmp_path / "cpuinfo"
    for flags, channels in (("fpu avx2 avx512f avx512bw", 16), ("fpu avx avx2", 8), ("avx512_vnni", 8)):
        file.write_text(f"processor : 0\nflags : {flags}\n")
        startup.channels_at_once.cache_clear()
        assert startup.channels_at_once(file) == channels
    assert startup.channels_at_once(tmp_path / "none") == 8
