"""Where the ops of a DLC come from: nodes of the ONNX, and the modules and lines of the program that wrote it."""
