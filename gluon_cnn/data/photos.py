"""Sample photos from scikit-image."""

from __future__ import annotations

from mxnet import nd

# Images of skimage.data that are included in scikit-image's wheel.
PHOTOS = ("astronaut", "camera", "chelsea", "coffee")


def cat() -> nd.NDArray:
    """Return a photo of a cat from scikit-image (``data.chelsea``), uint8 of shape (300, 451, 3)."""
    return load_photo("chelsea")


def load_photo(name: str) -> nd.NDArray:
    """Return one of PHOTOS as uint8 of shape (H, W, 3), or (H, W) for ``"camera"``, which is grey."""
    try:
        from skimage import data
    except ImportError as error:
        raise ImportError("the photos require scikit-image: pip install scikit-image") from error
    if name not in PHOTOS:
        raise ValueError(f"there is no photo {name!r}; choose one of {', '.join(map(repr, PHOTOS))}")
    return nd.array(getattr(data, name)(), dtype="uint8")
