"""Train the course's LeNet in PyTorch as its users do, until the test accuracy reaches a target.

    python benchmarks/speed/torch_result.py FOLDER TARGET THREADS SEED

FOLDER holds the files of Fashion-MNIST, as torchvision expects them. Prints the accuracy.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import torch
from torch import nn
from torch.utils.data import DataLoader
from torch_networks import NETWORKS
from torchvision import datasets, transforms

EPOCHS = 20  # at most


def main(folder: str, target: float, threads: int, seed: int) -> None:
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    train_set, test_set = (datasets.FashionMNIST(folder, train, transforms.ToTensor()) for train in (True, False))
    train_data, test_data = DataLoader(train_set, batch_size=64, shuffle=True), DataLoader(test_set, batch_size=1000)
    net, loss = NETWORKS["lenet"](), nn.CrossEntropyLoss()
    net(next(iter(test_data))[0])  # gives the dense layers their shapes
    optimizer = torch.optim.Adam(net.parameters(), lr=0.001)
    for _ in range(EPOCHS):
        net.train()
        for X, y in train_data:
            optimizer.zero_grad()
            loss(net(X), y).backward()
            optimizer.step()
        net.eval()
        with torch.inference_mode():
            correct = sum((net(X).argmax(dim=1) == y).sum().item() for X, y in test_data)
        accuracy = correct / len(test_set)
        if accuracy >= target:
            break
    print(accuracy)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
