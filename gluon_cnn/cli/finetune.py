"""gluon-cnn finetune: fine-tune a pretrained network on a folder of photos."""

import argparse

from gluon_cnn.cli.folders import RUNS, new_run_folder, refuse_taken, this_command
from gluon_cnn.experiments.files import REPORT
from gluon_cnn.experiments.transfer import transfer


def finetune(options: argparse.Namespace) -> int:
    refuse_taken(options.output, REPORT)
    names = ("resize", "validation", "num_epochs", "patience", "batch_size", "learning_rate", "random_seed", "broken")
    run = transfer(options.photos, **{name: vars(options)[name] for name in names})
    with new_run_folder(options.output, RUNS / "efficientnet-lite0") as folder:
        run.save(folder)
    print(f"Saved to {folder}; to use it: {this_command()} predict IMAGE --run {folder}")
    return 0
