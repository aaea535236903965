"""What happens before mxnet is imported. Most of it has to be seen from a process of its own."""

import os
import subprocess
import sys
import textwrap

import pytest
from gluon_cnn import _runtime


def run(code, **environment):
    """Run Python code in a fresh process and return what it printed and what it wrote to stderr."""
    env = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**env, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout.strip(), done.stderr


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
    monkeypatch.setattr(_runtime.sys, "platform", "linux")
    monkeypatch.setattr(_runtime.os, "sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)


FOUR_CORES = {0: "0", 1: "1", 2: "2", 3: "3"}


def test_each_core_counts_without_hyper_threads(four_cpus, tmp_path):
    assert _runtime.available_cores(machine(tmp_path, FOUR_CORES)) == 4


def test_two_hyper_threads_of_a_core_count_once(four_cpus, tmp_path):
    assert _runtime.available_cores(machine(tmp_path, {0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"})) == 2


def test_affinity_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(_runtime.os, "sched_getaffinity", lambda pid: {1}, raising=False)
    assert _runtime.available_cores(machine(tmp_path, FOUR_CORES)) == 1


def test_a_machine_that_tells_nothing_counts_its_cpus(four_cpus, tmp_path):
    assert _runtime.available_cores(tmp_path) == 4


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("200000 100000", 2), ("max 100000", 4), ("50000 100000", 1), ("250000 100000", 2), ("900000 100000", 4)],
)
def test_quota_of_control_groups_version_2(four_cpus, tmp_path, quota, cores):
    root = machine(
        tmp_path, FOUR_CORES, proc__self__cgroup="0::/user/job\n", sys__fs__cgroup__user__job__cpu_DOT_max=quota
    )
    assert _runtime.available_cores(root) == cores


def test_quota_of_a_group_above(four_cpus, tmp_path):
    root = machine(
        tmp_path,
        FOUR_CORES,
        proc__self__cgroup="0::/user/job\n",
        sys__fs__cgroup__user__cpu_DOT_max="300000 100000",
        sys__fs__cgroup__user__job__cpu_DOT_max="max 100000",
    )
    assert _runtime.available_cores(root) == 3


@pytest.mark.parametrize(("quota", "cores"), [("150000", 1), ("-1", 4), ("300000", 3)])
def test_quota_of_control_groups_version_1_inside_a_container(four_cpus, tmp_path, quota, cores):
    root = machine(
        tmp_path,
        FOUR_CORES,
        proc__self__cgroup="5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n",
        sys__fs__cgroup__cpu__cpu_DOT_cfs_quota_us=quota,
        sys__fs__cgroup__cpu__cpu_DOT_cfs_period_us="100000",
    )
    assert _runtime.available_cores(root) == cores


def test_mxnet_computes_with_all_cores():
    printed, _ = run("""
        import gluon_cnn
        from gluon_cnn import _runtime
        import os
        print(os.environ["OMP_NUM_THREADS"] == str(_runtime.available_cores()), _runtime.mxnet_threads())
    """)
    assert printed == f"True {_runtime.available_cores()}"


def test_the_users_number_of_threads_stays():
    printed, _ = run(
        "import gluon_cnn, os; print(os.environ['OMP_NUM_THREADS'], gluon_cnn._runtime.mxnet_threads())",
        OMP_NUM_THREADS="1",
    )
    assert printed == "1 1"


MXNET_FIRST = """
    import numpy as np
    np.bool = bool  # what lets mxnet import without gluon_cnn's help
    np.object, np.int, np.float = object, int, float
    try:
        import distutils
    except ModuleNotFoundError:
        import setuptools
    import mxnet
    from gluon_cnn import _runtime
"""


@pytest.mark.skipif(_runtime.available_cores() < 2, reason="one core: mxnet cannot have taken too few")
def test_mxnet_imported_first_gives_one_warning():
    _, errors = run(MXNET_FIRST)
    assert errors.count("mxnet was imported before gluon_cnn and computes with") == 1
    assert "import gluon_cnn first" in errors


def test_mxnet_imported_first_with_a_chosen_number_gives_no_warning():
    _, errors = run(MXNET_FIRST, OMP_NUM_THREADS="1")
    assert "imported before" not in errors


def test_numpy_keeps_what_it_has_and_gets_what_mxnet_needs():
    printed, _ = run("""
        import numpy as np
        had = set(vars(np))
        import gluon_cnn
        print(sorted(set(_n for _n in gluon_cnn._runtime.NUMPY_ALIASES if not hasattr(np, _n))))
        print(all(getattr(np, n) is getattr(__import__("builtins"), n) for n in gluon_cnn._runtime.NUMPY_ALIASES
                  if n not in had))
    """)
    assert printed.splitlines() == ["[]", "True"]


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
    with _runtime._on_first_use("xml.dom"), _runtime._on_first_use("no_such_library.part"):
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
        (OSError("libcudnn.so.8: cannot open shared object file: No such file"), "CUDA 11 and cuDNN 8"),
        (ModuleNotFoundError("No module named 'mxnet'", name="mxnet"), "pip install mxnet==1.9.1"),
        (ModuleNotFoundError("No module named 'distutils'", name="distutils"), "pip install --upgrade setuptools"),
        (RuntimeError("something\nelse"), "RuntimeError: something"),
    ],
)
def test_advice_names_the_remedy(error, advice):
    assert advice in _runtime.import_advice(error)


def test_advice_for_numpy_2(monkeypatch):
    monkeypatch.setattr(_runtime.np, "__version__", "2.1.0")
    assert 'pip install "numpy<2"' in _runtime.import_advice(AttributeError("module 'numpy' has no attribute 'PZERO'"))


@pytest.fixture
def broken_mxnet(tmp_path):
    (tmp_path / "mxnet.py").write_text('raise OSError("libgomp.so.1: cannot open shared object file: No such file")')
    return {"PYTHONPATH": str(tmp_path)}


def test_a_broken_mxnet_is_explained_when_a_name_is_used(broken_mxnet):
    for code in ("import gluon_cnn; gluon_cnn.train", "from gluon_cnn import LeNet"):
        _, errors = run(code, **broken_mxnet)
        assert errors.strip().splitlines()[-1] == (
            "ImportError: gluon_cnn needs mxnet, and the system library libgomp.so.1 is missing: "
            "apt-get install libgomp1. For more: python -m gluon_cnn.doctor"
        )


def test_the_doctor_works_without_mxnet(broken_mxnet):
    printed, errors = run("import sys; from gluon_cnn import doctor; sys.exit(doctor.main())", **broken_mxnet)
    assert "!! mxnet" in printed
    assert "apt-get install libgomp1" in printed
    assert "The course cannot run like this" in printed
    assert not errors


def test_channels_at_once(tmp_path):
    file = tmp_path / "cpuinfo"
    for flags, channels in (("fpu avx2 avx512f avx512bw", 16), ("fpu avx avx2", 8), ("avx512_vnni", 8)):
        file.write_text(f"processor : 0\nflags : {flags}\n")
        _runtime.channels_at_once.cache_clear()
        assert _runtime.channels_at_once(file) == channels
    assert _runtime.channels_at_once(tmp_path / "none") == 8
