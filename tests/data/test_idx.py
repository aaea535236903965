"""Reading IDX files: whole ones, and all the ways in which they can be broken."""

import gzip
import hashlib
import struct

import numpy as np
import pytest
from gluon_cnn.data.idx import read_idx
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp


def idx(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


PICTURES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=4, min_side=1)), st.booleans())
def test_what_was_written_is_read(tmp_path_factory, array, zipped):
    path = tmp_path_factory.mktemp("idx") / ("a.gz" if zipped else "a")
    path.write_bytes(gzip.compress(idx(array)) if zipped else idx(array))
    got = read_idx(path, hashlib.sha256(idx(array)).hexdigest())
    assert got.dtype == np.uint8
    assert got.shape == array.shape
    assert np.array_equal(got, array)
    assert got.flags.writeable


WHOLE = idx(PICTURES)
BROKEN = {
    "empty": (b"", "not an IDX file of bytes: it starts with nothing"),
    "other magic": (b"\x89PNG" + WHOLE, "not an IDX file of bytes: it starts with 89504e47"),
    "floats": (b"\0\0\x0d\x03" + WHOLE[4:], "not an IDX file of bytes"),
    "no dimension": (b"\0\0\x08\x00", "not an IDX file of bytes"),
    "too many dimensions": (b"\0\0\x08\x28" + b"\0\0\0\1" * 40 + b"x", "not an IDX file of bytes"),
    "no picture": (b"\0\0\x08\x03" + b"\0\0\0\0" + b"\xff" * 8, "is empty: its header promises 0 x 4294967295"),
    "cut off in the header": (WHOLE[:9], "cut off inside its header"),
    "cut off in the data": (WHOLE[:-1], "its header promises 2 x 3 x 4 bytes, .* contains 23"),
    "too long": (WHOLE + b"x", "its header promises 2 x 3 x 4 bytes, .* contains 25"),
    "header that lies": (WHOLE[:4] + b"\xff" * 4 + WHOLE[8:], "its header promises 4294967295 x 3 x 4 bytes"),
}


@pytest.mark.parametrize(("raw", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_refused_by_name(tmp_path, raw, message):
    for path, content in ((tmp_path / "train-images", raw), (tmp_path / "train-images.gz", gzip.compress(raw))):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=message) as caught:
            read_idx(path)
        assert str(path) in str(caught.value)


def test_another_file_of_the_right_form_is_refused(tmp_path):
    path = tmp_path / "train-images"
    path.write_bytes(idx(PICTURES[::-1]))
    with pytest.raises(ValueError, match="incorrect SHA-256"):
        read_idx(path, hashlib.sha256(WHOLE).hexdigest())
