"""The fragments of PyTorch in the lessons, and numbers that both frameworks can make for themselves."""

import json
import re
from pathlib import Path

import numpy as np

LESSONS = Path(__file__).parent.parent.parent / "notebooks"
FRAGMENT = re.compile(r"<summary>The same in PyTorch</summary>\n\n```python\n(.*?)```\n\n</details>", re.DOTALL)


def fragments() -> dict[str, str]:
    """Return the code of each lesson that has a fragment, by the lesson's number."""
    found = {}
    for path in sorted(LESSONS.glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        codes = FRAGMENT.findall(text)
        assert len(codes) == text.count("The same in PyTorch</summary>") <= 1, path.name
        if codes:
            found[path.name[:2]] = codes[0]
    return found


def codes(lesson: str) -> list[str]:
    """Return the code cells of the lesson with this number."""
    (path,) = LESSONS.glob(f"{lesson}_*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def numbers(number: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return the values of a network's parameter with this number, or of its input and weighting.

    Weights have He's size; vectors, among which are running variances, are positive.
    """
    random = np.random.RandomState(number)
    if len(shape) == 1:
        return random.uniform(0.5, 1, shape).astype("float32")
    return (random.randn(*shape) * (2 / np.prod(shape[1:])) ** 0.5).astype("float32")
