"""Files that are damaged, locked or of another kind: an error that names the file, never a crash or mxnet's trace."""

import gzip
import io
import os
import struct
import zlib
from pathlib import Path

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from gluon_cnn._core.files import atomic_write, write_all
from gluon_cnn.data.idx import read_idx
from gluon_cnn.data.images import read_folder, read_image
from gluon_cnn.experiments.run import Run
from gluon_cnn.networks.loading import load_weights
from hypothesis import given
from hypothesis import strategies as st
from mxnet import nd
from PIL import Image, ImageFile

from tests.data.test_idx import PICTURES as IDX_PICTURES
from tests.data.test_idx import idx
from tests.test_wrong_input import OURS, PAIR, refused, seen, with_trainer, x


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
    for path in (tmp_path / "pipe.png", tmp_path):
        with pytest.raises(OSError, match=f"{path} cannot be read as an image"):
            read_image(path, (8, 8))
    for name in ("network.params", "history.json"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(OSError, match="history.json cannot be read: it is a device or a pipe"):
        Run.load(tmp_path)
    os.mkfifo(tmp_path / "epoch-0003.npz")
    (tmp_path / "epoch-0004.npz").mkdir()
    assert g.train([PAIR], [PAIR], *with_trainer(seen()), mx.cpu(), 1, False, tmp_path).loss


@pytest.mark.parametrize("size", ["ab", None, 8.5, -1, (0, 0)])
def test_a_wrong_size_is_not_blamed_on_the_picture(tmp_path, size):
    (tmp_path / "fine.jpg").write_bytes(picture_bytes())
    with pytest.raises(OURS, match="size must be"):
        read_image(tmp_path / "fine.jpg", size)


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


@pytest.mark.parametrize("raw", FILES.values(), ids=FILES)
def test_a_broken_picture(tmp_path, raw, monkeypatch):
    path = tmp_path / "broken.jpg"
    path.write_bytes(raw)
    for lenient in (False, True):  # as Pillow is, and as gluoncv leaves it
        monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", lenient)
        with pytest.raises(OSError, match=r"broken.jpg cannot be read as an image") as caught:
            read_image(path, (8, 8))
        refused(caught.value)


def test_a_picture_that_would_fill_the_memory(tmp_path):
    """A small file of 100,000 x 100,000 white pixels: Pillow counts them before it unpacks them."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 1, 0, 0, 0, 0)
    path = tmp_path / "bomb.png"
    rows = zlib.compress(b"\0" * 1_000_000)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    with pytest.raises(OSError, match="bomb.png cannot be read as an image"):
        read_image(path, (8, 8))


def test_a_link_to_nothing_is_named(tmp_path):
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "x.jpg").write_bytes(picture_bytes())
    (tmp_path / "b" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    with pytest.raises(ValueError, match=r"there is no file .*gone.jpg"):
        read_folder(tmp_path, (8, 8))


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
        load_weights(net, path, mx.cpu())
        nd.waitall()
    except ValueError as error:
        refused(error, "damaged.params ")


@pytest.mark.parametrize("rank", [-1, 0, 33, 2**31 - 1])
def test_a_weights_file_of_another_rank(tmp_path, weights, rank):
    """Mxnet crashes at -1."""
    raw, net = weights
    path = tmp_path / "negative.params"
    path.write_bytes(raw[:32] + struct.pack("<i", rank) + raw[36:])
    with pytest.raises(ValueError, match="negative.params (contains an array or a name|ends too early)"):
        load_weights(net, path, mx.cpu())
