"""One style for all figures."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import matplotlib.pyplot as plt
from gluon_cnn._core.files import make_folder
from gluon_cnn.plots.language import choose_language

# Okabe and Ito's colours, distinguishable with any form of colour blindness.
COLORS = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "red": "#D55E00",
    "sky": "#56B4E9",
    "grey": "#666666",
    "purple": "#CC79A7",
    "black": "#000000",
}
MAX_WIDTH = 9.0  # inches; wider figures would be scaled down on the site
STYLE = {
    "axes.prop_cycle": plt.cycler(color=list(COLORS.values())),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 12,
    "axes.labelsize": 11,
    "axes.grid": True,
    "axes.axisbelow": True,
    "figure.dpi": 100,
    "font.size": 11,
    "grid.alpha": 0.3,
    "image.cmap": "gray",
    "legend.frameon": False,
    "lines.linewidth": 2,
}


@contextmanager
def style() -> Iterator[None]:
    """Use the course's colours and sizes, and the language of GLUON_CNN_LANGUAGE, inside a ``with`` block."""
    choose_language()
    with plt.rc_context(STYLE):
        yield


def show_figure() -> None:
    """Show the current figure and close it, unless pyplot is in interactive mode."""
    figure = plt.gcf()
    plt.show()
    if not plt.isinteractive():
        plt.close(figure)


def show_or_save(file: str | Path | BinaryIO | None) -> None:
    """Show the current figure, or write it to a file; then close it."""
    if file is None:
        show_figure()
        return
    try:
        if isinstance(file, (str, Path)) and Path(file).is_dir():
            raise IsADirectoryError(f"{file} is a folder: name a file in it, such as curves.png")
        plt.savefig(file, dpi=150)
    finally:
        plt.close()


def plot_with_fallback(plot: Callable[[Any], None], file: Any) -> None:
    """Plot to a file, falling back to Agg if matplotlib's backend does not start; create the file's folder."""
    if isinstance(file, (str, Path)):
        make_folder(Path(file).parent)
    try:
        plot(file)
    except Exception:
        if plt.get_fignums():  # the backend did start
            raise
        plt.switch_backend("agg")
        plot(file)
