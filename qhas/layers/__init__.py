"""Where a network loses its accuracy: each of its layers on the emulator against ONNX Runtime."""
