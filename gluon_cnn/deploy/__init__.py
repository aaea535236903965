"""Export to ONNX and MXNet symbols, quantization to 8-bit integers, and import of PyTorch weights."""
