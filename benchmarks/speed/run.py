"""Time the course's networks against PyTorch, or against themselves with other settings.

    make bench
    .venv/bin/python benchmarks/speed/run.py --networks lenet resnet --contenders ours imperative half_the_cores

Each contender has a process of its own. They take turns: one computes while the others sleep. Each round gives one
ratio; medians and quartiles are over the rounds: a machine that gets slower does not favour anybody. One process
can be some percent faster than another of the same program, so all are started several times. All start from the same
weights, and what they predict is compared before anything is timed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from gluon_cnn._core.startup import available_cores
from tqdm import tqdm

HERE = Path(__file__).resolve().parent
OTHERS = HERE.parents[1] / "build" / "bench"  # what make bench installs
SIZES = {  # pixels of a side, images in a batch
    "lenet": (28, 64),
    "alexnet": (224, 32),
    "vgg": (96, 32),
    "nin": (224, 32),
    "googlenet": (96, 32),
    "resnet": (96, 32),
    "densenet": (96, 32),
}
SAME = 1e-3  # largest difference of two outputs, as a share of the largest output
WIDEST = 0.2  # distance of a ratio's quartiles, as a share of its median
NOISY = "too noisy: measure again"
PAUSE = 0.3  # seconds after which a contender's threads have gone to sleep


@dataclass(frozen=True)
class Contender:
    """A framework with settings of the worker and of its environment."""

    worker: str = "mxnet"
    settings: dict = field(default_factory=dict)
    environment: dict = field(default_factory=dict)
    tasks: tuple[str, ...] = ("train", "predict")
    exact: bool = True  # whether it has to predict the same


CORES = available_cores()
LEFT_ALONE = str(max(1, (os.cpu_count() or 1) // 2))  # threads that MXNet takes by itself
CONTENDERS = {
    "ours": Contender(),
    "pytorch": Contender("torch", {"threads": CORES}),
    "pytorch_last": Contender("torch", {"threads": CORES, "channels_last": True}),
    "onnxruntime": Contender("torch", {"threads": CORES, "onnx": True}, tasks=("predict",)),
    "int8": Contender(settings={"int8": True}, tasks=("predict",), exact=False),
    "fused": Contender(settings={"fused": True}, tasks=("predict",)),
    "notes": Contender(
        settings={"hybridize": False, "loop": "notes"},
        environment={"OMP_NUM_THREADS": LEFT_ALONE, "MXNET_OPTIMIZER_AGGREGATION_SIZE": "4"},
    ),
    # one lever taken away from ours, or added to it
    "imperative": Contender(settings={"hybridize": False}),
    "half_the_cores": Contender(environment={"OMP_NUM_THREADS": LEFT_ALONE}),
    "callers_team": Contender(settings={"callers_team": True}, environment={"MXNET_CPU_PARALLEL_SIZE": "200000"}),
    "plain_channels": Contender(settings={"block": 1}),
    "blocks_of_16": Contender(settings={"block": 16}),
}


class Worker:
    """A contender's process."""

    def __init__(self, contender: Contender, torch_python: str) -> None:
        python = torch_python if contender.worker == "torch" else sys.executable
        environment = {**os.environ, **contender.environment}
        if contender.worker == "torch":
            environment.pop("OMP_NUM_THREADS", None)
        self.process = subprocess.Popen(
            [python, str(HERE / f"{contender.worker}_worker.py"), json.dumps(contender.settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def ask(self, do: str, **arguments):
        self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"a worker ended during {do!r}; what it said is above")
        return json.loads(answer)

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def measure(
    network: str, names: list[str], options: argparse.Namespace, bar: tqdm
) -> dict[str, dict[str, list[float] | float]]:
    """Return for each contender its images a second in each round, of each task, and its peak memory in MB."""
    side, batch_size = SIZES[network]
    side, batch_size = options.side or side, options.batch_size or batch_size
    with tempfile.TemporaryDirectory() as folder:
        weights = str(Path(folder) / "weights.npz")
        workers, reference, flops = {}, None, 0
        try:
            for k, name in enumerate(names):
                bar.set_description(f"{network}: {name}")
                workers[name] = Worker(CONTENDERS[name], options.torch_python)
                first = k == 0
                about = workers[name].ask(
                    "make",
                    network=network,
                    side=side,
                    batch_size=batch_size,
                    weights=weights if first or CONTENDERS[name].worker == "torch" else "",
                )
                file = str(Path(folder) / f"{name}.npy")
                workers[name].ask("outputs", file=file)
                outputs = np.load(file)
                reference = outputs if first else reference
                if CONTENDERS[name].exact and np.abs(outputs - reference).max() > SAME * np.abs(reference).max():
                    raise RuntimeError(f"{network}: {name} predicts something else than {names[0]}")
                flops = about["flops"] if first else flops
            found: dict = {name: {"flops": flops} for name in names}
            for task in options.tasks:
                able = [name for name in names if task in CONTENDERS[name].tasks]
                rates: dict[str, list[float]] = {name: [] for name in able}
                gemm, steps = [], {}
                for name in able:  # warm up, and find out how many steps take as long as asked for
                    workers[name].ask(task, steps=2)
                    rate = workers[name].ask(task, steps=3)
                    steps[name] = max(2, round(options.seconds * rate / batch_size))
                for _ in range(options.rounds):
                    time.sleep(PAUSE)
                    gemm.append(workers[names[0]].ask("sgemm"))
                    for name in able:
                        time.sleep(PAUSE)
                        rates[name].append(workers[name].ask(task, steps=steps[name]))
                    able = able[1:] + able[:1]  # nobody always comes first
                    bar.update()
                for name in able:
                    found[name][task] = rates[name]
                found[names[0]][f"sgemm, {task}"] = gemm
            for name in names:
                found[name]["peak"] = workers[name].ask("peak")
        finally:
            for worker in workers.values():
                worker.end()
    return found


def quartiles(values: list[float]) -> tuple[float, float, float]:
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else 3 * values
    return low, middle, high


def ratio(values: list[float], others: list[float]) -> str:
    """Return the median of the rounds' ratios with their quartiles, if these are close enough to mean anything."""
    low, middle, high = quartiles([a / b for a, b in zip(values, others)])
    return f"{middle:.2f} ({low:.2f}-{high:.2f})" if high - low <= WIDEST * middle else NOISY


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the CPU's name and which of the instruction sets that matter here it has."""
    text = cpuinfo.read_text()
    names = (line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name"))
    name = next(names, platform.machine())  # Arm's list has no names
    has = [flag for flag in ("avx2", "avx512f", "avx512_vnni") if flag in text.split()]
    return f"{name} with {', '.join(has) or 'none of AVX2 and AVX-512'}"


def report(found: dict, names: list[str], task: str) -> str:
    """Return a table of one task: rates, ratios of the first contender to the others, what the first makes of sgemm."""
    names = [name for name in names if task in CONTENDERS[name].tasks]
    first, *others = names
    rows: list[list[str]] = []
    medians: dict[str, list[float]] = {name: [] for name in others}
    for network, contenders in found.items():
        row = [network, *(f"{statistics.median(contenders[name][task]):,.0f}" for name in names)]
        for name in others:
            row.append(ratio(contenders[first][task], contenders[name][task]))
            if row[-1] != NOISY:
                medians[name].append(float(row[-1].split()[0]))
        rate, sgemm = (statistics.median(contenders[first][key]) for key in (task, f"sgemm, {task}"))
        work = contenders[first]["flops"][0] * (3 if task == "train" else 1)  # gradients of inputs and of weights
        row.append(f"{rate * work / (sgemm * 1e9):.0%}")
        rows.append([*row, *(f"{max(contenders[name]['peak']):,.0f}" for name in names)])
    means = [
        f"{statistics.geometric_mean(medians[name]):.2f}" if len(medians[name]) == len(found) else "" for name in others
    ]
    rows.append(["geometric mean", *[""] * len(names), *means, *[""] * (len(names) + 1)])
    ratios = [f"{first} / {name}" for name in others]
    header = ["network", *names, *ratios, f"{first}, of sgemm", *(f"{name}, MB" for name in names)]
    return table(header, rows)


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--networks", nargs="+", choices=SIZES, default=list(SIZES), metavar="NETWORK")
    parser.add_argument(
        "--contenders",
        nargs="+",
        choices=CONTENDERS,
        default=["ours", "pytorch", "pytorch_last"],
        metavar="NAME",
        help=f"the first is compared with the others; of {', '.join(CONTENDERS)}",
    )
    parser.add_argument("--tasks", nargs="+", choices=["train", "predict"], default=["train", "predict"])
    parser.add_argument("--launches", type=int, default=2, help="how often to start the processes")
    parser.add_argument("--rounds", type=int, default=3, help="of turns in each launch")
    parser.add_argument("--seconds", type=float, default=0.5, help="of one turn")
    parser.add_argument("--side", type=int, help="pixels, instead of each network's own")
    parser.add_argument("--batch-size", type=int, help="images, instead of each network's own")
    parser.add_argument("--torch-python", default=str(OTHERS / "bin" / "python"), help="the Python that has PyTorch")
    parser.add_argument("--output", type=Path, default=Path("build/speed.json"), help="all that was measured")
    options = parser.parse_args()
    first = CONTENDERS[options.contenders[0]]
    if first.worker != "mxnet":
        parser.error("the first contender has to be one of mxnet: it draws the weights for all")
    if not set(options.tasks) <= set(first.tasks):
        parser.error(f"the first contender has to be able to do all tasks; {options.contenders[0]} cannot")
    chosen = [CONTENDERS[name] for name in options.contenders]
    if any(c.worker == "torch" for c in chosen) and not Path(options.torch_python).exists():
        parser.error(f"there is no {options.torch_python}: make bench installs it")
    found: dict = {}
    total = len(options.networks) * len(options.tasks) * options.launches * options.rounds
    with tqdm(total=total, unit="round") as bar:
        for network in options.networks:
            found[network] = {name: {} for name in options.contenders}
            for _ in range(options.launches):
                for name, values in measure(network, options.contenders, options, bar).items():
                    for key, value in values.items():
                        found[network][name].setdefault(key, []).extend(value if isinstance(value, list) else [value])
            options.output.parent.mkdir(parents=True, exist_ok=True)
            options.output.write_text(json.dumps(found, indent=1))
    rounds = f"{options.launches} x {options.rounds} rounds"
    print(f"images a second; ratios: median (quartiles) of {rounds}; {CORES} cores of {processor()}")
    for task in options.tasks:
        print(f"\n{task}\n\n{report(found, options.contenders, task)}")


if __name__ == "__main__":
    main()
