"""Whether a lesson's stored outputs are those of its code: `make notebooks` writes a digest of the code beside them."""

import hashlib
import sys
from pathlib import Path

import nbformat


def digest(notebook: nbformat.NotebookNode) -> str:
    """Return a digest of all code cells, in their order."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256("\0".join(code).encode()).hexdigest()[:16]


def main() -> None:
    """Write the digest into notebooks that have just been executed."""
    for path in map(Path, sys.argv[1:]):
        notebook = nbformat.read(path, as_version=4)
        notebook.metadata["executed"] = digest(notebook)
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
