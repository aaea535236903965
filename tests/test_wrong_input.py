"""Wrong input, one row each: an error in the package's own words, or an answer; never mxnet's trace."""

import functools
import gzip
import io
import os
import struct
import zipfile
import zlib
from pathlib import Path

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from gluon_cnn._core.files import atomic_write, write_all
from gluon_cnn.cli import main as cli
from gluon_cnn.cli.parser import make_parser
from gluon_cnn.data.idx import read_idx
from gluon_cnn.data.images import read_folder, read_picture
from gluon_cnn.experiments import experiment
from gluon_cnn.experiments.run import Run
from gluon_cnn.networks import loading
from gluon_cnn.training.prediction import predict_batches
from hypothesis import given
from hypothesis import strategies as st
from mxnet import autograd, gluon, init, nd
from PIL import Image, ImageFile

from tests.data.test_idx import PICTURES as IDX_PICTURES
from tests.data.test_idx import idx

OURS = (ValueError, TypeError, OSError)
LONGEST = 500  # characters of a message; mxnet's traces have thousands
LOSS = gluon.loss.SoftmaxCrossEntropyLoss()


def refused(error: BaseException, words: str = "") -> None:
    """Assert that an error is of our own words, these among them."""
    assert isinstance(error, OURS), repr(error)
    assert not isinstance(error, mx.MXNetError), repr(error)
    text = str(error)
    assert "Stack trace" not in text
    assert ".cc:" not in text
    assert words in text
    assert 0 < len(text) < LONGEST


def x(*shape, dtype="float32"):
    return nd.array(np.random.RandomState(0).randint(0, 9, shape), dtype=dtype)


BLOCKS = {
    "Inception": lambda: g.Inception(2, 2, 3, 2, 3, 2),
    "Residual": lambda: g.Residual(4),
    "Residual, other shape": lambda: g.Residual(4, same_shape=False),
    "ResBlk": lambda: g.ResBlk(4, 8),
    "DenseBlock": lambda: g.DenseBlock(2, 3),
    "conv_block": lambda: g.conv_block(4),
    "transition_block": lambda: g.transition_block(4),
    "mlpconv": lambda: g.mlpconv(4, 3, 0),
    "vgg_block": lambda: g.vgg_block(1, 4),
    "BatchNorm": g.BatchNorm,
    "LeNet": g.LeNet,
    "AlexNet": lambda: g.AlexNet(dense_units=8),
    "VGG": lambda: g.VGG(((1, 4), (1, 8)), dense_units=8),
    "NiN": g.NiN,
    "GoogLeNet": lambda: g.GoogLeNet(3, width=0.125),
    "ResNet": lambda: g.ResNet(3, init_channels=4),
    "DenseNet": lambda: g.DenseNet(3, 8, 4, (2, 2)),
}
SIDES = {"AlexNet": 67, "NiN": 67, "GoogLeNet": 93, "ResNet": 75}

INPUTS = {
    "one axis": lambda n: x(4),
    "no batch axis": lambda n: x(4, n, n),
    "five axes": lambda n: x(1, 1, 4, n, n),
    "other channels": lambda n: x(2, 5, n, n),
    "bytes": lambda n: x(2, 4, n, n, dtype="uint8"),
    "integers": lambda n: x(2, 4, n, n, dtype="int32"),
    "double precision": lambda n: x(2, 4, n, n, dtype="float64"),
    "half precision": lambda n: x(2, 4, n, n, dtype="float16"),
    "no picture": lambda n: nd.zeros((2, 4, n, n))[:0],
    "no NDArray": lambda n: np.zeros((2, 4, n, n), np.float32),
    "nothing": lambda n: None,
}
KEEP_THE_SIZE = {"BatchNorm", "Inception", "Residual", "Residual, other shape", "ResBlk", "DenseBlock", "conv_block"}


@pytest.mark.parametrize("hybridize", [False, True], ids=["step by step", "hybridized"])
@pytest.mark.parametrize("wrong", INPUTS)
@pytest.mark.parametrize("name", BLOCKS)
def test_a_wrong_input_of_a_block(name, wrong, hybridize):
    side = SIDES.get(name, 32)
    net = BLOCKS[name]()
    net.initialize()
    if hybridize:
        net.hybridize(static_alloc=True)
    expected = net(x(2, 4, side, side)).asnumpy()
    if name == "BatchNorm" and wrong == "no batch axis":
        wrong = "one axis"  # (N, K) and (N, C, H, W) are its ranks
    with pytest.raises(OURS) as caught:
        net(INPUTS[wrong](side)).wait_to_read()
    refused(caught.value, "NDArray" if wrong in ("no NDArray", "nothing") else "")
    np.testing.assert_array_equal(net(x(2, 4, side, side)).asnumpy(), expected)  # it works as before


@pytest.mark.parametrize("name", sorted(BLOCKS.keys() - KEEP_THE_SIZE))
def test_a_picture_that_is_too_small(name):
    net = BLOCKS[name]()
    net.initialize()
    with pytest.raises(OURS, match="needs pictures of at least") as caught:
        net(x(2, 4, 1, 1)).wait_to_read()
    refused(caught.value)


WHOLE_NUMBERS = {  # the arguments that count something, in small
    g.Inception: dict(n1_1=2, n2_1=2, n2_3=3, n3_1=2, n3_5=3, n4_1=2),
    g.Residual: dict(channels=4),
    g.ResBlk: dict(ch_in=4, ch_out=8),
    g.DenseBlock: dict(layers=2, growth_rate=3),
    g.conv_block: dict(channels=4),
    g.transition_block: dict(channels=4),
    g.mlpconv: dict(channels=4, kernel_size=3, padding=1, strides=2),
    g.vgg_block: dict(num_convs=2, channels=4),
    g.LeNet: dict(num_classes=3),
    g.AlexNet: dict(num_classes=3, dense_units=8),
    functools.partial(g.VGG, g.VGG11): dict(num_classes=3, dense_units=8),
    g.NiN: dict(num_classes=3),
    g.GoogLeNet: dict(num_classes=3),
    g.ResNet: dict(num_classes=3, init_channels=4),
    g.DenseNet: dict(num_classes=3, init_channels=4, growth_rate=2),
}


@pytest.mark.parametrize(
    ("make", "name"), [(make, name) for make, numbers in WHOLE_NUMBERS.items() for name in numbers if name != "padding"]
)
def test_one_is_enough_and_none_is_not(make, name):
    make(**{**WHOLE_NUMBERS[make], name: 1})
    for wrong in (0, 1.5):
        with pytest.raises(OURS, match=name) as caught:
            make(**{**WHOLE_NUMBERS[make], name: wrong})
        refused(caught.value)


PAIR = (x(2, 1, 28, 28), nd.array([0, 1]))
WRONG_BATCHES = {
    "words": ("ab", "cd"),
    "a list of words": (["a", "b"], [0, 1]),
    "words as labels": (PAIR[0], ["a", "b"]),
    "nothing": (None, None),
    "single numbers": (1, 2),
    "no picture": (np.zeros((0, 1, 28, 28), np.float32), np.zeros(0)),
    "NaN as label": (PAIR[0], nd.array([0, np.nan])),
    "NaN as labels": (PAIR[0], nd.array([np.nan, np.nan])),
    "half a class": (PAIR[0], nd.array([0, 1.5])),
}
MATRIX, KERNEL = x(5, 5), x(2, 2)
GAMMA = nd.ones(3)
FUNCTIONS = {
    "corr2d: rank": lambda: g.corr2d(x(1, 5, 5), KERNEL),
    "corr2d: a list": lambda: g.corr2d([[1.0]], KERNEL),
    "corr2d: integers": lambda: g.corr2d(x(5, 5, dtype="int32"), KERNEL),
    "corr2d: mixed types": lambda: g.corr2d(MATRIX.astype("float64"), KERNEL),
    "corr2d: larger kernel": lambda: g.corr2d(KERNEL, MATRIX),
    "corr2d: negative padding": lambda: g.corr2d(MATRIX, KERNEL, padding=-1),
    "corr2d: stride 0": lambda: g.corr2d(MATRIX, KERNEL, stride=0),
    "corr2d: half a stride": lambda: g.corr2d(MATRIX, KERNEL, stride=1.5),
    "corr2d: biases": lambda: g.corr2d(MATRIX, KERNEL, bias=nd.ones(2)),
    "corr2d: a word as bias": lambda: g.corr2d(MATRIX, KERNEL, bias="a"),
    "corr2d: no bias": lambda: g.corr2d(MATRIX, KERNEL, bias=None),
    "corr2d: empty": lambda: g.corr2d(MATRIX[:0], KERNEL),
    "corr2d_multi_in_out: rank": lambda: g.corr2d_multi_in_out(MATRIX, x(2, 1, 2, 2)),
    "corr2d_multi_in_out: channels": lambda: g.corr2d_multi_in_out(x(3, 5, 5), x(2, 4, 2, 2)),
    "pool2d: rank": lambda: g.pool2d(x(1, 5, 5), 2),
    "pool2d: window 0": lambda: g.pool2d(MATRIX, 0),
    "pool2d: too large": lambda: g.pool2d(MATRIX, 6),
    "pool2d: mode": lambda: g.pool2d(MATRIX, 2, "mean"),
    "pool2d: bytes": lambda: g.pool2d(MATRIX.astype("uint8"), 2),
    "pool2d: padding as large as the window": lambda: g.pool2d(MATRIX, 2, padding=2),
    "conv_output_size: negative": lambda: g.conv_output_size(-5, 3),
    "conv_output_size: too small": lambda: g.conv_output_size(2, 3),
    "conv_output_size: words": lambda: g.conv_output_size("5", 3),
    "receptive_field: no layers": lambda: g.receptive_field([(3,)]),
    "receptive_field: stride 0": lambda: g.receptive_field([(3, 0)]),
    "pure_batch_norm: rank": lambda: g.pure_batch_norm(x(2, 3, 4), GAMMA, GAMMA),
    "pure_batch_norm: channels": lambda: g.pure_batch_norm(x(2, 4), GAMMA, GAMMA),
    "pure_batch_norm: eps": lambda: g.pure_batch_norm(x(2, 3), GAMMA, GAMMA, eps=-1),
    "batch_norm: moving mean": lambda: g.batch_norm(x(2, 3), GAMMA, GAMMA, True, nd.ones(2), nd.ones(3)),
    "batch_norm: momentum": lambda: g.batch_norm(x(2, 3), GAMMA, GAMMA, True, nd.ones(3), nd.ones(3), 1e-5, 2),
    "BatchNorm: momentum": lambda: g.BatchNorm(momentum=-1),
    "BatchNorm: eps": lambda: g.BatchNorm(epsilon=-1),
    "dropout: p": lambda: g.dropout(MATRIX, 1.5),
    "dropout: p not a number": lambda: g.dropout(MATRIX, float("nan")),
    "dropout: integers": lambda: g.dropout(MATRIX.astype("int32"), 0.5),
    "dropout: mode": lambda: g.dropout(MATRIX, 0.5, True, "upscale"),
    "Inception: 0": lambda: g.Inception(0, 1, 1, 1, 1, 1),
    "Residual: -1": lambda: g.Residual(-1),
    "ResBlk: a word": lambda: g.ResBlk("4", 4),
    "DenseBlock: none": lambda: g.DenseBlock(0, 4),
    "mlpconv: kernel 0": lambda: g.mlpconv(4, 0, 0),
    "mlpconv: padding": lambda: g.mlpconv(4, 3, -1),
    "mlpconv: strides": lambda: g.mlpconv(4, 3, 0, 0),
    "vgg_block: none": lambda: g.vgg_block(0, 4),
    "VGG: no pairs": lambda: g.VGG((1, 64)),
    "VGG: empty": lambda: g.VGG(()),
    "LeNet: 0 classes": lambda: g.LeNet(0),
    "DenseNet: no blocks": lambda: g.DenseNet(block_layers=()),
    "GoogLeNet: width": lambda: g.GoogLeNet(10, width=-1),
    "ResNet: half a class": lambda: g.ResNet(2.5),
    "fashion_mnist_labels: 10": lambda: g.fashion_mnist_labels([10]),
    "fashion_mnist_labels: words": lambda: g.fashion_mnist_labels(["shirt"]),
    "try_gpu: -1": lambda: g.try_gpu(-1),
    "try_gpu: a word": lambda: g.try_gpu("0"),
    "seed: a word": lambda: g.seed("one"),
    "seed: negative": lambda: g.seed(-1),
    "summary: rank": lambda: g.summary(g.LeNet(), (28, 28)),
    "summary: not initialized": lambda: g.summary(g.LeNet(), (1, 1, 28, 28)),
    "summary: a network": lambda: g.summary("LeNet", (1, 1, 28, 28)),
    "show_images: none": lambda: g.show_images([], 0, 0),
    "show_images: rank": lambda: g.show_images(np.zeros((1, 2, 3, 4, 5)), 1, 1),
    "apply: rank": lambda: g.apply(x(3, 3), mx.image.HorizontalFlipAug(0.5)),
    "apply: none": lambda: g.apply(x(3, 3, 3), mx.image.HorizontalFlipAug(0.5), 0),
    "apply_aug_list: a list": lambda: g.apply_aug_list([1], []),
    "five_crop_predict: too large": lambda: g.five_crop_predict(initialized(), x(20, 20, 1), 28),
    "Batches: NaN": lambda: g.Batches(np.full((2, 3, 3), np.nan), [0, 1], 1),
    "Batches: infinity": lambda: g.Batches(np.full((2, 3, 3), np.inf), [0, 1], 1),
    "Batches: beyond 32 bits": lambda: g.Batches(np.full((2, 3, 3), 1e300), [0, 1], 1),
    "Batches: a label of billions": lambda: g.Batches(np.zeros((2, 3, 3)), [0, 2**31 - 1], 1),
    "Batches: no pixel": lambda: g.Batches(np.zeros((2, 0, 3)), [0, 1], 1),
    "Batches: labels below 0": lambda: g.Batches(np.zeros((2, 3, 3)), [0, -1], 1),
    "Batches: too many labels": lambda: g.Batches(np.zeros((2, 3, 3)), [0, 1, 1], 1),
    "Batches: words": lambda: g.Batches(np.array(["a", "b"]), [0, 1], 1),
    "load_data: a name": lambda: g.load_data("mnist", 4),
    "load_data: batch size": lambda: g.load_data("sample", 0),
    "load_data: one array": lambda: g.load_data((np.zeros((2, 3, 3)),), 4),
    "load_data: nothing": lambda: g.load_data(None, 4),
    "load_data_fashion_mnist: resize": lambda: g.load_data_fashion_mnist(4, resize=-3),
    "evaluate_accuracy: no batch": lambda: g.evaluate_accuracy([], initialized()),
    "evaluate_accuracy: no pairs": lambda: g.evaluate_accuracy([1], initialized()),
    "evaluate_accuracy: no such class": lambda: g.evaluate_accuracy(
        [(x(2, 1, 28, 28), nd.array([0, 10]))], initialized()
    ),
    "evaluate_accuracy: labels below 0": lambda: g.evaluate_accuracy(
        [(x(1, 1, 28, 28), nd.array([-1]))], initialized()
    ),
    "evaluate_accuracy: labels in a column": lambda: g.evaluate_accuracy([(x(1, 1, 28, 28), x(1, 1))], initialized()),
    "evaluate_accuracy: no network": lambda: g.evaluate_accuracy([(x(1, 1, 28, 28), nd.array([1]))], None),
    "train: no such class": lambda: trained([(x(2, 1, 28, 28), nd.array([0, 10]))]),
    "train: maps": lambda: trained([(x(2, 1, 28, 28), nd.array([0, 1]))], g.mlpconv(4, 3, 0)),
    "train: NaN": lambda: trained([(nd.full((2, 1, 28, 28), np.nan), nd.array([0, 1]))]),
    "train: empty": lambda: trained([]),
    "train: one-hot labels": lambda: trained([(x(2, 1, 28, 28), nd.eye(2, 10))]),
    "train: other inputs of a layer": lambda: trained([(x(2, 3), nd.array([0, 1]))], dense()),
    "train: a loss of other labels": lambda: trained([PAIR], loss=gluon.loss.L2Loss()),
    "train: no loss": lambda: trained([PAIR], loss=None),
    "train: bytes": lambda: trained([(x(2, 1, 28, 28, dtype="uint8"), nd.array([0, 1]))]),
    "train: no context": lambda: trained([(x(2, 1, 28, 28), nd.array([0, 1]))], ctx="cpu"),
    **{
        f"{name}: {what}": functools.partial(call, batch)
        for what, batch in WRONG_BATCHES.items()
        for name, call in {
            "evaluate_accuracy": lambda batch: g.evaluate_accuracy([batch], initialized()),
            "train": lambda batch: trained([batch]),
        }.items()
    },
    "evaluate_accuracy: not initialized": lambda: g.evaluate_accuracy([PAIR], g.LeNet()),
    "evaluate_accuracy: another context": lambda: g.evaluate_accuracy([PAIR], initialized(), mx.cpu(1)),
    "evaluate_accuracy: no such GPU": lambda: g.evaluate_accuracy([PAIR], initialized(), mx.gpu(99)),
    "evaluate_accuracy: a context twice": lambda: g.evaluate_accuracy([PAIR], initialized(), [mx.cpu(), mx.cpu()]),
    "evaluate_accuracy: a number as context": lambda: g.evaluate_accuracy([PAIR], initialized(), 3),
    "train: not initialized": lambda: g.train([PAIR], [PAIR], g.LeNet(), LOSS, trainer_of(initialized()), mx.cpu(), 1),
    "train: another context": lambda: trained([PAIR], ctx=mx.cpu(1)),
    "train: no such GPU": lambda: trained([PAIR], ctx=mx.gpu(99)),
    "train: a context twice": lambda: trained([PAIR], ctx=[mx.cpu(), mx.cpu()]),
    "train: no trainer": lambda: g.train([PAIR], [PAIR], initialized(), LOSS, None, mx.cpu(), 1),
    "train: a word as trainer": lambda: g.train([PAIR], [PAIR], initialized(), LOSS, "sgd", mx.cpu(), 1),
    "train: no network": lambda: g.train([PAIR], [PAIR], None, LOSS, trainer_of(initialized()), mx.cpu(), 1),
    "finetune: classes": lambda: g.finetune(initialized(), [], [], 0),
    "finetune: empty": lambda: g.finetune(initialized(), [], [], 2, verbose=False),
    "finetune: no such class": lambda: tuned([(x(2, 1, 28, 28), nd.array([0, 2]))]),
    "finetune: NaN": lambda: tuned([(nd.full((2, 1, 28, 28), np.nan), nd.array([0, 1]))]),
    "evaluate_accuracy: NaN": lambda: g.evaluate_accuracy([(x(1, 1, 28, 28) * np.nan, nd.array([1]))], initialized()),
    "export_onnx: no network": lambda: g.export_onnx(None, "network.onnx", (1, 1, 28, 28)),
    "export_onnx: no weights": lambda: g.export_onnx(g.LeNet(), "network.onnx", (1, 1, 28, 28)),
    "export_onnx: size": lambda: g.export_onnx(initialized(), "network.onnx", (1, 1, 28, -1)),
    "export_symbol: no network": lambda: g.export_symbol(None, "network", (1, 1, 28, 28)),
    "export_symbol: no weights": lambda: g.export_symbol(g.LeNet(), "network", (1, 1, 28, 28)),
    "export_symbol: size": lambda: g.export_symbol(initialized(), "network", (1, 1, 28, -1)),
    "load_torch_state: no network": lambda: g.load_torch_state(None, {}),
    "load_torch_state: empty": lambda: g.load_torch_state(seen(), {}),
    "load_torch_state: a path": lambda: g.load_torch_state(seen(), "lenet.pt"),
    "quantize: no batch": lambda: g.quantize(initialized(), []),
    "quantize: no weights": lambda: g.quantize(g.LeNet(), [(x(2, 1, 28, 28), nd.array([0, 1]))]),
    "quantize: no network": lambda: g.quantize(None, pictures()),
    "quantize: a plain block": lambda: g.quantize(gluon.nn.Sequential(), pictures()),
    "quantize: another size": lambda: g.quantize(seen(), pictures(2, 1, 40, 40)),
    "quantize: other channels": lambda: g.quantize(seen(), pictures(2, 3, 28, 28)),
    "quantize: other channels of a layer": lambda: g.quantize(dense(), pictures(2, 3)),
    "quantize: bytes": lambda: g.quantize(seen(), pictures(dtype="uint8")),
    "quantize: bytes for a layer": lambda: g.quantize(dense(), pictures(2, 4, dtype="uint8")),
    "quantize: NaN": lambda: g.quantize(seen(), [(x(2, 1, 28, 28) * np.nan, nd.array([0, 1]))]),
    "quantize: NaN in the second batch": lambda: g.quantize(
        seen(), [*pictures(), (x(2, 1, 28, 28) * np.nan, nd.array([0, 1]))]
    ),
    "quantize: twice": lambda: g.quantize(g.quantize(seen(), pictures()), pictures()),
    "quantize: 64 bits": lambda: g.quantize(cast(seen(), "float64"), pictures(dtype="float64")),
    "predict: no network": lambda: predict_batches(pictures(), None),
    "predict: not initialized": lambda: predict_batches(pictures(), g.LeNet()),
    "predict: NaN": lambda: predict_batches([(x(2, 1, 28, 28) * np.nan, nd.array([0, 1]))], initialized()),
    "predict: infinity": lambda: predict_batches([(x(2, 1, 28, 28) - np.inf, nd.array([0, 1]))], initialized()),
    "five_crop_predict: no network": lambda: g.five_crop_predict(None, x(28, 28, 1), 28),
    "five_crop_predict: not initialized": lambda: g.five_crop_predict(g.LeNet(), x(28, 28, 1), 28),
    "five_crop_predict: NaN": lambda: g.five_crop_predict(initialized(), x(28, 28, 1) * np.nan, 28),
    "five_crop_predict: infinity": lambda: g.five_crop_predict(initialized(), x(28, 28, 1) + np.inf, 28),
    "finetune: no network": lambda: g.finetune(None, pictures(), pictures(), 2),
    "finetune: not initialized": lambda: g.finetune(g.LeNet(), pictures(), pictures(), 2),
    "LeNet: not initialized": lambda: g.LeNet()(x(1, 1, 28, 28)),
    "Residual: not initialized": lambda: g.Residual(4)(x(1, 4, 8, 8)),
    "BatchNorm: not initialized": lambda: g.BatchNorm()(x(2, 3)),
    "BatchNorm: not initialized, of three channels": lambda: g.BatchNorm(in_channels=3)(x(2, 3)),
    "BatchNorm: channels below 0": lambda: g.BatchNorm(in_channels=-1),
    "BatchNorm: channels in words": lambda: g.BatchNorm(in_channels="a"),
    "summary: no size": lambda: g.summary(initialized(), ()),
    "summary: other channels of a layer": lambda: g.summary(dense(), (2, 3)),
    "corr2d: padding beyond an array": lambda: g.corr2d(MATRIX, KERNEL, padding=10**6),
    "pool2d: window and padding beyond an array": lambda: g.pool2d(MATRIX, 2 * 10**6, padding=10**6),
    "fashion_mnist_labels: infinity": lambda: g.fashion_mnist_labels([np.inf]),
    "fashion_mnist_labels: NaN": lambda: g.fashion_mnist_labels([np.nan]),
    "apply: nothing comes back": lambda: g.apply(x(3, 3, 3), lambda img: None),
    "apply_aug_list: nothing comes back": lambda: g.apply_aug_list(x(3, 3, 3), [lambda img: None]),
    "load_torch_state: keys": lambda: g.load_torch_state(seen(), {0: np.zeros(2)}),
    "load_torch_state: NaN": lambda: g.load_torch_state(dense(), {"weight": np.full((2, 4), np.nan)}),
    "corr2d: an imaginary bias": lambda: g.corr2d(MATRIX, KERNEL, bias=np.complex64(1j)),
    "corr2d: a bias of another type": lambda: g.corr2d(MATRIX, KERNEL, bias=nd.ones(1, dtype="float64")),
    "corr2d: a sparse picture": lambda: g.corr2d(MATRIX.tostype("csr"), KERNEL),
    "corr2d: mxnet's NumPy": lambda: g.corr2d(mx.np.ones((3, 3)), mx.np.ones((2, 2))),
    "receptive_field: larger maps": lambda: g.receptive_field(gluon.nn.Conv2DTranspose(3, 3, 2)),
    "receptive_field: 8 bits": lambda: g.receptive_field(g.quantize(seen(), pictures())),
    "batch_norm: training, perhaps": lambda: g.batch_norm(x(2, 3), GAMMA, GAMMA, "no", nd.ones(3), nd.ones(3)),
    "pure_batch_norm: a large eps": lambda: g.pure_batch_norm(x(2, 3), GAMMA, GAMMA, 10**400),
    "BatchNorm: a list": lambda: g.BatchNorm()([x(2, 3)]),
    "BatchNorm: more channels than there are numbers": lambda: g.BatchNorm(in_channels=10**12),
    "Residual: a word for a choice": lambda: g.Residual(4, same_shape="False"),
    "NiN: a word for a choice": lambda: g.NiN(batch_norm="no"),
    "mlpconv: a word for a choice": lambda: g.mlpconv(4, 3, 0, max_pooling="no"),
    "mlpconv: more padding than window": lambda: g.mlpconv(4, 3, 10**9),
    "GoogLeNet: a word for a choice": lambda: g.GoogLeNet(relu="no"),
    "GoogLeNet: endless": lambda: g.GoogLeNet(width=float("inf")),
    "GoogLeNet: billions wide": lambda: g.GoogLeNet(width=1e9),
    "LeNet: more classes than there are numbers": lambda: g.LeNet(10**12),
    "LeNet: cast after use": lambda: cast(seen(), "float64")(x(2, 1, 28, 28)),
    "LeNet: half precision on a CPU": lambda: cast(seen(), "float16")(x(2, 1, 28, 28, dtype="float16")),
    "conv_block: half precision on a CPU": lambda: cast(initialized(g.conv_block(4)), "float16")(
        x(2, 4, 8, 8, dtype="float16")
    ),
    "LeNet: another context": lambda: seen()(x(2, 1, 28, 28).as_in_context(mx.cpu(1))),
    "LeNet: two symbols": lambda: seen()(mx.sym.Group([mx.sym.var("a"), mx.sym.var("b")])),
    "summary: True pictures": lambda: g.summary(initialized(), (True, 1, 28, 28)),
    "summary: beyond an array": lambda: g.summary(initialized(), (1, 1, 10**30, 28)),
    "export_onnx: no size": lambda: g.export_onnx(seen(), "network.onnx", ()),
    "export_symbol: no name": lambda: g.export_symbol(seen(), None, (1, 1, 28, 28)),
    "Batches: a word as seed": lambda: g.Batches(np.zeros((2, 3, 3)), [0, 1], 1, seed="a"),
    "Batches: a large seed": lambda: g.Batches(np.zeros((2, 3, 3)), [0, 1], 1, seed=2**32),
    "Batches: a word for a choice": lambda: g.Batches(np.zeros((2, 3, 3)), [0, 1], 1, shuffle="no"),
    "seed: a large one": lambda: g.seed(2**32),
    "load_data: an NDArray": lambda: g.load_data(nd.zeros((3, 28, 28)), 1),
    "load_data: a number": lambda: g.load_data(3, 1),
    "evaluate_accuracy: NaN as weights": lambda: g.evaluate_accuracy([PAIR], of_nan()),
    "evaluate_accuracy: 8 bits and bytes": lambda: g.evaluate_accuracy(
        pictures(dtype="uint8"), g.quantize(seen(), pictures())
    ),
    "evaluate_accuracy: two outputs": lambda: g.evaluate_accuracy([PAIR], Two()),
    "predict: two outputs": lambda: predict_batches([PAIR], Two()),
    "predict: no such GPU": lambda: predict_batches([PAIR], seen(), mx.gpu(99)),
    "predict: a word as context": lambda: predict_batches([PAIR], seen(), "cpu"),
    "predict: other inputs of a layer": lambda: predict_batches(pictures(2, 3), dense()),
    "five_crop_predict: no such GPU": lambda: g.five_crop_predict(seen(), x(28, 28, 1), 28, mx.gpu(99)),
    "five_crop_predict: other inputs of a layer": lambda: g.five_crop_predict(dense(), x(9, 9, 1), 9),
    "finetune: no such GPU": lambda: g.finetune(seen(), [PAIR], [PAIR], 2, ctx=mx.gpu(99)),
    "finetune: a word as context": lambda: g.finetune(seen(), [PAIR], [PAIR], 2, ctx="cpu"),
    "finetune: a word for a choice": lambda: g.finetune(seen(), [PAIR], [PAIR], 2, frozen="no"),
    "finetune: an endless step": lambda: g.finetune(seen(), [PAIR], [PAIR], 2, learning_rate=float("inf")),
    "quantize: NaN as weights": lambda: g.quantize(of_nan(), pictures()),
    "train: 8 bits": lambda: g.train([PAIR], [PAIR], *small_and_trainer(), mx.cpu(), 1),
    "train: nothing to learn": lambda: trained([PAIR], frozen()),
    "train: another network's trainer": lambda: g.train(
        [PAIR], [PAIR], seen(), LOSS, trainer_of(seen()), mx.cpu(), 1, False
    ),
    "train: a loss of nothing": lambda: trained([PAIR], loss=lambda output, y: None),
    "train: a class as loss": lambda: trained([PAIR], loss=gluon.loss.SoftmaxCrossEntropyLoss),
    "train: no data to test on": lambda: g.train([PAIR], 5, *net_loss_trainer(), mx.cpu(), 1, False),
    "apply_aug_list: a grey picture's hue": lambda: g.apply_aug_list(x(8, 8, 1), [mx.image.HueJitterAug(0.1)]),
    "experiment: no network": lambda: experiment.experiment(lambda num_classes: None),
    "experiment: no optimizer": lambda: experiment.experiment("lenet", optimizer=None),
    "experiment: an optimizer's object": lambda: experiment.experiment("lenet", optimizer=mx.optimizer.Adam()),
    "load_weights: no network": lambda: loading.load_weights(None, "network.params"),
}


class Two(gluon.Block):
    def forward(self, X):
        return X, X


def of_nan():
    net = seen()
    net.output.weight.set_data(net.output.weight.data() * np.nan)
    return net


def frozen():
    net = initialized()
    net.collect_params().setattr("grad_req", "null")
    return net


def net_loss_trainer():
    net = seen()
    return net, LOSS, trainer_of(net)


def small_and_trainer():
    net = g.quantize(seen(), pictures())
    return net, LOSS, trainer_of(net)


def pictures(*shape, dtype="float32"):
    return [(x(*(shape or (2, 1, 28, 28)), dtype=dtype), nd.array([0, 1]))]


def dense():
    net = gluon.nn.Dense(2, in_units=4)
    net.initialize()
    return net


def cast(net, dtype):
    net.cast(dtype)
    return net


def initialized(net=None):
    net = net or g.LeNet()
    net.initialize(init.Xavier())
    return net


def seen():
    net = initialized()
    net(x(1, 1, 28, 28))
    return net


def trainer_of(net):
    return gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})


def trained(batches, net=None, ctx=None, loss=LOSS):
    net = net or initialized()
    net.initialize(force_reinit=True)
    return g.train(batches, batches, net, loss, trainer_of(net), ctx or mx.cpu(), 1, verbose=False)


def tuned(batches):
    return g.finetune(initialized(), batches, batches, 2, verbose=False)


@pytest.mark.parametrize("call", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_wrong_argument(call):
    with pytest.raises(OURS) as caught:
        call()
    refused(caught.value)


def test_every_public_function_has_a_row():
    rows = {name.split(":")[0].split(",")[0] for name in (*FUNCTIONS, *BLOCKS)}
    without_arguments = {"History", "VGG11", "VGG_NOTES", "try_all_gpus"}
    assert set(g.__all__) - rows == without_arguments


def test_numbers_that_are_none_go_through_as_in_numpy():
    broken = MATRIX.copy()
    broken[0, 0] = np.nan
    assert np.isnan(g.corr2d(broken, KERNEL).asnumpy()[0, 0])
    assert np.isnan(g.pool2d(broken, 2, "avg").asnumpy()[0, 0])
    assert np.isnan(g.pure_batch_norm(x(2, 3) * np.nan, GAMMA, GAMMA).asnumpy()).all()


def test_large_numbers_are_finite():
    assert np.isfinite(g.five_crop_predict(seen(), nd.full((28, 28, 1), 1e36), 28).asnumpy()).all()


@pytest.mark.parametrize("kind", ["uint16", "uint32", "uint64", "int16", ">f4", ">i8", "bool", "longdouble"])
def test_labels_of_any_type_count(kind):
    net = seen()
    assert g.evaluate_accuracy([(PAIR[0], np.array([0, 1], kind))], net) == g.evaluate_accuracy([PAIR], net)


def test_a_batch_may_be_a_list_of_ndarrays():
    net = seen()
    assert g.evaluate_accuracy([(list(PAIR[0]), [0, 1])], net) == g.evaluate_accuracy([PAIR], net)
    assert g.Batches(nd.zeros((20, 28, 28)), list(range(20)), 4).images.shape == (20, 1, 28, 28)
    train, test = g.load_data((list(np.zeros((4, 28, 28), np.uint8)), [0, 0, 1, 1]), 1)
    assert (len(train), len(test)) == (2, 2)


@pytest.mark.parametrize("mode", [autograd.record, autograd.train_mode])
def test_evaluating_predicts_whatever_the_caller_records(mode, tmp_path):
    net = gluon.nn.HybridSequential()
    net.add(g.BatchNorm(in_channels=1), gluon.nn.Flatten(), gluon.nn.Dense(2), gluon.nn.Dropout(0.5))
    net.initialize(init.Xavier())
    batches = [(nd.random.normal(shape=(64, 1, 4, 4)), nd.array([0, 1] * 32))]
    grey = nd.random.normal(shape=(6, 6, 1))

    def answers():
        return (
            g.evaluate_accuracy(batches, net),
            predict_batches(batches, net)[1],
            g.five_crop_predict(net, grey, 4).asnumpy(),
        )

    expected = answers()
    with mode():
        found = answers()
        g.export_symbol(net, tmp_path / "net", (2, 1, 4, 4))
    for mine, theirs in zip(found, expected):
        np.testing.assert_array_equal(mine, theirs)
    assert net[0].running_mean.data().asscalar() == 0


def test_training_is_no_part_of_what_the_caller_records():
    with autograd.record():
        assert len(trained([PAIR])) == 1
        assert autograd.is_recording()


def test_a_refused_file_of_weights_changes_nothing(tmp_path):
    other, net = seen(), g.LeNet(3)
    net.initialize()
    net(x(1, 1, 28, 28))
    other.save_parameters(str(tmp_path / "other.params"))
    before = [p.data().asnumpy() for p in net.collect_params().values()]
    with pytest.raises(ValueError, match=r"other.params does not fit LeNet: output.weight is float32 \(3, 128\), in"):
        loading.load_weights(net, tmp_path / "other.params", mx.cpu())
    for was, p in zip(before, net.collect_params().values()):
        np.testing.assert_array_equal(p.data().asnumpy(), was)


# Files


def test_neither_pipe_nor_device_is_replaced(tmp_path):
    pipe, link, target = (tmp_path / name for name in ("pipe", "link", "target"))
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/full")):
        with pytest.raises(OSError, match=f"{path} could not be written: it is a device or a pipe"), atomic_write(path):
            pass
    with pytest.raises(OSError, match="pipe could not be written: it is a device or a pipe"):
        write_all({tmp_path / "first": b"1", pipe: b"2"})
    assert pipe.is_fifo()
    link.symlink_to(target)
    with atomic_write(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "pipe", "target"]


def test_no_pipe_is_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(OSError, match="pipe.png cannot be read as an image"):
        read_picture(tmp_path / "pipe.png", (8, 8))
    for name in ("network.params", "history.json"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(OSError, match="history.json cannot be read: it is a device or a pipe"):
        Run.load(tmp_path)
    os.mkfifo(tmp_path / "epoch-0003.npz")
    (tmp_path / "epoch-0004.npz").mkdir()
    net = seen()
    assert g.train([PAIR], [PAIR], net, LOSS, trainer_of(net), mx.cpu(), 1, False, tmp_path).loss


def test_a_pictures_folder_is_no_file_of_curves(tmp_path):
    with pytest.raises(OSError, match="is a folder: name a file in it"):
        g.History([1.0], [1.0], [1.0], [1], [1.0], [1.0]).plot(tmp_path)


@pytest.mark.parametrize("values", [np.full((4, 4), 0.7, np.float32), np.full((4, 4), -5, np.int32)])
def test_a_picture_of_numbers_without_a_range(tmp_path, values):
    Image.fromarray(values).save(tmp_path / "odd.tif")
    with pytest.raises(OSError, match="no fixed range: save it with 8 or 16 bits"):
        read_picture(tmp_path / "odd.tif", (4, 4))


@pytest.mark.parametrize("size", ["ab", None, 8.5, -1, (0, 0)])
def test_a_wrong_size_is_not_blamed_on_the_picture(tmp_path, size):
    (tmp_path / "fine.jpg").write_bytes(picture_bytes())
    with pytest.raises(OURS, match="size must be"):
        read_picture(tmp_path / "fine.jpg", size)


def picture_bytes(kind="JPEG", size=(40, 30)):
    file = io.BytesIO()
    Image.fromarray(np.random.RandomState(0).randint(0, 256, (*size, 3)).astype(np.uint8)).save(file, kind)
    return file.getvalue()


FILES = {
    "cut off": picture_bytes()[:-200],
    "cut off early": picture_bytes()[:30],
    "empty": b"",
    "text": b"no picture",
    "another kind's beginning": b"\x89PNG\r\n\x1a\n" + picture_bytes(),
}


@pytest.mark.parametrize("lenient", [False, True], ids=["as Pillow is", "as gluoncv leaves it"])
@pytest.mark.parametrize("raw", FILES.values(), ids=FILES)
def test_a_broken_picture(tmp_path, raw, lenient, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", lenient)
    path = tmp_path / "broken.jpg"
    path.write_bytes(raw)
    with pytest.raises(OSError, match=r"broken.jpg cannot be read as an image") as caught:
        read_picture(path, (8, 8))
    refused(caught.value)


def test_a_folder_where_a_picture_should_be(tmp_path):
    with pytest.raises(OSError, match="cannot be read as an image"):
        read_picture(tmp_path, (8, 8))


def test_a_picture_that_would_fill_the_memory(tmp_path):
    """A small file of 100,000 x 100,000 white pixels: Pillow counts them before it unpacks them."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 1, 0, 0, 0, 0)
    path = tmp_path / "bomb.png"
    rows = zlib.compress(b"\0" * 1_000_000)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    with pytest.raises(OSError, match="bomb.png cannot be read as an image"):
        read_picture(path, (8, 8))


def test_a_picture_without_permission(open_folder, as_nobody):
    path = open_folder / "secret.jpg"
    path.write_bytes(picture_bytes())
    read_picture(path, (8, 8))  # imports what it needs
    path.chmod(0)
    with as_nobody(), pytest.raises(OSError, match=r"secret.jpg cannot be read as an image"):
        read_picture(path, (8, 8))


def test_a_folder_without_permission_is_not_left_out(open_folder, as_nobody):
    for place in ("a", "b", "b/more"):
        (open_folder / place).mkdir()
        (open_folder / place / "x.jpg").write_bytes(picture_bytes())
    assert len(read_folder(open_folder, (8, 8))[0]) == 3
    (open_folder / "b" / "more").chmod(0)
    with as_nobody(), pytest.raises(OSError, match=r"the folder .*more cannot be read: Permission denied"):
        read_folder(open_folder, (8, 8))


def test_a_link_to_nothing_is_named(tmp_path):
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "x.jpg").write_bytes(picture_bytes())
    (tmp_path / "b" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    with pytest.raises(ValueError, match=r"there is no file .*gone.jpg"):
        read_folder(tmp_path, (8, 8))


def test_a_folder_as_idx_file(tmp_path):
    with pytest.raises(IsADirectoryError):
        read_idx(tmp_path)


VALID = idx(IDX_PICTURES)


@given(
    st.one_of(
        st.binary(max_size=64),
        st.binary(max_size=64).map(lambda tail: VALID[:4] + tail),
        st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)).map(
            lambda change: VALID[: change[0]] + bytes([change[1]]) + VALID[change[0] + 1 :]
        ),
        st.integers(0, len(VALID)).map(lambda end: VALID[:end]),
    ),
    st.booleans(),
)
def test_any_bytes_as_idx_file(tmp_path_factory, raw, zipped):
    path = tmp_path_factory.getbasetemp() / ("fuzz.gz" if zipped else "fuzz")
    path.write_bytes(gzip.compress(raw, 1) if zipped else raw)
    try:
        array = read_idx(path)
    except ValueError as error:
        refused(error, str(path))
    else:
        assert idx(array) == raw


ZIPPED = gzip.compress(VALID)


@given(st.integers(0, len(ZIPPED) - 1), st.integers(0, 255))
def test_any_damage_of_a_gzip_file(tmp_path_factory, place, value):
    path = tmp_path_factory.getbasetemp() / "fuzz.gz"
    path.write_bytes(ZIPPED[:place] + bytes([value]) + ZIPPED[place + 1 :])
    try:
        array = read_idx(path)
    except ValueError as error:
        refused(error)
    else:
        np.testing.assert_array_equal(array, IDX_PICTURES)


SMALL = {kind: picture_bytes(kind, (9, 7)) for kind in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP")}


@given(st.sampled_from(sorted(SMALL)), st.data())
def test_any_damage_of_a_picture(tmp_path_factory, kind, data):
    raw = bytearray(SMALL[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    raw = raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw
    folder = tmp_path_factory.getbasetemp() / "fuzzed"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.new("L", (5, 5)).save(folder / name / "whole.png")
    (folder / "a" / "damaged.png").write_bytes(bytes(raw))
    try:
        images, labels, _ = read_folder(folder, (4, 6))
    except ValueError as error:
        refused(error, "damaged.png cannot be read as an image")
    else:
        assert images.shape == (3, 3, 4, 6)
        assert images.dtype == np.uint8
        assert labels.tolist() == [0, 0, 1]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Return the bytes of a small network's parameters, and the network."""
    net = g.conv_block(2)
    net.initialize()
    net(x(1, 1, 4, 4))
    path = tmp_path_factory.mktemp("weights") / "whole.params"
    net.save_parameters(str(path))
    return path.read_bytes(), net


@given(st.data())
def test_any_damage_of_a_weights_file(tmp_path_factory, weights, data):
    raw, net = bytearray(weights[0]), weights[1]
    for _ in range(data.draw(st.integers(0, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.params"
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)) | st.just(len(raw)))])
    try:
        loading.load_weights(net, path, mx.cpu())
        nd.waitall()
    except ValueError as error:
        refused(error, "damaged.params ")


@pytest.mark.parametrize("rank", [-1, 0, 33, 2**31 - 1])
def test_a_weights_file_of_another_rank(tmp_path, weights, rank):
    """Mxnet crashes at -1."""
    raw, net = weights
    path = tmp_path / "negative.params"
    path.write_bytes(raw[:32] + struct.pack("<i", rank) + raw[36:])
    with pytest.raises(
        ValueError, match="negative.params (holds an array or a name in a form that is not known|ends too early)"
    ):
        loading.load_weights(net, path, mx.cpu())


# Commands

COMMANDS = {
    "a wrong network": ["train", "lenet5"],
    "no epoch": ["train", "lenet", "--epochs", "0"],
    "a batch of nothing": ["train", "lenet", "--batch-size", "0"],
    "a negative size": ["train", "lenet", "--resize", "-3"],
    "too small a size": ["train", "resnet", "--resize", "20"],
    "a wrong data set": ["train", "lenet", "--dataset", "mnist"],
    "a file as data set": ["train", "lenet", "--dataset", "file"],
    "a folder without pictures": ["train", "lenet", "--dataset", "empty"],
    "an archive as data set": ["train", "lenet", "--dataset", "archive.zip"],
    "a wrong optimizer": ["train", "lenet", "--optimizer", "sdg"],
    "a wrong initializer": ["train", "lenet", "--init", "zeros"],
    "a learning rate that is none": ["train", "lenet", "--lr", "nan"],
    "a seed below 0": ["train", "lenet", "--seed", "-1"],
    "a file as output": ["train", "lenet", "--output", "file"],
    "a run that is none": ["evaluate", "--run", "empty"],
    "a file as run": ["predict", "file", "--run", "file"],
    "no class to name": ["predict", "file", "--top", "0"],
    "a run that is not there": ["quantize", "--run", "nothing"],
    "nothing to resume": ["train", "--resume", "empty"],
    "a wrong network to compare": ["compare", "lenet", "lenet5"],
    "negative time": ["compare", "lenet", "--seconds", "-1"],
    "no channel": ["summary", "lenet", "--channels", "0"],
    "no class": ["summary", "lenet", "--classes", "0"],
    "a negative size of a summary": ["summary", "lenet", "--resize", "-1"],
    "more pixels than fit into memory": ["train", "lenet", "--resize", "100000"],
    "more channels than mxnet can count": ["summary", "lenet", "--channels", "999999999999"],
    "more pixels than mxnet can count": ["summary", "lenet", "--resize", "999999999999"],
    "no parameters to export": ["export", "lenet"],
    "parameters that are none": ["export", "lenet", "file"],
    "parameters that are not there": ["export", "lenet", "nothing"],
    "a folder as parameters": ["export", "lenet", "empty"],
    "a run to export that is none": ["export", "--run", "empty"],
    "no worker": ["launch", "-n", "0", "--", "train", "lenet"],
    "hosts that are not there": ["launch", "-n", "1", "--hosts", "nothing", "--", "train", "lenet"],
    "a program that is not there": ["launch", "-n", "1", "nothing.py"],
    "another program than one of Python's": ["launch", "-n", "1", "ls"],
    "a file as folder for data": ["data", "--root", "file"],
}


def test_every_command_has_a_row():
    (commands,) = (action.choices for action in make_parser()._actions if action.choices)
    without_arguments = {"doctor"}
    assert set(commands) - {arguments[0] for arguments in COMMANDS.values()} == without_arguments


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_a_wrong_command(arguments, tmp_path, monkeypatch, capsys, no_usual_places):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("hello")
    Path("empty").mkdir()
    with zipfile.ZipFile("archive.zip", "w") as archive:
        archive.writestr("../outside.png", b"no")
    before = sorted(path.name for path in tmp_path.iterdir())
    assert cli.main(arguments) == 1
    printed = capsys.readouterr().err
    assert printed.splitlines()[-1].startswith(f"gluon-cnn {arguments[0]}: ")
    assert "mxnet failed" not in printed
    assert len(printed) < LONGEST
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "runs") == before
    assert not Path("runs").exists() or not any(Path("runs").iterdir())
    assert not Path(tmp_path.parent, "outside.png").exists()
