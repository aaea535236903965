"""From files or arrays to batches: Fashion-MNIST, image folders, augmentation.

What an image is on the way:

    a file               read_picture, read_folder    (C, H, W) uint8, 0..255; cropped to one size, never stretched
    all of a data set    Batches.images               (N, C, H, W) uint8, or floats as they were given
    a batch              for X, y in batches          (N, C, H, W) float32, bytes scaled to 0..1: what a network takes
    to be augmented      apply_aug_list, apply        (H, W, C) float32, 0..255, one image: what MXNet's augmenters take
    a photo              photos.picture, mx.image     (H, W, C) uint8, 0..255

Only between augmentation and a network does a layout change: ``img.transpose((2, 0, 1)) / 255``. `show_images` draws
images of either layout.
"""
