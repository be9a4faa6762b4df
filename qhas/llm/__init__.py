"""Language models on the simulator, from their architecture alone: blocks are compiled, then scaled to the model."""
