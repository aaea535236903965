"""Checks for the exercises of lesson 13, fine-tuning."""

from gluon_cnn.course.answers import IncorrectAnswer, equals, exercise, is_close, number
from gluon_cnn.training.fine_tuning import freeze
from mxnet import nd
from mxnet.gluon import nn

check_1 = exercise(
    1, "only the new layer, Dense(512 -> 2), learns: its weights and its biases.", "512 * 2 + 2, of eleven million."
)(equals(512 * 2 + 2))

check_2 = exercise(
    2,
    "the layer's lr_mult multiplies the trainer's learning rate.",
    "0.005 * 4. The feature layers change four times more slowly, so that little of what they learned is lost.",
)(is_close(0.02, rel_tol=1e-6))


@exercise(
    3,
    'in net.collect_params().values(), grad_req is "null" where training changes nothing; np.prod(p.shape) counts '
    "the values of p.",
    "Batch norm's moving averages are parameters, too, but no trainer changes them.",
)
def check_3(trainable):
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, 3), nn.BatchNorm(), nn.Dense(5))
    net.initialize()
    net(nd.zeros((1, 2, 6, 6)))
    convolution, norm, dense = 4 * 2 * 9 + 4, 2 * 4, 5 * 4 * 16 + 5
    for frozen, expected in ((False, convolution + norm + dense), (True, dense)):
        freeze(net[:2], frozen)
        got = trainable(net)
        if number(got, "what it returned") != expected:
            state = "convolution and batch norm frozen" if frozen else "nothing frozen"
            raise IncorrectAnswer(f"it counted {got} with {state}, expected {expected}")
    return True
