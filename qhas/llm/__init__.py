"""Language models on the simulator, by their architecture alone: blocks are compiled, and scaled to the whole model."""
