"""Tell where the time of a training step goes, operator by operator.

    .venv/bin/python benchmarks/speed/operators.py lenet

mxnet's own profiler counts them. Operators of one step run one after the other, each on all cores.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import gluon_cnn as g
from gluon_cnn.networks.registry import NETWORKS
from mxnet import autograd, gluon, init, nd, profiler
from run import SIZES, table

WARM_UP = 3  # steps


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("network", choices=SIZES, metavar="NETWORK")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--top", type=int, default=10, help="rows of the table")
    options = parser.parse_args()
    side, batch_size = SIZES[options.network]
    g.seed(0)
    net = NETWORKS[options.network](num_classes=10)
    net.initialize(init.Xavier())
    net.hybridize(static_alloc=True)
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    loss.hybridize(static_alloc=True)
    X = nd.random.uniform(shape=(batch_size, 1, side, side))
    y = nd.random.randint(0, 10, shape=(batch_size,))
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01})

    def train(steps: int) -> None:
        for _ in range(steps):
            with autograd.record():
                value = loss(net(X), y)
            value.backward()
            trainer.step(batch_size)
        nd.waitall()

    train(WARM_UP)
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "profile.json")
        profiler.set_config(profile_symbolic=True, profile_imperative=True, aggregate_stats=True, filename=file)
        profiler.set_state("run")
        train(options.steps)
        profiler.set_state("stop")
        operators = json.loads(profiler.dumps(format="json"))["Time"]["operator"]
    total = sum(values["Total"] for values in operators.values())
    rows = sorted(operators.items(), key=lambda item: -item[1]["Total"])[: options.top]
    print(f"{total / options.steps:.1f} ms a step\n")
    cells = [
        [name, f"{v['Count'] / options.steps:.0f}", f"{v['Total'] / options.steps:.2f}", f"{v['Total'] / total:.0%}"]
        for name, v in rows
    ]
    print(table(["operator", "times a step", "ms", "of all"], cells))


if __name__ == "__main__":
    main()
