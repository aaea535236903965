"""Formulas of a lesson as MathML, which browsers draw without a script."""

import re

from latex2mathml.converter import convert
from nbconvert.preprocessors import Preprocessor


class MathML(Preprocessor):
    """Write $$...$$ and $...$ in text as MathML; code between backticks stays."""

    def preprocess_cell(self, cell, resources, index):
        """Change one cell."""
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"`[^`]*`|\$\$(.+?)\$\$|\$(.+?)\$", _formula, cell.source, flags=re.DOTALL)
        return cell, resources


def _formula(match: re.Match) -> str:
    if match[1]:
        return convert(match[1], display="block")
    return convert(match[2]) if match[2] else match[0]
