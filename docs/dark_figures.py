"""Dark variants of the figures, which are drawn on white, for the site's dark theme."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from scipy import ndimage

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PAPER, INK = 0.08, 0.85  # lightness of what was white and of what was black
THIN = 19  # pixels: letters and lines on the paper are thinner, images and cells are not
LETTER = 60  # pixels: the white inside of a letter has fewer, that of a cell has more
NARROW = 0.6  # of a plot's size, 100 pixels per inch: smaller than that, its letters cannot be read, and it scrolls
NO_PLOT = r"(show|draw|explore)_|apply\(|imshow|plot_confusion"


def is_plot(code: str) -> bool:
    """Return whether a cell's figures have neither images nor diagrams, whose colours have to stay."""
    return not re.search(NO_PLOT, code)


def add_dark_figures(app: Sphinx, body: str) -> str:
    """Give each figure of a page a dark variant, which is written beside it, and keep plots legible on a phone."""
    sources = {name: path for path, name in app.builder.images.items()}
    folder = app.outdir / "_images"
    folder.mkdir(exist_ok=True)

    def add(match: re.Match) -> str:
        name, path = f"{match[2]}.dark.png", app.srcdir / sources[f"{match[2]}.png"]
        whole = "figure-plot" in match[0]
        darken(path, folder / name, whole)
        source = f'<source media="(prefers-color-scheme: dark)" srcset="{match[1]}{name}" />'
        if not whole:
            return f"<picture>{source}{match[0]}</picture>"
        image = match[0].replace("<img ", f'<img style="min-width: {NARROW * Image.open(path).width:.0f}px" ')
        return f'<picture class="plot" tabindex="0">{source}{image}</picture>'

    return re.sub(r'<img [^>]*src="([^"]*_images/)([^"]+)\.png"[^>]*>', add, body)


def darken(path: Path, target: Path, whole: bool) -> None:
    """Write a figure with white paper dark and what is drawn on it light: all of it, or all but images and cells."""
    pixels = np.asarray(Image.open(path).convert("RGB")) / 255
    low, high = pixels.min(axis=2, keepdims=True), pixels.max(axis=2, keepdims=True)
    drawn_on = np.ones_like(low, bool)
    if not whole:
        regions, _ = ndimage.label((low > 0.88)[..., 0] & (high - low < 0.02)[..., 0])  # grids are lighter than cells
        edge = np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]])
        is_paper = np.isin(np.arange(regions.max() + 1), edge)
        is_white_cell = (np.bincount(regions.flat) > LETTER) & ~is_paper
        is_paper[0] = is_white_cell[0] = False  # what is not white
        paper = np.pad(is_paper[regions], THIN, constant_values=True)
        drawn_on = ndimage.minimum_filter(ndimage.maximum_filter(paper, THIN), THIN)[THIN:-THIN, THIN:-THIN, None]
        drawn_on &= ~ndimage.maximum_filter(is_white_cell[regions], 5)[..., None]  # with its outline
    dark = np.where(drawn_on, PAPER + (INK - PAPER) * (pixels + 1 - low - high), pixels)  # each hue stays
    Image.fromarray((dark * 255).round().astype(np.uint8)).save(target)
