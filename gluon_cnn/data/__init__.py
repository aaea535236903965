"""From files or arrays to batches: Fashion-MNIST, image folders, augmentation.

Forms of an image along the way:

    from a file          read_image, read_folder      (C, H, W) uint8, 0..255; cropped to one size, never stretched
    in a data set        Batches.images               (N, C, H, W) uint8, or floats as given
    in a batch           for X, y in batches          (N, C, H, W) float32, bytes scaled to 0..1: a network's input
    for augmentation     apply_aug_list, apply        (H, W, C) float32, 0..255, one image: MXNet's augmenters' input
    a photo              photos.load_photo, mx.image  (H, W, C) uint8, 0..255

The layout changes only between augmentation and a network: ``img.transpose((2, 0, 1)) / 255``. `show_images` accepts
either layout.
"""
