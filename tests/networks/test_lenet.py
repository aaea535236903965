"""LeNet against the same layers in NumPy, and its treatment of wrong pictures."""

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, init, nd

RNG = np.random.RandomState(0)


def initialized(**settings):
    net = g.LeNet(**settings)
    net.initialize(init.Xavier(magnitude=3))
    return net


def convolution(X, W, b):
    k = W.shape[2]
    windows = np.lib.stride_tricks.sliding_window_view(X, (k, k), axis=(2, 3))
    return np.einsum("nchwij,ocij->nohw", windows, W) + b[None, :, None, None]


def pooling(X):
    n, c, h, w = X.shape
    return X[:, :, : h // 2 * 2, : w // 2 * 2].reshape(n, c, h // 2, 2, w // 2, 2).max(axis=(3, 5))


def lenet_in_numpy(X, net):
    W1, b1, W2, b2, W3, b3, W4, b4 = (p.data().asnumpy().astype(np.float64) for p in net.collect_params().values())
    X = pooling(np.maximum(convolution(X, W1, b1), 0))
    X = pooling(np.maximum(convolution(X, W2, b2), 0))
    X = np.maximum(X.reshape(len(X), -1) @ W3.T + b3, 0)
    return X @ W4.T + b4


@pytest.mark.parametrize(("classes", "shape"), [(10, (3, 1, 28, 28)), (4, (2, 3, 33, 40)), (2, (1, 1, 12, 12))])
@pytest.mark.parametrize("hybridized", [False, True])
def test_outputs_equal_numpys(classes, shape, hybridized):
    net = initialized(num_classes=classes)
    if hybridized:
        net.hybridize()
    X = RNG.rand(*shape).astype(np.float32)
    got = net(nd.array(X)).asnumpy()
    assert got.shape == (shape[0], classes)
    np.testing.assert_allclose(got, lenet_in_numpy(X.astype(np.float64), net), rtol=1e-4, atol=1e-5)


def test_gradients_equal_finite_differences():
    net = initialized()
    X = RNG.rand(1, 1, 14, 14)
    x = nd.array(X)
    x.attach_grad()
    with autograd.record():
        y = net(x)[0, 3]
    y.backward()
    gradient = x.grad.asnumpy()[0, 0]
    step = 1e-6
    for row, column in [(0, 0), (5, 7), (9, 2), (7, 7)]:
        up, down = X.copy(), X.copy()
        up[0, 0, row, column] += step
        down[0, 0, row, column] -= step
        slope = (lenet_in_numpy(up, net)[0, 3] - lenet_in_numpy(down, net)[0, 3]) / (2 * step)
        assert gradient[row, column] == pytest.approx(slope, rel=1e-3, abs=1e-6)


def test_hybridized_gradients_are_the_same():
    net = initialized()
    X = nd.array(RNG.rand(4, 1, 28, 28))
    results = []
    for _ in range(2):
        with autograd.record():
            output = net(X)
        output.backward()
        results.append([output.asnumpy(), *(p.grad().asnumpy() for p in net.collect_params().values())])
        net.hybridize()
    for plain, hybrid in zip(*results):
        np.testing.assert_allclose(plain, hybrid, rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*Cannot decide type:UserWarning")  # mxnet's own, of the exported symbol's input
def test_saved_exported_and_loaded_again(tmp_path):
    from mxnet import gluon

    net = initialized()
    X = nd.array(RNG.rand(2, 1, 28, 28))
    net.hybridize()
    expected = net(X).asnumpy()
    net.save_parameters(str(tmp_path / "lenet.params"))
    copy = g.LeNet()
    copy.load_parameters(str(tmp_path / "lenet.params"))
    copy.hybridize()
    np.testing.assert_array_equal(copy(X).asnumpy(), expected)
    net.export(str(tmp_path / "lenet"))
    symbol = gluon.SymbolBlock.imports(
        str(tmp_path / "lenet-symbol.json"), ["data"], str(tmp_path / "lenet-0000.params")
    )
    np.testing.assert_allclose(symbol(X).asnumpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.zeros((1, 1, 11, 28)), ValueError, "LeNet needs pictures of at least 12x12; got 11x28: resize them"),
        (np.zeros((1, 3, 2, 2)), ValueError, "at least 12x12; got 2x2"),
        (
            np.zeros((1, 28, 28)),
            ValueError,
            r"takes images of shape \(N, C, H, W\); got \(1, 28, 28\): pass x.exp",
        ),
        (np.zeros((1, 1, 28, 28), np.uint8), TypeError, r"float32, got uint8: pass x.astype\('float32'\) / 255"),
        (np.zeros((1, 1, 28, 28), np.float16), TypeError, "computes in float32, got float16"),
    ],
)
@pytest.mark.parametrize("hybridized", [False, True])
def test_pictures_that_do_not_fit_are_refused(X, error, message, hybridized, capfd):
    net = initialized()
    if hybridized:
        net.hybridize()
    dtype = X.dtype if X.dtype != np.float64 else np.float32
    with pytest.raises(error, match=message):
        net(nd.array(X, dtype=dtype))
    assert net(nd.zeros((1, 1, 28, 28))).shape == (1, 10)  # the network is as good as new
    assert capfd.readouterr() == ("", "")


def test_other_pictures_than_the_first_are_refused():
    net = initialized()
    net(nd.zeros((1, 1, 28, 28)))
    assert net(nd.zeros((5, 1, 28, 28))).shape == (5, 10)
    with pytest.raises(ValueError, match="has weights for 1 input channels; got 3"):
        net(nd.zeros((1, 3, 28, 28)))
    with pytest.raises(ValueError, match="dense layers for pictures of another size; got 32x32"):
        net(nd.zeros((1, 1, 32, 32)))


def test_the_smallest_size_is_the_smallest():
    assert g.LeNet().smallest_size() == 12
    assert initialized()(nd.zeros((1, 1, 12, 12))).shape == (1, 10)


def test_a_users_hook_sees_arrays_only():
    net = initialized()
    seen = []
    net.features[0].register_forward_hook(lambda block, inputs, output: seen.append(type(output)))
    net(nd.zeros((1, 1, 28, 28)))
    assert seen == [nd.NDArray]


@pytest.mark.parametrize(("classes", "error"), [(0, ValueError), (2.5, TypeError), ("10", TypeError)])
def test_a_number_of_classes_that_is_none_is_refused(classes, error):
    with pytest.raises(error, match="num_classes must be"):
        g.LeNet(classes)


def test_mxnets_numpy_mode():
    mx.npx.set_np()
    try:
        net = initialized()
        assert net(mx.np.zeros((2, 1, 28, 28))).shape == (2, 10)
    finally:
        mx.npx.reset_np()


def test_another_type_of_numbers():
    net = initialized()
    net.cast("float64")
    assert net(nd.zeros((1, 1, 28, 28), dtype="float64")).dtype == np.float64
