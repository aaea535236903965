"""What networks trained on ImageNet expect of an image."""

# Mean and standard deviation of ImageNet's photos, red, green and blue in 0..1: images minus the one, divided by the
# other.
RGB_MEAN, RGB_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
