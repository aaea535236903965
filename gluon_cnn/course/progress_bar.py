"""A progress bar in a cell's output."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from tqdm import tqdm


def progress(items: Sequence[Any], unit: str) -> Iterator[Any]:
    """Iterate over items with a bar in the cell's output; on stderr it would look like a warning."""
    return iter(tqdm(items, unit=unit, file=sys.stdout))
