"""`gluon_cnn.Batches`, and Gluon's DataLoader with mx.image's augmenters."""

import sys

import gluon_cnn as g
from gluon_cnn.data.transforms import Crop, Flip
from mxnet import gluon, image, nd
from turn import BATCH_SIZE, IMAGES, LABELS, SIZE, take

kind, _, seconds = sys.argv[1:]
if kind == "batches":
    batches = g.Batches(IMAGES, LABELS, BATCH_SIZE, shuffle=True, seed=0, transform=[Flip(), Crop(SIZE)])
else:
    augs = [image.HorizontalFlipAug(0.5), image.RandomCropAug((SIZE, SIZE))]

    def transform(img):
        return g.apply_aug_list(img, augs).transpose((2, 0, 1)) / 255

    data = gluon.data.ArrayDataset(nd.array(IMAGES.transpose(0, 2, 3, 1), dtype="uint8"), LABELS)
    batches = gluon.data.DataLoader(data.transform_first(transform), BATCH_SIZE, shuffle=True)
take(batches, lambda X: X.wait_to_read(), float(seconds))
