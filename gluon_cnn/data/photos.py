"""Photos in scikit-image's wheel."""

from __future__ import annotations

from mxnet import nd

# Those of skimage.data that are in scikit-image's wheel and need no download.
PICTURES = ("astronaut", "camera", "chelsea", "coffee")


def cat() -> nd.NDArray:
    """Return a photo of a cat, uint8 of shape (300, 451, 3); it comes with scikit-image (``data.chelsea``)."""
    return picture("chelsea")


def picture(name: str) -> nd.NDArray:
    """Return one of PICTURES as uint8, shape (H, W, 3), or (H, W) of ``"camera"``, which is grey."""
    try:
        from skimage import data
    except ImportError as error:
        raise ImportError("the photos come with scikit-image: pip install scikit-image") from error
    if name not in PICTURES:
        raise ValueError(f"there is no picture {name!r}; choose one of {', '.join(map(repr, PICTURES))}")
    return nd.array(getattr(data, name)(), dtype="uint8")
