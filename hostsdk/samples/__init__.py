"""Sample networks: public topologies with seeded weights, 8-bit quantised, ready for snpe-onnx-to-dlc.

The weights are random but scaled on data, so that activations keep their spread through every layer: the networks do
the work of trained ones, and two implementations of the same network agree, which wildly scaled weights would not
allow.
"""
