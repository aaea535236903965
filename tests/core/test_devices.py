"""Choosing a context, with the cases of a GPU machine simulated."""

import gluon_cnn as g
import mxnet as mx
import pytest
from gluon_cnn._core import devices as context


@pytest.fixture(autouse=True)
def _forget_answers():
    context._choose.cache_clear()
    yield
    context._choose.cache_clear()


class Machine:
    """A simulated machine: CUDA build or not, number of GPUs, what a computation does."""

    def __init__(self, monkeypatch):
        self.cuda, self.gpus, self.computations = True, 1, 0
        self.outcome = True
        monkeypatch.setattr(mx.runtime, "Features", lambda: self)
        monkeypatch.setattr(mx.context, "num_gpus", self.count)
        monkeypatch.setattr(context, "_computes_correctly", self.compute)

    def is_enabled(self, feature):
        assert feature == "CUDA"
        return self.cuda

    def count(self):
        if isinstance(self.gpus, Exception):
            raise self.gpus
        return self.gpus

    def compute(self, ctx):
        self.computations += 1
        outcome = self.outcome(ctx) if callable(self.outcome) else self.outcome
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture
def machine(monkeypatch):
    return Machine(monkeypatch)


def test_a_gpu_that_computes_is_used(machine, recwarn):
    assert g.try_gpu() == mx.gpu(0)
    assert g.try_all_gpus() == [mx.gpu(0)]
    assert not recwarn.list


NEWER_CARD = mx.MXNetError(
    "Traceback (most recent call last):\n  File ...\nMXNetError: Check failed: err == cudaSuccess (209 vs. 0): "
    "Name: mxnet_generic_kernel ErrStr:no kernel image is available for execution on the device"
)
NO_CUDNN = OSError("libcudnn.so.8: cannot open shared object file: No such file or directory")
OUT_OF_MEMORY = mx.MXNetError("Traceback:\n  File ...\nMXNetError: cudaMalloc retry failed: out of memory")


@pytest.mark.parametrize(
    ("settings", "i", "reason"),
    [
        ({"gpus": 0}, 0, "CUDA sees no GPU"),
        ({"gpus": mx.MXNetError("MXNetError: driver too old")}, 0, "is the NVIDIA driver installed"),
        ({"gpus": 2}, 2, "there is no GPU 2; CUDA sees 2, numbered from 0"),
        ({"outcome": NEWER_CARD}, 0, "GPU 0 is newer than the kernels in this build"),
        ({"outcome": NO_CUDNN}, 0, "libcudnn.so.8"),
        ({"outcome": OUT_OF_MEMORY}, 0, "failed a test computation (MXNetError: cudaMalloc retry failed"),
        ({"outcome": False}, 0, "computed an incorrect result"),
    ],
)
def test_otherwise_the_cpu_with_the_reason(machine, settings, i, reason):
    vars(machine).update(settings)
    with pytest.warns(UserWarning, match="using the CPU: ") as warned:
        assert g.try_gpu(i) == mx.cpu()
    assert len(warned) == 1
    assert reason in str(warned[0].message)
    if settings.get("gpus") == 0:
        assert g.try_all_gpus() == [mx.cpu()]


def test_a_build_for_cpus_takes_the_cpu_without_a_word(machine):
    machine.cuda, machine.gpus = False, 0
    assert g.try_gpu() == mx.cpu()
    assert g.try_all_gpus() == [mx.cpu()]
    assert context.gpu_problem(0) == "this build of mxnet has no CUDA"
    assert machine.computations == 0


def test_all_gpus_leaves_out_those_that_fail(machine):
    machine.gpus = 3
    machine.outcome = lambda ctx: ctx.device_id != 1
    with pytest.warns(UserWarning, match="GPU 1 computed an incorrect result"):
        assert g.try_all_gpus() == [mx.gpu(0), mx.gpu(2)]


def test_the_answer_is_kept(machine, recwarn):
    machine.outcome = False
    with pytest.warns(UserWarning, match="incorrect result"):
        g.try_gpu()
    recwarn.clear()
    assert g.try_gpu() == mx.cpu()
    assert machine.computations == 1
    assert not recwarn.list


def test_the_probe_sees_wrong_results(monkeypatch):
    assert context._computes_correctly(mx.cpu()) is True
    monkeypatch.setattr(context.nd, "dot", lambda a, b: a * b)
    assert context._computes_correctly(mx.cpu()) is False


@pytest.mark.skipif(mx.runtime.Features().is_enabled("CUDA"), reason="this build has CUDA")
def test_this_machine():
    assert g.try_gpu() == mx.cpu()
