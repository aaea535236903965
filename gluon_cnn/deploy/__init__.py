"""Ways out of Gluon: ONNX, symbols, 8-bit integers; and PyTorch weights on their way in."""
