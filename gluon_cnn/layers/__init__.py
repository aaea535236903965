"""Layers by hand: convolution, pooling, normalization, dropout (lessons 01 to 04)."""
