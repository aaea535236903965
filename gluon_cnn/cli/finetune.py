"""gluon-cnn finetune: fine-tune a pretrained network on a folder of photos."""

import argparse

from gluon_cnn.cli.folders import RUNS, new_run_folder, refuse_existing, tell_saved
from gluon_cnn.cli.options import settings_from
from gluon_cnn.experiments.files import REPORT
from gluon_cnn.experiments.transfer import transfer


def finetune(options: argparse.Namespace) -> int:
    refuse_existing(options.output, REPORT)
    run = transfer(options.photos, **settings_from(options))
    if not len(run.history):  # Ctrl-C in the first epoch
        print("Nothing was saved")
        return 130
    with new_run_folder(options.output, RUNS / options.network.replace(":", "-")) as folder:
        run.save(folder)
    tell_saved(folder, options.network)
    return 0
