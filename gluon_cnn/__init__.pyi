# The public names and the modules that hold them; each is imported when it is first used.
from ._core.devices import try_all_gpus, try_gpu
from ._core.seeding import seed
from .data.augmentation import apply_aug_list
from .data.batches import Batches
from .data.datasets import load_data, load_data_fashion_mnist
from .data.fashion_mnist import fashion_mnist_labels
from .deploy.export import export_onnx, export_symbol
from .deploy.int8 import quantize
from .deploy.torch_weights import load_torch_state
from .layers.convolution import conv_output_size, corr2d, corr2d_multi_in_out
from .layers.dropout import dropout
from .layers.normalization import BatchNorm, batch_norm, pure_batch_norm
from .layers.pooling import pool2d
from .networks.alexnet import AlexNet
from .networks.densenet import DenseBlock, DenseNet, conv_block, transition_block
from .networks.efficientnet import efficientnet_lite0
from .networks.googlenet import GoogLeNet, Inception
from .networks.lenet import LeNet
from .networks.nin import NiN, mlpconv
from .networks.receptive_field import receptive_field
from .networks.resnet import ResBlk, Residual, ResNet
from .networks.summary import summary
from .networks.vgg import VGG, VGG11, VGG_NOTES, vgg_block
from .plots.grad_cam import show_grad_cam
from .plots.images import apply, show_images
from .training.fine_tuning import finetune
from .training.history import History
from .training.loop import train
from .training.metrics import evaluate_accuracy
from .training.prediction import five_crop_predict

__version__: str

__all__ = [
    "VGG",
    "VGG11",
    "VGG_NOTES",
    "AlexNet",
    "BatchNorm",
    "Batches",
    "DenseBlock",
    "DenseNet",
    "GoogLeNet",
    "History",
    "Inception",
    "LeNet",
    "NiN",
    "ResBlk",
    "ResNet",
    "Residual",
    "apply",
    "apply_aug_list",
    "batch_norm",
    "conv_block",
    "conv_output_size",
    "corr2d",
    "corr2d_multi_in_out",
    "dropout",
    "efficientnet_lite0",
    "evaluate_accuracy",
    "export_onnx",
    "export_symbol",
    "fashion_mnist_labels",
    "finetune",
    "five_crop_predict",
    "load_data",
    "load_data_fashion_mnist",
    "load_torch_state",
    "mlpconv",
    "pool2d",
    "pure_batch_norm",
    "quantize",
    "receptive_field",
    "seed",
    "show_grad_cam",
    "show_images",
    "summary",
    "train",
    "transition_block",
    "try_all_gpus",
    "try_gpu",
    "vgg_block",
]
