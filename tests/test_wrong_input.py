"""Wrong input, one row each: an error in the package's own words, or an answer; never mxnet's trace."""

import functools
import inspect
import re
import zipfile
from pathlib import Path

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from gluon_cnn.cli import main as cli
from gluon_cnn.cli.parser import make_parser
from gluon_cnn.experiments.experiment import experiment  # noqa: F401 (in CALLS)
from gluon_cnn.networks.loading import load_weights  # noqa: F401 (in CALLS)
from gluon_cnn.networks.registry import NETWORKS
from gluon_cnn.training.prediction import predict_batches
from mxnet import autograd, gluon, init, nd
from PIL import Image

from tests.networks.small import ROWS, small

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
    assert not re.search(r"\(\) (got|missing|takes)", text)  # the test calls it as it can be called
    assert words in text
    assert 0 < len(text) < LONGEST


def x(*shape, dtype="float32"):
    return nd.array(np.random.RandomState(0).randint(0, 9, shape), dtype=dtype)


# Blocks

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
    **{name: lambda name=name: small(name) for name in NETWORKS},
}
KEEP_THE_SIZE = {"BatchNorm", "Inception", "Residual", "Residual, other shape", "ResBlk", "DenseBlock", "conv_block"}
OTHER_CHANNELS = {"Residual": "input channels; got 5, shape (2, 5, 8, 8): pass same_shape=False to change channels"}


def after_use(name, hybridize):
    """Return a block that has seen a batch of 4 channels, the batch, and its output."""
    side = ROWS[name].side if name in ROWS else 8
    net, X = initialized(BLOCKS[name]()), x(2, 4, side, side)
    if hybridize:
        net.hybridize(static_alloc=True)
    return net, X, net(X).asnumpy()


@pytest.mark.parametrize("name", BLOCKS)
def test_every_block_refuses_and_works_as_before(name):
    net, X, expected = after_use(name, hybridize=len(name) % 2 == 0)
    for wrong, words in {
        X.astype("uint8"): "computes in float32; got uint8: pass x.astype('float32') / 255",
        nd.concat(X, X[:, :1], dim=1): OTHER_CHANNELS.get(name, "has weights for 4 "),
    }.items():
        with pytest.raises(OURS) as caught:
            net(wrong).wait_to_read()
        refused(caught.value, words)
    np.testing.assert_array_equal(net(X).asnumpy(), expected)
    if name not in KEEP_THE_SIZE:
        new = initialized(BLOCKS[name]())
        with pytest.raises(OURS) as caught:
            new(x(2, 4, 1, 1)).wait_to_read()
        refused(caught.value, "needs images of at least")
    with pytest.raises(OURS) as caught:
        BLOCKS[name]()(X)
    refused(caught.value, "is not initialized: call net.initialize() first")


INPUTS = {
    "one axis": (lambda X: X[0, 0, 0], "(N, C, H, W); got ("),
    "five axes": (lambda X: X.expand_dims(0), "(N, C, H, W); got (1, 2, 4, "),
    "integers": (lambda X: X.astype("int32"), "computes in float32; got int32: pass x.astype('float32')"),
    "double precision": (lambda X: X.astype("float64"), "computes in float32; got float64"),
    "half precision": (lambda X: X.astype("float16"), "computes in float32; got float16"),
    "no image": (lambda X: X[:0], "got an empty batch, (0, 4, "),
    "no NDArray": (lambda X: X.asnumpy(), "takes an NDArray; got ndarray: pass nd.array(x)"),
    "a list": (lambda X: [X], "takes an NDArray; got list"),
    "nothing": (lambda X: None, "takes an NDArray; got NoneType"),
    "two symbols": (lambda X: mx.sym.Group([mx.sym.var("a"), mx.sym.var("b")]), "takes one symbol; got a group of 2"),
    "another context": (lambda X: X.as_in_context(mx.cpu(1)), "is on cpu(0), the input on cpu(1): pass x.as_in_cont"),
}


@pytest.mark.parametrize("hybridize", [False, True], ids=["step by step", "hybridized"])
@pytest.mark.parametrize("name", ["lenet", "BatchNorm"])
def test_every_wrong_input_of_a_block(name, hybridize):
    net, X, expected = after_use(name, hybridize)
    for change, words in INPUTS.values():
        with pytest.raises(OURS) as caught:
            net(change(X)).wait_to_read()
        refused(caught.value, f"{type(net).__name__} {words}" if "(N, C" not in words else words)
    np.testing.assert_array_equal(net(X).asnumpy(), expected)


SMALLEST = dict(n1_1=2, n2_1=2, n2_3=3, n3_1=2, n3_5=3, n4_1=2, channels=4, ch_in=4, ch_out=8, layers=2, growth_rate=3)
SMALLEST |= dict(kernel_size=3, padding=1, strides=2, num_convs=2, in_channels=3, num_classes=3, dense_units=8)
SMALLEST |= dict(init_channels=4)
MAKERS = [g.Inception, g.Residual, g.ResBlk, g.DenseBlock, g.conv_block, g.transition_block, g.mlpconv, g.vgg_block]
MAKERS += [g.BatchNorm, g.LeNet, g.AlexNet, functools.partial(g.VGG, g.VGG11), g.NiN, g.GoogLeNet, g.ResNet, g.DenseNet]


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: getattr(make, "func", make).__name__)
def test_one_is_enough_and_none_is_not(make):
    counts = {p.name: SMALLEST[p.name] for p in inspect.signature(make).parameters.values() if p.annotation is int}
    assert counts
    for name in counts:
        make(**{**counts, name: 1})
        least = name not in ("padding", "in_channels")  # which may be 0
        for wrong in (least - 1, 1.5, "1", 10**12):
            with pytest.raises(OURS) as caught:
                make(**{**counts, name: wrong})
            refused(caught.value, f"{name} must ")


# Functions: a call, and words of its error that name the argument and what to pass; of all: core/test_checked.py

X, K, ONES = x(5, 5), x(2, 2), nd.ones(3)
PAIR = (x(2, 1, 28, 28), nd.array([0, 1]))
CALLS = {
    "corr2d(x(1, 5, 5), K)": "X must have shape (H, W); got (1, 5, 5)",
    "corr2d(X, x(2))": "K must have shape (kh, kw); got (2,)",
    "corr2d(X, K.astype('float64'))": "K holds float64 and X float32: they must be the same",
    "corr2d(K, X)": "does not fit into 2x2 with padding 0: make the input or the padding larger",
    "corr2d(X, K, padding=-1)": "padding must be at least 0; got -1",
    "corr2d(X, K, padding=10**6)": "X with its padding (2000005, 2000005) is larger than an NDArray can be",
    "corr2d(X, K, stride=0)": "stride must be at least 1; got 0",
    "corr2d(X, K, bias=nd.ones(2))": "bias must have shape (1,); got (2,)",
    "corr2d_multi_in_out(X, x(2, 1, 2, 2))": "X must have shape (Cin, H, W)",
    "corr2d_multi_in_out(x(3, 5, 5), x(2, 4, 2, 2))": "K must have shape (Cout, Cin, kh, kw) with Cin = 3, as in X",
    "pool2d(x(1, 5, 5), 2)": "X must have shape (H, W)",
    "pool2d(X, 0)": "pool_size must be at least 1; got 0",
    "pool2d(X, 6)": "a kernel of 6x6 does not fit into 5x5",
    "pool2d(X, 2, 'mean')": "mode must be 'max' or 'avg'; got 'mean'",
    "pool2d(X.astype('uint8'), 2)": "X must contain floats; got uint8: pass X.astype('float32')",
    "pool2d(X, 2, padding=2)": "padding must satisfy padding < pool_size; got padding = 2, pool_size = 2",
    "pool2d(X, 2, padding=((0, 2), (0, 0)))": "padding must satisfy padding < pool_size",
    "pool2d(X, 2 * 10**6, padding=10**6)": "X with its padding (2000005, 2000005) is larger than",
    "conv_output_size(-5, 3)": "size must be at least 1; got -5",
    "conv_output_size(2, 3)": "a kernel of 3x3 does not fit into 2x2",
    "receptive_field([(3,)])": "layers must be a sequence such as ((3, 1), (2, 2)); got [(3,)]",
    "receptive_field([(3, 0)])": "each number in layers must be at least 1; got 0",
    "receptive_field(gluon.nn.Conv2DTranspose(3, 3, 2))": "after Deconvolution cannot be computed: pass the layers",
    "receptive_field(quantize(seen(), images()))": "or the network before quantization",
    "pure_batch_norm(x(2, 3, 4, 5, 6), ONES, ONES)": "X must have shape (N, C) or (N, C, L) or (N, C, H, W); got (2, ",
    "pure_batch_norm(x(2, 4), ONES, ONES)": "gamma must have shape (C,) with C = 4, as in X; got (3,)",
    "pure_batch_norm(x(2, 3), ONES, ONES, eps=-1)": "eps must satisfy eps >= 0; got eps = -1",
    "batch_norm(x(2, 3), ONES, ONES, True, nd.ones(2), ONES)": "moving_mean must have shape (C,) with C = 3",
    "batch_norm(x(2, 3), ONES, ONES, True, ONES, ONES, 0, 2)": "moving_momentum must satisfy 0 <= moving_momentum <= 1",
    "batch_norm(x(2, 3), ONES, ONES, 'no', ONES, ONES)": "is_training must be True or False; got 'no'",
    "BatchNorm(momentum=-1)": "momentum must satisfy 0 <= momentum <= 1; got momentum = -1",
    "BatchNorm(epsilon=-1)": "epsilon must satisfy epsilon >= 0",
    "BatchNorm(in_channels=-1)": "in_channels must satisfy in_channels >= 0",
    "dropout(X, 1.5)": "p must satisfy 0 <= p <= 1; got p = 1.5",
    "dropout(X, 0.5, True, 'upscale')": "mode must be 'upscale_in_train' or 'downscale_in_infer'; got 'upscale'",
    "dropout(X, 0.5, 'downscale_in_infer')": "is_training must be True or False; got 'downscale_in_infer'",
    "mlpconv(4, 3, -1)": "padding must satisfy 0 <= padding <= kernel_size; got padding = -1, kernel_size = 3",
    "mlpconv(4, 3, 0, max_pooling='no')": "max_pooling must be True or False; got 'no'",
    "VGG((1, 64))": "architecture must be a sequence such as ((1, 64), (2, 128)); got (1, 64)",
    "DenseNet(block_layers=())": "block_layers must be a sequence such as (6, 12, 24, 16); got ()",
    "GoogLeNet(10, width=-1)": "width must satisfy 0.01 <= width <= 1000; got width = -1",
    "GoogLeNet(10, relu='no')": "relu must be True or False",
    "NiN(batch_norm='no')": "batch_norm must be True or False",
    "Residual(4, same_shape='False')": "same_shape must be True or False; got 'False'",
    "efficientnet_lite0(num_classes=0)": "num_classes must be at least 1; got 0",
    "efficientnet_lite0('yes')": "pretrained must be True or False; got 'yes'",
    "LeNet(2)(x(1, 28, 28))": "LeNet takes (N, C, H, W); got (1, 28, 28): pass x.expand_dims(axis=0)",
    "cast(seen(), 'float64')(x(2, 1, 28, 28))": "LeNet computes in float64; got float32: pass x.astype('float64')",
    "cast(seen(), 'float16')(x(2, 1, 28, 28, dtype='float16'))": "call cast('float32')",
    "cast(initialized(conv_block(4)), 'float16')(x(2, 4, 8, 8, dtype='float16'))": "call cast('float32')",
    "summary(lenet(), ())": "shape must be positive integers with the batch size first",
    "summary(lenet(), (True, 1, 28, 28))": "shape must be positive integers",
    "summary(lenet(), (1, 1, 2.5))": "shape must be positive integers",
    "summary(lenet(), (1, 1, 10**30, 28))": "is larger than an NDArray can be",
    "summary(LeNet(), (1, 1, 28, 28))": "LeNet is not initialized: call net.initialize() first",
    "summary('LeNet', (1, 1, 28, 28))": "net must be a Gluon network; got 'LeNet'",
    "summary(dense(), (2, 3))": "Dense does not take an input of shape (2, 3)",
    "load_weights(None, 'network.params')": "net must be a Gluon network; got None",
}

# Of other rooms, whose tests have the words: a function, and what it is called with
ARGUMENTS = """
fashion_mnist_labels: [10] | ['shirt'] | [np.inf] | [np.nan]
try_gpu: -1 | '0' | 0.5 | True
seed: 'one' | -1 | 2**32
show_images: [], 0, 0 | np.zeros((1, 2, 3, 4, 5)), 1, 1
apply: x(3, 3, 3), lambda img: None
apply_aug_list: [1], [] | x(3, 3, 3), [lambda img: None] | x(8, 8, 1), [mx.image.HueJitterAug(0.1)]
Batches: np.full((2, 3, 3), np.nan), [0, 1], 1 | np.full((2, 3, 3), np.inf), [0, 1], 1
Batches: np.full((2, 3, 3), 1e300), [0, 1], 1 | np.zeros((2, 3, 3)), [0, 2**31 - 1], 1
Batches: np.zeros((2, 0, 3)), [0, 1], 1 | np.zeros((2, 3, 3)), [0, -1], 1 | np.zeros((2, 3, 3)), [0, 1, 1], 1
Batches: np.array(['a', 'b']), [0, 1], 1 | np.zeros((2, 3, 3)), [0, 1], 1, shuffle='no'
Batches: np.zeros((2, 3, 3)), [0, 1], 1, seed='a' | np.zeros((2, 3, 3)), [0, 1], 1, seed=2**32
load_data: 'sample', 0 | (np.zeros((2, 3, 3)),), 4 | None, 4 | nd.zeros((3, 28, 28)), 1 | 3, 1
load_data_fashion_mnist: 4, resize=-3
evaluate_accuracy: [], lenet() | [1], lenet() | [(x(1, 1, 28, 28), x(1, 1))], lenet() | [PAIR], of_nan()
evaluate_accuracy: [PAIR], Two() | images(dtype='uint8'), quantize(seen(), images())
predict_batches: [PAIR], Two() | [(PAIR[0] * np.nan, PAIR[1])], lenet() | images(2, 3), dense()
predict_batches: [(PAIR[0] - np.inf, PAIR[1])], lenet()
show_grad_cam: lenet(), x(2, 3), "ab" | dense(), x(1, 3), "ab"
five_crop_predict: lenet(), x(20, 20, 1), 28 | dense(), x(9, 9, 1), 9
five_crop_predict: lenet(), x(28, 28, 1) * np.nan, 28 | lenet(), x(28, 28, 1) + np.inf, 28
trained: [] | [PAIR], mlpconv(4, 3, 0) | [PAIR], frozen() | images(2, 3), dense() | [(PAIR[0], nd.eye(2, 10))]
trained: [PAIR], loss=gluon.loss.L2Loss() | [PAIR], loss=None | [PAIR], loss=lambda output, y: None
trained: [PAIR], loss=gluon.loss.SoftmaxCrossEntropyLoss | images(dtype='uint8')
train: [PAIR], [PAIR], lenet(), LOSS, None, mx.cpu(), 1 | [PAIR], [PAIR], lenet(), LOSS, 'sgd', mx.cpu(), 1
train: [PAIR], [PAIR], seen(), LOSS, trainer_of(seen()), mx.cpu(), 1, False
train: [PAIR], 5, *with_trainer(seen()), mx.cpu(), 1 | [PAIR], [PAIR], *with_trainer(of_8_bits()), mx.cpu(), 1
finetune: lenet(), [], [], 0 | lenet(), [], [], 2, verbose=False | seen(), [PAIR], [PAIR], 2, frozen='no'
finetune: seen(), [PAIR], [PAIR], 2, learning_rate=float('inf')
tuned: [(PAIR[0], nd.array([0, 2]))] | [(PAIR[0] * np.nan, PAIR[1])]
export_onnx: lenet(), 'network.onnx', (1, 1, 28, -1) | seen(), 'network.onnx', ()
export_symbol: lenet(), 'network', (1, 1, 28, -1) | seen(), None, (1, 1, 28, 28)
load_torch_state: None, {} | seen(), {} | seen(), 'lenet.pt' | seen(), {0: np.zeros(2)}
load_torch_state: dense(), {'weight': np.full((2, 4), np.nan)}
quantize: lenet(), [] | gluon.nn.Sequential(), images() | of_8_bits(), images() | of_nan(), images()
quantize: seen(), images(2, 1, 40, 40) | seen(), images(2, 3, 28, 28) | dense(), images(2, 3)
quantize: seen(), images(dtype='uint8') | dense(), images(2, 4, dtype='uint8')
quantize: cast(seen(), 'float64'), images(dtype='float64')
quantize: seen(), [(PAIR[0] * np.nan, PAIR[1])] | seen(), [PAIR, (PAIR[0] * np.nan, PAIR[1])]
experiment: lambda num_classes: None | 'lenet', optimizer=None | 'lenet', optimizer=mx.optimizer.Adam()
"""
CALLS |= {
    f"{function}({arguments.strip()})": ""
    for function, several in (line.split(": ", 1) for line in ARGUMENTS.strip().splitlines())
    for arguments in several.split(" | ")
}


def each(values, *calls):
    return {call.format(value): "" for value in values for call in calls}


CALLS |= each(
    ("None", "LeNet()"),  # the second is not initialized
    "evaluate_accuracy([PAIR], {})",
    "predict_batches([PAIR], {})",
    "five_crop_predict({}, x(28, 28, 1), 28)",
    "train([PAIR], [PAIR], {}, LOSS, trainer_of(lenet()), mx.cpu(), 1)",
    "finetune({}, [PAIR], [PAIR], 2)",
    "quantize({}, [PAIR])",
    "export_onnx({}, 'network.onnx', (1, 1, 28, 28))",
    "export_symbol({}, 'network', (1, 1, 28, 28))",
)
CALLS |= each(
    ("mx.cpu(1)", "mx.gpu(99)", "[mx.cpu(), mx.cpu()]", "3", "'cpu'"),
    "evaluate_accuracy([PAIR], lenet(), {})",
    "trained([PAIR], ctx={})",
)
CALLS |= each(
    ("mx.gpu(99)", "'cpu'"),
    "predict_batches([PAIR], seen(), {})",
    "five_crop_predict(seen(), x(28, 28, 1), 28, {})",
    "finetune(seen(), [PAIR], [PAIR], 2, ctx={})",
)
BATCHES = """
('ab', 'cd') | (['a', 'b'], [0, 1]) | (PAIR[0], ['a', 'b']) | (None, None) | (1, 2)
(np.zeros((0, 1, 28, 28), 'float32'), np.zeros(0)) | (PAIR[0], nd.array([0, np.nan])) | (PAIR[0], nd.array([0, 1.5]))
(PAIR[0], nd.array([0, 10])) | (PAIR[0], nd.array([0, -1])) | (PAIR[0] * np.nan, PAIR[1])
"""
CALLS |= each(
    [batch for line in BATCHES.strip().splitlines() for batch in line.split(" | ")],
    "evaluate_accuracy([{}], lenet())",
    "trained([{}])",
)
FLIP = mx.image.HorizontalFlipAug(0.5)


class Two(gluon.Block):
    def forward(self, X):
        return X, X


def of_nan():
    net = seen()
    net.output.weight.set_data(net.output.weight.data() * np.nan)
    return net


def frozen():
    net = lenet()
    net.collect_params().setattr("grad_req", "null")
    return net


def with_trainer(net):
    return net, LOSS, trainer_of(net)


def of_8_bits():
    return g.quantize(seen(), images())


def images(*shape, dtype="float32"):
    return [(x(*(shape or (2, 1, 28, 28)), dtype=dtype), nd.array([0, 1]))]


def dense():
    net = gluon.nn.Dense(2, in_units=4)
    net.initialize()
    return net


def cast(net, dtype):
    net.cast(dtype)
    return net


def initialized(net):
    net.initialize(init.Xavier())
    return net


def lenet():
    return initialized(g.LeNet())


def seen():
    net = lenet()
    net(x(1, 1, 28, 28))
    return net


def trainer_of(net):
    return gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})


def trained(batches, net=None, ctx=None, loss=LOSS):
    net = net or lenet()
    net.initialize(force_reinit=True)
    return g.train(batches, batches, net, loss, trainer_of(net), ctx or mx.cpu(), 1, verbose=False)


def tuned(batches):
    return g.finetune(lenet(), batches, batches, 2, verbose=False)


@pytest.mark.parametrize("call", CALLS)
def test_a_wrong_argument(call):
    names = {**globals(), **{name: getattr(g, name) for name in g.__all__}}
    with pytest.raises(OURS) as caught:
        eval(call, names)
    refused(caught.value, CALLS[call])


def test_every_public_function_has_a_row():
    makers = (network.constructor for network in NETWORKS.values())
    called = " ".join([*CALLS, *BLOCKS, *makers, inspect.getsource(trained), inspect.getsource(tuned)])
    without = {name for name in g.__all__ if not re.search(rf"\b{name}\b", called)}
    assert without == {"History", "VGG11", "VGG_NOTES", "try_all_gpus"}


def test_numbers_that_are_none_go_through_and_large_ones_are_finite():
    assert np.isnan(g.corr2d(X * np.nan, K).asnumpy()).all()
    assert np.isnan(g.pool2d(X * np.nan, 2, "avg").asnumpy()).all()
    assert np.isnan(g.pure_batch_norm(x(2, 3) * np.nan, ONES, ONES).asnumpy()).all()
    assert np.isfinite(g.five_crop_predict(seen(), nd.full((28, 28, 1), 1e36), 28).asnumpy()).all()


def test_labels_of_any_type_count_and_a_batch_may_be_a_list():
    net = seen()
    expected = g.evaluate_accuracy([PAIR], net)
    for kind in ("uint16", "uint32", "uint64", "int16", ">f4", ">i8", "bool", "longdouble"):
        assert g.evaluate_accuracy([(PAIR[0], np.array([0, 1], kind))], net) == expected, kind
    assert g.evaluate_accuracy([(list(PAIR[0]), [0, 1])], net) == expected
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


# Commands

COMMANDS = {
    "a wrong network": ["train", "lenet5"],
    "no epoch": ["train", "lenet", "--epochs", "0"],
    "a batch of nothing": ["train", "lenet", "--batch-size", "0"],
    "a negative size": ["train", "lenet", "--resize", "-3"],
    "a wrong data set": ["train", "lenet", "--dataset", "mnist"],
    "a file as data set": ["train", "lenet", "--dataset", "file"],
    "a folder without images": ["train", "lenet", "--dataset", "empty"],
    "an archive as data set": ["train", "lenet", "--dataset", "archive.zip"],
    "a learning rate that is none": ["train", "lenet", "--lr", "nan"],
    "a seed below 0": ["train", "lenet", "--seed", "-1"],
    "a file as output": ["train", "lenet", "--output", "file"],
    "a run that is none": ["evaluate", "--run", "empty"],
    "a file as run": ["predict", "file", "--run", "file"],
    "no class to name": ["predict", "file", "--top", "0"],
    "a run that is not there": ["quantize", "--run", "nothing"],
    "nothing to resume": ["train", "--resume", "empty"],
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
    "a rate for no network": ["rate", "lenet5"],
    "no folder to finetune on": ["finetune", "empty"],
    "a folder of one class to finetune on": ["finetune", "one class"],
    "a folder of one class to train on": ["train", "lenet", "--dataset", "one class"],
    "a folder of one class to find a rate for": ["rate", "lenet", "--dataset", "one class"],
    "a class without images to finetune on": ["finetune", "hollow"],
    "a class without images to train on": ["train", "lenet", "--dataset", "hollow"],
    "a class that is only in test, to finetune on": ["finetune", "split"],
    "a class that is only in test, to train on": ["train", "lenet", "--dataset", "split"],
    "a truncated image to finetune on": ["finetune", "broken"],
    "a truncated image to train on": ["train", "lenet", "--dataset", "broken"],
    "a truncated image to predict": ["predict", "broken/a/cut.jpg", "--network", "efficientnet-lite0"],
    "a truncated image to explain": ["explain", "broken/a/cut.jpg", "--network", "efficientnet-lite0"],
    "a folder to predict": ["predict", "empty", "--network", "efficientnet-lite0"],
    "a constructor that is none to finetune": ["finetune", "photos", "--network", "os:getcwd"],
    "an untrained network to finetune": ["finetune", "photos", "--network", "lenet"],
    "grey images to finetune on": ["finetune", "sample"],
    "an image to explain that is none": ["explain", "file", "--network", "efficientnet-lite0"],
    "a function that is not there": ["train", "os:no_network"],
    "a program that is not there": ["launch", "-n", "1", "nothing.py"],
    "another program than one of Python's": ["launch", "-n", "1", "ls"],
    "a file as folder for data": ["data", "--root", "file"],
}


FOLDERS = {
    "photos": "ab",
    "broken": "ab",
    "one class": "a",
    "hollow": ("a", "hollow"),
    "split": ("train/a", "train/b", "test/a", "test/b", "test/c"),
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
    for folder, classes in FOLDERS.items():
        for name in classes:
            Path(folder, name).mkdir(parents=True)
            for number in range(3 * (name != "hollow")):
                Image.new("RGB", (9, 8), (80 * number, 0, 0)).save(Path(folder, name, f"{number}.png"))
    cut = Path("broken/a/cut.jpg")
    Image.effect_noise((90, 80), 50).save(cut)
    cut.write_bytes(cut.read_bytes()[:-500])
    with zipfile.ZipFile("archive.zip", "w") as archive:
        archive.writestr("../outside.png", b"no")
    before = sorted(path.name for path in tmp_path.iterdir())
    assert cli.main(arguments) == 1
    out, printed = capsys.readouterr()
    assert "Epoch 1" not in out
    assert printed.splitlines()[-1].startswith(f"gluon-cnn {arguments[0]}: ")
    assert "mxnet failed" not in printed
    assert len(printed) < LONGEST
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "runs") == before
    assert not Path("runs").exists() or not any(Path("runs").iterdir())
    assert not Path(tmp_path.parent, "outside.png").exists()
