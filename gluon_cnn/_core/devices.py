"""Choosing a context: a GPU that has passed a test computation, or else the CPU."""

import functools

import mxnet as mx
import numpy as np
from gluon_cnn._core.checks import check_int
from gluon_cnn._core.errors import error_summary
from gluon_cnn._core.startup import warn_user
from mxnet import nd


def try_gpu(i: int = 0) -> mx.Context:
    """Return GPU ``i``, counted from 0, if it computes correctly, or else the CPU.

    Copying an array to a GPU proves nothing: on a card newer than the wheel's kernels the copy succeeds and the first
    computation fails. Therefore a small product and a convolution are computed and compared with NumPy's results. The
    outcome is cached for the lifetime of the process. If a GPU build of MXNet falls back to the CPU, a warning
    says why.
    """
    return _choose(check_int("i", i, 0))


def try_all_gpus() -> list[mx.Context]:
    """Return all GPUs that compute correctly, or ``[mx.cpu()]``; the list can be passed to ``train``."""
    contexts = [try_gpu(i) for i in range(num_gpus())] or [try_gpu()]
    return [ctx for ctx in contexts if ctx.device_type == "gpu"] or [mx.cpu()]


@functools.cache
def _choose(i: int) -> mx.Context:
    problem = gpu_problem(i)
    if problem is None:
        return mx.gpu(i)
    if built_for_gpus():
        warn_user(f"using the CPU: {problem}")
    return mx.cpu()


def gpu_problem(i: int) -> str | None:
    """Return why GPU ``i`` cannot be used, or None if it computes correctly."""
    if not built_for_gpus():
        return "this build of mxnet has no CUDA"
    try:
        count = mx.context.num_gpus()
    except mx.MXNetError as error:
        return f"CUDA cannot be initialized ({error_summary(error)}); is the NVIDIA driver installed?"
    if count == 0:
        return "CUDA sees no GPU on this machine"
    if i >= count:
        return f"there is no GPU {i}; CUDA sees {count}, numbered from 0"
    try:
        correct = _computes_correctly(mx.gpu(i))
    except (mx.MXNetError, OSError) as error:
        return _explain(error, i)
    return None if correct else f"GPU {i} computed an incorrect result"


def built_for_gpus() -> bool:
    """Return whether this build of mxnet has CUDA."""
    return mx.runtime.Features().is_enabled("CUDA")


def num_gpus() -> int:
    """Return the number of GPUs that CUDA sees; 0 without CUDA or a driver."""
    try:
        return mx.context.num_gpus()
    except mx.MXNetError:
        return 0


def _computes_correctly(ctx: mx.Context) -> bool:
    """Run a convolution and a product on ``ctx`` and compare them with NumPy's results."""
    x = np.arange(16, dtype=np.float32).reshape(4, 4)
    on_device = nd.array(x, ctx=ctx)
    product = nd.dot(on_device, on_device).asnumpy()
    window_sum = nd.Convolution(
        on_device.reshape((1, 1, 4, 4)), nd.ones((1, 1, 4, 4), ctx=ctx), no_bias=True, kernel=(4, 4), num_filter=1
    ).asscalar()
    return bool(np.allclose(product, x @ x) and np.isclose(window_sum, x.sum()))


def _explain(error: Exception, i: int) -> str:
    text = str(error)
    if "no kernel image" in text or "invalid device function" in text:
        return (
            f"GPU {i} is newer than the kernels in this build of mxnet (the released builds support compute "
            "capability up to 8.6); NVIDIA's own MXNet container 24.06 was built for newer cards"
        )
    if "cannot open shared object" in text or "could not load" in text.lower() or "nvrtc" in text.lower():
        return f"a library that GPU {i} needs is missing ({error_summary(error)}): mxnet needs CUDA 11 and cuDNN 8"
    return f"GPU {i} failed a test computation ({error_summary(error)})"
