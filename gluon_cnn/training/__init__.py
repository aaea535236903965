"""The training loop, its history and checkpoints, prediction, and fine-tuning."""
