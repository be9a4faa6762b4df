"""The network as its author wrote it, read from the DLC: ops, attributes, tensors, and digests of the weights."""
