"""What `make notebooks` writes into a lesson besides its outputs.

A digest of the code shows whether the outputs are still those of the code. The kernel is named as JupyterLab names it
when it saves a lesson.
"""

import hashlib
import sys
from pathlib import Path

import nbformat

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def digest(notebook: nbformat.NotebookNode) -> str:
    """Return a digest of all code cells, in their order."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256("\0".join(code).encode()).hexdigest()[:16]


def main() -> None:
    """Write digest and kernel into notebooks that have just been executed."""
    for path in map(Path, sys.argv[1:]):
        notebook = nbformat.read(path, as_version=4)
        notebook.metadata.update(executed=digest(notebook), kernelspec=KERNEL)
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
