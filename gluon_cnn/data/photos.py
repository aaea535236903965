"""Photos in scikit-image's wheel."""

from __future__ import annotations

from mxnet import nd

# Those of skimage.data that are in scikit-image's wheel and need no download.
PICTURES = ("astronaut", "camera", "chelsea", "coffee")


def cat() -> nd.NDArray:
    """Return a photo of a cat, uint8 of shape (300, 451, 3); it comes with scikit-image (``data.chelsea``)."""
    return picture("chelsea")


def picture(name: str) -> nd.NDArray:
    """Return one of the pictures in scikit-image's wheel as uint8, shape (H, W, 3), or (H, W) when it is grey.

    Parameters
    ----------
    name : str
        ``"chelsea"`` (a cat), ``"astronaut"``, ``"coffee"``, ``"camera"`` (grey), ...: a function of ``skimage.data``.

    Raises
    ------
    ImportError
        When scikit-image is not installed.
    ValueError
        When its wheel carries no picture of that name.
    """
    try:
        from skimage import data
    except ImportError as error:
        raise ImportError("the pictures come with scikit-image: pip install scikit-image") from error
    if name not in PICTURES:
        raise ValueError(f"there is no picture {name!r}; choose one of {', '.join(map(repr, PICTURES))}")
    pixels = getattr(data, name)()
    return nd.array(pixels, dtype="uint8")
