"""Sliders if a person runs the lesson, a static figure if a program does."""

import os

import numpy as np
import pytest
from gluon_cnn.course import sliders
from gluon_cnn.data.photos import load_photo
from matplotlib import pyplot as plt

jupyter = pytest.importorskip("jupyter_client.manager")
pytest.importorskip("ipywidgets")
EXPLORE = "from gluon_cnn.course import sliders; from gluon_cnn.data.photos import load_photo\n"


@pytest.fixture(scope="module")
def kernel():
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}  # Jupyter has its own
    manager, client = jupyter.start_new_kernel(kernel_name="python3", env=environment)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def outputs(kernel, code, somebody):
    """Run code and return the MIME types of what a front end would get."""
    found = []

    def keep(message):
        content = message["content"]
        if message["msg_type"] == "error":
            raise AssertionError("\n".join(content["traceback"]))
        found.extend(content.get("data", {}))

    kernel.execute_interactive(EXPLORE + code, allow_stdin=somebody, output_hook=keep, timeout=120)
    return found


@pytest.mark.parametrize("call", ["sliders.explore_windows()", "sliders.explore_kernel(load_photo('camera'))"])
def test_a_program_gets_a_picture_and_a_person_sliders(kernel, call):
    widget = "application/vnd.jupyter.widget-view+json"
    still = outputs(kernel, call, somebody=False)
    assert "image/png" in still
    assert widget not in still
    assert widget in outputs(kernel, call, somebody=True)


@pytest.fixture
def controls(monkeypatch):
    """Take what would be shown instead of showing it."""
    taken = {}

    def show(controls, draw, values):
        taken.update(draw=draw, values=values, controls=controls)

    monkeypatch.setattr(sliders, "_is_interactive", lambda: True)
    monkeypatch.setattr(sliders, "_show", show)
    return taken


def test_each_position_of_the_sliders_draws_or_says_what_does_not_fit(controls, capsys):
    sliders.explore_windows()
    slider_by_name = controls["values"]
    controls["draw"](**{name: slider.value for name, slider in slider_by_name.items()})
    assert "7×7 → 5×5" in "".join(text.get_text() for text in plt.gca().texts)
    controls["draw"](
        size=slider_by_name["size"].min, kernel_size=slider_by_name["kernel_size"].max, stride=1, padding=0
    )
    assert "a kernel of 7x7 does not fit into 3x3 with padding 0" in capsys.readouterr().out


def test_a_chosen_kernel_fills_the_cells_and_the_photo_follows(controls):
    photo = load_photo("camera")
    sliders.explore_kernel(photo)
    cells = controls["values"]
    controls["controls"].children[0].value = "vertical edges"
    assert [cell.value for cell in cells.values()] == [1, 0, -1, 2, 0, -2, 1, 0, -1]
    controls["draw"](**{name: cell.value for name, cell in cells.items()})
    before, after = (ax.images[0].get_array() for ax in plt.gcf().axes)
    np.testing.assert_array_equal(before, photo.asnumpy())
    np.testing.assert_array_equal(after, sliders.filter_photo(photo, sliders.KERNELS["vertical edges"]))


@pytest.mark.parametrize("name", ["camera", "coffee"])
def test_filters_do_what_their_names_say(name):
    photo = load_photo(name)
    scaled = photo.asnumpy() / 255
    np.testing.assert_allclose(sliders.filter_photo(photo, sliders.KERNELS["identity"]), scaled, atol=1e-6)
    mean = sliders.filter_photo(photo, sliders.KERNELS["mean"])
    np.testing.assert_allclose(mean[5, 7], scaled[4:7, 6:9].mean(axis=(0, 1)), atol=1e-5)
    flat = np.full((6, 6), 200, np.uint8)
    for edges in ("outline", "vertical edges", "horizontal edges"):
        np.testing.assert_allclose(sliders.filter_photo(flat, sliders.KERNELS[edges])[1:-1, 1:-1], 0, atol=1e-6)
