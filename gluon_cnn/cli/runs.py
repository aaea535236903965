"""gluon-cnn evaluate, explain, predict, quantize and export."""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from gluon_cnn._core.checks import check_int
from gluon_cnn._core.files import make_folder
from gluon_cnn.cli.folders import load_run, new_run_folder, refuse_existing, run_folder
from gluon_cnn.cli.networks import network_and_shape
from gluon_cnn.deploy.export import export_onnx, export_symbol
from gluon_cnn.experiments.choices import choose
from gluon_cnn.experiments.files import REPORT
from gluon_cnn.experiments.run import FEW_IMAGES
from gluon_cnn.networks.loading import load_weights
from gluon_cnn.plots.grad_cam import show_grad_cam
from gluon_cnn.plots.predictions import plot_confusion, show_mistakes
from gluon_cnn.plots.style import plot_with_fallback
from gluon_cnn.training.metrics import evaluate_accuracy
from gluon_cnn.training.prediction import predict_batches


def evaluate(options: argparse.Namespace) -> int:
    run = load_run(options)
    test = run.test_images(options.dataset, options.broken)
    labels, probabilities = predict_batches(test, run.fused())
    predicted = probabilities.argmax(axis=1)
    right = predicted == labels
    print(f"{'':<20} correct of images recall  precision  F1")
    for number, name in enumerate(run.classes):
        correct, images, named = right[labels == number].sum(), (labels == number).sum(), (predicted == number).sum()
        ratios = (correct, images), (correct, named), (2 * correct, images + named)
        recall, precision, f1 = (f"{a / b:.3f}" if b else "-" for a, b in ratios)
        print(f"{name:<20} {correct:>7} of {images:<6} {recall:<7} {precision:<10} {f1}")
    print(f"{'test accuracy':<20} {right.sum():>7} of {right.size:<6} {right.mean():.4f}")
    if options.confusion is not None:
        plot_with_fallback(lambda file: plot_confusion(labels, probabilities, run.classes, file), options.confusion)
        print(f"Confusion matrix: {options.confusion}")
    if options.mistakes is not None and right.all():
        print("There are no mistakes to draw")
    elif options.mistakes is not None:
        arguments = (test, labels, probabilities, run.classes)
        plot_with_fallback(lambda file: show_mistakes(*arguments, images=test.images, file=file), options.mistakes)
        print(f"Most confident mistakes: {options.mistakes}")
    return 0


def explain(options: argparse.Namespace) -> int:
    run = load_run(options)
    output = options.output or Path(f"{options.image.stem}-explained.png")
    numbers = {name: k for k, name in enumerate(run.classes)}
    label = None if options.label is None else [choose("class", options.label, numbers)]
    images, X = run.read([options.image])
    plot_with_fallback(lambda file: show_grad_cam(run.net, X, run.classes, label, images, file), output)
    print(f"Saved to {output}")
    return 0


def predict(options: argparse.Namespace) -> int:
    top = check_int("--top", options.top, 1)
    run = load_run(options)
    if len(options.images) > FEW_IMAGES:
        run = replace(run, net=run.fused())
    failed = 0
    for path in options.images:
        try:
            (probabilities,) = run.predict([path])
        except OSError as error:  # the other images may be valid
            print(f"gluon-cnn predict: {error}", file=sys.stderr)
            failed = 1
            continue
        best = probabilities.argsort()[::-1][:top]
        print(f"{path}: {', '.join(f'{run.classes[k]} {probabilities[k]:.1%}' for k in best)}")
    return failed


def quantize(options: argparse.Namespace) -> int:
    source = run_folder(options)
    run = load_run(options, source)
    named = source if source.name.strip(".") else Path(os.path.realpath(source))
    refuse_existing(options.output, REPORT)
    test, small = run.test_images(), run.quantize()
    with new_run_folder(options.output, named.with_name(f"{named.name}-int8")) as folder:
        for name, net in (("32-bit floats", run.fused()), ("8-bit integers", small.net)):
            evaluate_accuracy([next(iter(test))], net)  # warm-up
            start = time.perf_counter()
            accuracy = evaluate_accuracy(test, net)
            rate = len(test.labels) / (time.perf_counter() - start)
            print(f"{name:<15} test accuracy {accuracy:.4f}, {rate:,.0f} images per second")
        small.save(folder)
    print(f"Saved to {folder}")
    return 0


def export(options: argparse.Namespace) -> int:
    shape: tuple[int, ...]
    metadata: dict[str, str] = {}
    if options.network is None:
        source = run_folder(options)
        run = load_run(options, source)
        net, shape, name = run.net, (1, *run.input_shape), Path(os.path.realpath(source)).name
        metadata = run.onnx_metadata()
    elif options.parameters is None:
        raise ValueError(f"pass the file of {options.network}'s parameters, too: gluon-cnn export NETWORK PARAMS")
    else:
        net, shape = network_and_shape(options)
        load_weights(net, options.parameters)
        name = options.network
    if options.output is not None:
        make_folder(Path(options.output).parent)
    if options.format == "onnx":
        print(f"Saved to {export_onnx(net, options.output or f'{name}.onnx', shape, metadata)}")
    else:
        print("Saved to {} and {}".format(*export_symbol(net, options.output or name, shape)))
    return 0
