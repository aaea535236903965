"""Normalization constants of networks trained on ImageNet."""

# Mean and standard deviation of ImageNet's RGB images scaled to 0..1: subtract the first, divide by the second.
RGB_MEAN, RGB_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
