"""From files or arrays to batches: Fashion-MNIST, image folders, augmentation."""
