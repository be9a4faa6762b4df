"""Where a network loses its accuracy: each of its layers on the emulator, compared with ONNX Runtime."""
