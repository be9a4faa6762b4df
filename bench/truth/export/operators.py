"""Import this before torchvision, which cannot be imported if its operators were built for a different torch.

The operators are missing then. No network of the catalogue uses them; those that the import looks up are declared here.
"""

from __future__ import annotations

import torch

try:
    import torchvision  # noqa: F401
except RuntimeError:
    DECLARED = torch.library.Library("torchvision", "DEF")
    """Kept alive: the declarations disappear with it."""
    for name in ("nms", "qnms"):
        DECLARED.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
