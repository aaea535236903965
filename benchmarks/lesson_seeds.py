"""Run a lesson with several seeds and report the accuracies it reached.

    .venv/bin/python benchmarks/lesson_seeds.py notebooks/05_lenet.ipynb --seeds 5 -p LEARNING_RATE 0.01

The last line that the lesson's cell tagged "result" prints is JSON; what is printed here last are each key's median,
smallest and largest value.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path

import papermill
from tqdm import trange


def run(notebook: Path, parameters: dict[str, object]) -> dict[str, float]:
    """Execute a lesson and return what its cell tagged "result" printed."""
    with tempfile.TemporaryDirectory() as folder:
        done = papermill.execute_notebook(
            notebook, Path(folder) / notebook.name, parameters, cwd=notebook.parent, progress_bar=False
        )
    (cell,) = (cell for cell in done.cells if "result" in cell.metadata.get("tags", []))
    printed = "".join(output["text"] for output in cell.outputs if output.get("name") == "stdout")
    return json.loads(printed.splitlines()[-1])


def value(text: str) -> object:
    """Read a parameter as JSON where it is JSON, else as text."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a lesson with several seeds.")
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--seeds", type=int, default=5, help="run with the seeds 0 to SEEDS - 1 (default 5)")
    parser.add_argument(
        "-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="a lesson's parameter"
    )
    options = parser.parse_args()
    parameters = {name: value(text) for name, text in options.p}
    results = []
    for seed in trange(options.seeds, unit="run"):
        # The lesson's own threshold is for its own settings; here the figures are what is asked for.
        results.append(run(options.notebook, {"EXPECTED_ACCURACY": 0, **parameters, "SEED": seed}))
        print(f"seed {seed}: {json.dumps(results[-1])}", flush=True)
    for key in results[0]:
        values = [result[key] for result in results]
        print(f"{key}: median {statistics.median(values)}, {min(values)} to {max(values)} in {len(values)} runs")


if __name__ == "__main__":
    main()
