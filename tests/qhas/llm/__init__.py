"""Language models by their architecture."""
