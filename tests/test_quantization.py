"""Networks that predict with 8-bit integers."""

import json

import gluon_cnn as g
import mxnet as mx
import numpy as np
import pytest
from gluon_cnn import cli, experiment


@pytest.fixture(scope="module")
def run():
    return experiment.experiment("lenet", num_epochs=3, learning_rate=0.02, momentum=0.9, ctx=mx.cpu(), verbose=False)


def operators(net):
    return {node["op"] for node in json.loads(net(mx.sym.var("data")).tojson())["nodes"]}


def test_predicts_what_the_floats_predict(run):
    small = run.quantize()
    assert "_contrib_quantize_v2" in operators(small.net)
    test = run.test_pictures()
    floats, integers = (experiment.predict(test, net)[1] for net in (run.net, small.net))
    assert (floats.argmax(axis=1) == integers.argmax(axis=1)).mean() > 0.97
    assert np.abs(floats - integers).max() > 0  # it does compute with fewer bits
    assert g.evaluate_accuracy(test, small.net) == pytest.approx(run.history.test_accuracy[-1], abs=0.01)


def test_is_kept_and_found_again(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run.save(tmp_path / "runs" / "lenet")
    assert cli.main(["quantize", "--run", "runs/lenet"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split(" test accuracy ")[0].strip() for line in printed[:2]] == ["32-bit floats", "8-bit integers"]
    assert printed[2] == "Kept in runs/lenet-int8"
    again = experiment.Run.load("runs/lenet-int8")
    accuracy = g.evaluate_accuracy(run.test_pictures(), again.net)
    assert f"{accuracy:.4f}" in printed[1]
    assert cli.main(["evaluate", "--run", "runs/lenet-int8"]) == 0
    assert f"{accuracy:.4f}" in capsys.readouterr().out
    with pytest.raises(ValueError, match="this network computes with 8-bit integers already"):
        again.quantize()
    assert cli.main(["quantize", "--run", "runs/lenet-int8"]) == 1
    (tmp_path / "runs" / "lenet-int8" / "network-symbol.json").write_text("{")
    with pytest.raises(ValueError, match="damaged"):
        experiment.Run.load("runs/lenet-int8")


def test_refuses_what_it_cannot_learn_ranges_from(run):
    with pytest.raises(ValueError, match="pictures gave no batch: pass batches of training pictures"):
        g.quantize(run.net, [])
    with pytest.raises(ValueError, match="num_batches"):
        g.quantize(run.net, run.test_pictures(), num_batches=0)
    with pytest.raises(TypeError, match=r"each batch must be a pair \(X, y\); got NDArray"):
        g.quantize(run.net, [mx.nd.zeros((2, 1, 28, 28))])
