"""The training loop, its history and checkpoints, prediction, fine-tuning."""
