"""Layers from scratch: convolution, pooling, normalization, dropout (lessons 01 to 04)."""
