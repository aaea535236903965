"""Exporting a trained network to ONNX or to an MXNet symbol. Lesson 15."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import mxnet as mx
import numpy as np
from gluon_cnn._core.checks import check_shape, check_weights
from gluon_cnn._core.contexts import contexts_of
from gluon_cnn._core.errors import error_summary
from gluon_cnn._core.files import atomic_write, write_all
from gluon_cnn._core.forward import forward, zeros_for
from gluon_cnn._core.parameter_files import parameter_bytes
from mxnet import gluon, nd

INPUT, OUTPUT, BATCH = "data", "scores", "batch"


def export_onnx(
    net: gluon.HybridBlock,
    path: str | Path,
    input_shape: Sequence[int],
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Export a network to ONNX, for ONNX Runtime and other programs; return the file's path.

    The network needs weights, on any context, and is not changed. ``input_shape`` is that of a batch, such as ``(1, 1,
    28, 28)``; the batch size remains variable, the rest is fixed. The file's input is called ``data``, its output
    ``scores``; both are float32. ``metadata`` is stored in the file. Raise ImportError if ``onnx`` is not installed,
    and ValueError if the network cannot be exported or ONNX Runtime computes different scores.

    If ``onnxruntime`` is installed, the file is first tested on random images, with this batch size and with one
    image more: MXNet's converter exports some operators incorrectly, such as local response normalization. ONNX
    Runtime up to 1.23 incorrectly averages windows that extend beyond the edge (``AvgPool2D(..., ceil_mode=True)``).
    """
    path, shape = _path(path), check_shape("input_shape", input_shape)
    check_float32_weights(net, "written as ONNX")
    symbol, parameters = _trace(net, shape, "ONNX")
    try:
        import onnx
    except ImportError as error:
        raise ImportError(f"writing ONNX requires onnx: pip install onnx onnxruntime ({error})") from None
    from mxnet.onnx.mx2onnx._export_onnx import MXNetGraph

    try:
        with tempfile.TemporaryDirectory() as folder:
            written = str(Path(folder) / "network.onnx")
            settings = {"dynamic": True, "dynamic_input_shapes": [(BATCH, *shape[1:])]}
            mx.onnx.export_model(symbol, parameters, [shape], np.float32, written, **settings)
            model = onnx.load(written)
        # The converter's operators are those of opset 13, but it declares the newest opset that it finds.
        del model.opset_import[:]
        model.opset_import.append(onnx.helper.make_opsetid("", max(MXNetGraph.registry_)))
        model.ir_version = onnx.helper.find_min_ir_version_for(model.opset_import)  # older programs reject newer files
        weights = {tensor.name for tensor in model.graph.initializer}
        inputs = [value for value in model.graph.input if value.name not in weights]
        del model.graph.input[:]  # weights among the inputs could be overwritten, and so are not optimized
        model.graph.input.extend(inputs)
        (output,) = model.graph.output
        model.graph.node.append(onnx.helper.make_node("Identity", [output.name], [OUTPUT]))
        output.name = OUTPUT
        onnx.helper.set_model_props(model, dict(metadata or {}))
        onnx.checker.check_model(model, full_check=True)
        content = model.SerializeToString()
        _compare_scores(net, content, shape)
    except (MemoryError, OSError):
        raise
    except Exception as error:  # converter, checker and ONNX Runtime raise many kinds
        raise ValueError(f"{type(net).__name__} cannot be written as ONNX: {error_summary(error)}") from None
    with atomic_write(path) as file:
        file.write(content)
    return path


def export_symbol(net: gluon.HybridBlock, path: str | Path, input_shape: Sequence[int]) -> tuple[Path, Path]:
    """Export a network as an MXNet symbol and parameters, which ``gluon.SymbolBlock.imports`` reads without its code.

    The arguments are those of :func:`export_onnx`, but ``path`` is a prefix, such as ``"lenet"``: return
    ``<path>-symbol.json`` and ``<path>-0000.params``. The input is called ``data``.
    """
    symbol, parameters = _trace(net, check_shape("input_shape", input_shape), "a symbol")
    auxiliary = set(symbol.list_auxiliary_states())
    arrays = {f"{'aux' if k in auxiliary else 'arg'}:{k}": value for k, value in parameters.items()}
    path = _path(path)
    names = (Path(f"{path}-symbol.json"), Path(f"{path}-0000.params"))
    write_all(dict(zip(names, (symbol.tojson().encode(), parameter_bytes(arrays)))))
    return names


def _path(path: str | Path) -> Path:
    """Return a path if it ends with a file name."""
    if not isinstance(path, (str, Path)) or not Path(path).name:
        raise ValueError(f"path must name a file, such as 'lenet'; got {path!r}")
    return Path(path)


def _trace(net: gluon.HybridBlock, shape: tuple[int, ...], form: str) -> tuple[mx.sym.Symbol, dict[str, nd.NDArray]]:
    """Return the network's graph, with its layers as defined, and its parameters on the CPU."""
    context = contexts_of(check_weights(net, gluon.HybridBlock))[0]
    forward(net, zeros_for(net, shape))  # also waits for MXNet to rearrange weights
    symbol = net(mx.sym.var(INPUT))
    if not isinstance(symbol, mx.sym.Symbol) or len(symbol.list_outputs()) != 1:
        raise ValueError(f"{type(net).__name__} cannot be written as {form}: it has several outputs, not one")
    return symbol, {p.name: p.data(context).as_in_context(mx.cpu()) for p in net.collect_params().values()}


def check_float32_weights(net: gluon.HybridBlock, done: str) -> None:
    """Refuse a network whose weights are missing, not float32, or not finite; ``done`` names the purpose."""
    for parameter in check_weights(net, gluon.HybridBlock).collect_params().values():
        kind = np.dtype(parameter.dtype).name
        if kind != "float32":
            raise ValueError(f"{type(net).__name__} computes with {kind}; only float32 can be {done}")
        if not np.isfinite(parameter.data(parameter.list_ctx()[0]).asnumpy()).all():
            raise ValueError(f"{type(net).__name__} cannot be {done}: {parameter.name} contains NaN or infinity")


def _compare_scores(net: gluon.HybridBlock, content: bytes, shape: tuple[int, ...]) -> None:
    """Raise an error if ONNX Runtime is installed and its scores differ from the network's."""
    try:
        import onnxruntime
    except ImportError:
        return
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised and need not be printed
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    for batch_size in (shape[0], shape[0] + 1):
        X = np.random.RandomState(0).normal(size=(batch_size, *shape[1:])).astype(np.float32)
        (scores,) = session.run([OUTPUT], {INPUT: X})  # first, as MXNet writes out of bounds on an invalid reshape
        expected = net(nd.array(X, ctx=contexts_of(net)[0])).asnumpy()
        largest = np.abs(expected[np.isfinite(expected)]).max(initial=0)
        if scores.shape != expected.shape or not np.allclose(scores, expected, 0, 1e-4 * largest, equal_nan=True):
            raise ValueError(f"from the file, ONNX Runtime {onnxruntime.__version__} computes different scores")
