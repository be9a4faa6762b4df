"""Import this before torchvision: where its operators were built for another torch they are missing, and it cannot be imported.

No network of the catalogue uses them; those that the import asks for are declared.
"""

from __future__ import annotations

import torch

try:
    import torchvision  # noqa: F401
except RuntimeError:
    DECLARED = torch.library.Library("torchvision", "DEF")
    """Kept: with it the declaration goes."""
    for name in ("nms", "qnms"):
        DECLARED.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
