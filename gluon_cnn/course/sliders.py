"""Figures with sliders, or static figures if there is no interactive user (nbval, papermill, nbconvert)."""

from collections.abc import Callable
from typing import Any

import numpy as np
from gluon_cnn.course.diagrams import draw_windows
from gluon_cnn.plots.images import as_image, show_images
from mxnet import nd

KERNELS: dict[str, list[list[float]]] = {
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "mean": [[1 / 9] * 3] * 3,
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "outline": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    "vertical edges": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
    "horizontal edges": [[1, 2, 1], [0, 0, 0], [-1, -2, -1]],
}


def explore_windows(size: int = 7, kernel_size: int = 3, stride: int = 1, padding: int = 0) -> None:
    """Draw the positions of a kernel, with a slider for each argument of :func:`gluon_cnn.conv_output_size`."""
    starts = {"size": size, "kernel_size": kernel_size, "stride": stride, "padding": padding}
    ranges = {"size": (3, 12), "kernel_size": (1, 7), "stride": (1, 5), "padding": (0, 3)}

    def draw(size: int, kernel_size: int, stride: int, padding: int) -> None:
        try:
            draw_windows((size, kernel_size, stride, padding))
        except ValueError as error:
            print(error)

    if not _is_interactive():
        draw(**starts)
        return
    import ipywidgets as widgets

    sliders = {
        name: widgets.IntSlider(start, *ranges[name], description=name, continuous_update=False)
        for name, start in starts.items()
    }
    _show(widgets.VBox(list(sliders.values())), draw, sliders)


def explore_kernel(photo: Any) -> None:
    """Show a uint8 photo, (H, W) or (H, W, 3), and its response to a 3x3 kernel: one of KERNELS, or typed in."""
    if not _is_interactive():
        show_images([filter_photo(photo, kernel) for kernel in KERNELS.values()], 2, 3, (9, 6.6), list(KERNELS))
        return
    import ipywidgets as widgets

    cells = {
        f"weight {k}": widgets.FloatText(weight, step=0.25, layout={"width": "80px"})
        for k, weight in enumerate(np.ravel(KERNELS["outline"]))
    }
    choice = widgets.Dropdown(options=list(KERNELS), value="outline", layout={"width": "260px"})

    def fill(change: dict) -> None:
        for cell, weight in zip(cells.values(), np.ravel(KERNELS[change["new"]])):
            cell.value = round(float(weight), 4)

    def draw(**weights: float) -> None:
        kernel = np.reshape([weights[name] for name in cells], (3, 3))
        show_images([photo, filter_photo(photo, kernel)], 1, 2, (9, 4.4), ["photo", "magnitude of the response"])

    choice.observe(fill, names="value")
    grid = widgets.GridBox(list(cells.values()), layout={"grid_template_columns": "repeat(3, 90px)"})
    _show(widgets.VBox([choice, grid]), draw, cells)


def filter_photo(photo: Any, kernel: Any) -> np.ndarray:
    """Return the absolute response of a 3x3 kernel to each colour of a uint8 photo, clipped to 1; same shape."""
    pixels = nd.array(as_image(photo) / 255.0)
    channels = pixels.reshape((*pixels.shape[:2], -1)).transpose((2, 0, 1))  # (1 or 3, H, W)
    weight = nd.array(kernel).reshape((1, 1, 3, 3))
    response = nd.Convolution(channels.expand_dims(1), weight, no_bias=True, kernel=(3, 3), pad=(1, 1), num_filter=1)
    return response[:, 0].abs().clip(0, 1).transpose((1, 2, 0)).reshape(pixels.shape).asnumpy()


def _is_interactive() -> bool:
    """Return whether sliders can be used, that is, whether the front end allows input."""
    from IPython import get_ipython

    return bool(getattr(getattr(get_ipython(), "kernel", None), "_allow_stdin", False))


def _show(controls: Any, draw: Callable[..., None], values: dict[str, Any]) -> None:
    """Show controls above a figure drawn from their values."""
    import ipywidgets as widgets
    from IPython.display import display

    display(widgets.VBox([controls, widgets.interactive_output(draw, values)]))
