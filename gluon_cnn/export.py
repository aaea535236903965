"""A trained network for programs without MXNet: ONNX, or MXNet's own symbol. Lesson 15."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import mxnet as mx
import numpy as np
from gluon_cnn._checks import whole
from gluon_cnn._files import whole_file
from mxnet import gluon, nd

__all__ = ["export_onnx", "export_symbol"]

INPUT, OUTPUT, BATCH = "data", "scores", "batch"


def export_onnx(net: gluon.HybridBlock, path: str | Path, input_shape: Sequence[int]) -> Path:
    """Write a network as ONNX, which ONNX Runtime and others predict with.

    Parameters
    ----------
    net : HybridBlock
        A network with weights, on any context; it is not changed.
    path : str or Path
        The file, such as ``"lenet.onnx"``.
    input_shape : sequence of int
        Of a batch, such as ``(1, 1, 28, 28)``. The number of pictures is left open in the file, the rest is fixed.

    Returns
    -------
    Path
        The file. Its input is called ``data``, its output ``scores``; both are float32.

    Raises
    ------
    ImportError
        When ``onnx`` is not installed, or one that MXNet's converter cannot use.
    TypeError
        When ``net`` is no HybridBlock.
    ValueError
        When the network has no weights yet or others than float32, an input of this shape does not fit, or the
        converter knows no way to write one of its operators.
    OSError
        When the file cannot be written.

    Notes
    -----
    MXNet's converter writes operators as of ONNX' opset 13 but stamps the file with the newest that it finds, where
    some of them mean something else; here it says 13. Dropout is left out, batch norm has its moving averages.
    ONNX Runtime up to 1.23 averages windows wrongly that reach over the edge (``AvgPool2D(..., ceil_mode=True)``).
    """
    path, shape = Path(path), tuple(whole("input_shape", size, 1) for size in input_shape)
    symbol, parameters = _plain(net, shape)
    kinds = sorted({np.dtype(array.dtype).name for array in parameters.values()} - {"float32"})
    if kinds:
        raise ValueError(f"{type(net).__name__} computes with {kinds[0]}; float32 is what can be written as ONNX")
    try:
        import onnx
        from onnx import mapping  # noqa: F401 (the converter needs it; onnx 1.19 dropped it)
    except ImportError as error:
        raise ImportError(f'writing ONNX takes onnx: pip install "onnx>=1.15,<1.19" ({error})') from None
    from mxnet.onnx.mx2onnx._export_onnx import MXNetGraph

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of onnx, that the converter uses its `mapping`
        written = str(Path(folder) / "network.onnx")
        try:
            mx.onnx.export_model(
                symbol,
                parameters,
                [shape],
                np.float32,
                written,
                dynamic=True,
                dynamic_input_shapes=[(BATCH, *shape[1:])],
            )
        except AttributeError as error:  # "No conversion function registered for op type ..."
            raise ValueError(f"{type(net).__name__} cannot be written as ONNX: {error}") from None
        model = onnx.load(written)
    del model.opset_import[:]
    model.opset_import.append(onnx.helper.make_opsetid("", max(MXNetGraph.registry_)))
    model.ir_version = onnx.helper.find_min_ir_version_for(model.opset_import)  # older programs refuse newer files
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    del model.graph.input[:]  # weights among them could be overwritten, and so are not optimized
    model.graph.input.extend(inputs)
    (output,) = model.graph.output
    model.graph.node.append(onnx.helper.make_node("Identity", [output.name], [OUTPUT]))
    output.name = OUTPUT
    onnx.checker.check_model(model, full_check=True)
    with whole_file(path) as file:
        file.write(model.SerializeToString())
    return path


def export_symbol(net: gluon.HybridBlock, path: str | Path, input_shape: Sequence[int]) -> tuple[Path, Path]:
    """Write a network as MXNet's symbol and parameters, which ``gluon.SymbolBlock.imports`` reads without its code.

    Parameters
    ----------
    net : HybridBlock
        A network with weights, on any context; it is not changed.
    path : str or Path
        Beginning of both names, such as ``"lenet"``.
    input_shape : sequence of int
        Of a batch, such as ``(1, 1, 28, 28)``; to check that the network takes it.

    Returns
    -------
    (Path, Path)
        ``<path>-symbol.json`` and ``<path>-0000.params``. The input is called ``data``.

    Raises
    ------
    TypeError, ValueError, OSError
        As :func:`export_onnx`.
    """
    symbol, parameters = _plain(net, tuple(whole("input_shape", size, 1) for size in input_shape))
    auxiliary = set(symbol.list_auxiliary_states())
    names = (Path(f"{path}-symbol.json"), Path(f"{path}-0000.params"))
    with tempfile.TemporaryDirectory() as folder:
        written = str(Path(folder) / "network.params")
        nd.save(written, {f"{'aux' if k in auxiliary else 'arg'}:{k}": value for k, value in parameters.items()})
        for name, content in zip(names, (symbol.tojson().encode(), Path(written).read_bytes())):
            with whole_file(name) as file:
                file.write(content)
    return names


def _plain(net: gluon.HybridBlock, shape: tuple[int, ...]) -> tuple[mx.sym.Symbol, dict[str, nd.NDArray]]:
    """Return the network's graph, layer by layer as it is defined, and its parameters on the CPU."""
    if not isinstance(net, gluon.HybridBlock):
        raise TypeError(f"net must be a HybridBlock; got {type(net).__name__}")
    all_parameters = net.collect_params().values()
    if any(p._data is None for p in all_parameters):
        raise ValueError(f"{type(net).__name__} has no weights yet: train it or load its parameters first")
    contexts = next((p.list_ctx() for p in all_parameters), [mx.cpu()])
    try:
        net(nd.zeros(shape, ctx=contexts[0]))
        nd.waitall()  # mxnet may still be rearranging weights
    except mx.MXNetError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise ValueError(f"{type(net).__name__} does not take an input of shape {shape}: {lines[-1][:200]}") from None
    symbol = net(mx.sym.var(INPUT))
    return symbol, {p.name: p.data(contexts[0]).as_in_context(mx.cpu()) for p in all_parameters}
