"""Convolutional networks by hand in MXNet/Gluon: the package behind the course."""

from gluon_cnn import _runtime  # before anything of mxnet

__version__ = "0.1.0"

if _runtime.mxnet_problem is None:
    from gluon_cnn.augmentation import apply, apply_aug_list, five_crop_predict
    from gluon_cnn.batches import Batches
    from gluon_cnn.context import try_all_gpus, try_gpu
    from gluon_cnn.convolution import conv_output_size, corr2d, corr2d_multi_in_out, receptive_field
    from gluon_cnn.datasets import fashion_mnist_labels, load_data, load_data_fashion_mnist
    from gluon_cnn.dropout import dropout
    from gluon_cnn.export import export_onnx, export_symbol
    from gluon_cnn.fine_tuning import finetune
    from gluon_cnn.from_torch import load_torch_state
    from gluon_cnn.networks.alexnet import AlexNet
    from gluon_cnn.networks.densenet import DenseBlock, DenseNet, conv_block, transition_block
    from gluon_cnn.networks.googlenet import GoogLeNet, Inception
    from gluon_cnn.networks.lenet import LeNet
    from gluon_cnn.networks.nin import NiN, mlpconv
    from gluon_cnn.networks.resnet import ResBlk, Residual, ResNet
    from gluon_cnn.networks.vgg import VGG, VGG11, VGG_NOTES, vgg_block
    from gluon_cnn.normalization import BatchNorm, batch_norm, pure_batch_norm
    from gluon_cnn.plotting import show_images
    from gluon_cnn.pooling import pool2d
    from gluon_cnn.quantization import quantize
    from gluon_cnn.summary import summary
    from gluon_cnn.training import History, evaluate_accuracy, seed, train
else:
    globals()["__getattr__"] = _runtime.refuse

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
    "show_images",
    "summary",
    "train",
    "transition_block",
    "try_all_gpus",
    "try_gpu",
    "vgg_block",
]
