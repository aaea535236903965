"""torchvision's v2 transforms in PyTorch's DataLoader."""

import sys

import torch
from torchvision.transforms import v2
from turn import BATCH_SIZE, IMAGES, LABELS, SIZE, take

_, workers, seconds = sys.argv[1:]
images = torch.from_numpy(IMAGES)
transform = v2.Compose([v2.RandomHorizontalFlip(), v2.RandomCrop(SIZE), v2.ToDtype(torch.float32, scale=True)])


class Augmented(torch.utils.data.Dataset):
    def __len__(self):
        return len(images)

    def __getitem__(self, index):
        return transform(images[index]), int(LABELS[index])


keep = {"num_workers": int(workers), "persistent_workers": int(workers) > 0}
take(torch.utils.data.DataLoader(Augmented(), BATCH_SIZE, shuffle=True, **keep), len, float(seconds))
