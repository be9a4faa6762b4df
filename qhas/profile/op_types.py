"""Op types of networks as QHAS files name them: the operations that QNN defines (QnnOpDef.h, QAIRT 2.51)."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_ELEMENT_WISE = (
    "Abs Add And Asin Atan Binary Ceil Cos Divide Equal Exp Floor FloorDiv Fmod Greater GreaterEqual Less LessEqual "
    "Log Maximum Minimum Mod Multiply Neg Neuron Not NotEqual Or Power Round Rsqrt Select Sign Sin Softplus "
    "SquaredDifference SquareRoot Subtract Unary Xor"
)
_OTHERS = (
    "Argmax Argmin AxisAlignedBboxTransform Batchnorm BatchPermutation BatchToSpace BboxTransform BoxWithNmsLimit "
    "Buffer Cast ChannelShuffle Col2Im CollectRpnProposals CombinedNms Concat Conv1d Conv2d Conv3d Convert "
    "Correlation1D CreateSparse CropAndResize CumulativeSum DepthToSpace DepthWiseConv1d DepthWiseConv2d Dequantize "
    "DetectionOutput DistributeFpnProposals Elu ExpandDims ExtractGlimpse ExtractPatches FullyConnected Gather "
    "GatherElements GatherNd Gelu GenerateProposals GetSparseIndices GetSparseValues GridSample GroupNorm Gru "
    "HardSwish HeatMapMaxKeyPoint If Im2Col ImageProjectionTransform InstanceNorm L2Norm L2Pool2d LayerNorm LogSoftmax "
    "Lrn Lstm MaskedSoftmax MatMul Moments MultiClassNms Nonmaxsuppression NonZero Nv12ToRgb Nv21ToRgb OneHot Pack "
    "Pad PoolAvg2d PoolAvg3d PoolMax2d PoolMax3d Prelu Quantize RandomUniformLike ReduceMax ReduceMean ReduceMin "
    "ReduceProd ReduceSum ReduceSumSquare Relu Relu1 Relu6 ReluMinMax Reshape Resize ResizeBilinear "
    "ResizeNearestNeighbor RmsNorm RoiAlign RoiPooling RolledBuffer ScatterElements ScatterNd Shape Sigmoid Softmax "
    "SpaceToBatch SpaceToDepth SparseToDense Split Squeeze StatefulGru StatefulLstm StridedSlice Tanh Tile TopK "
    "Transpose TransposeConv1d TransposeConv2d TransposeConv3d UnPack"
)
QNN_OP_TYPES = frozenset({*_OTHERS.split(), *(f"ElementWise{kind}" for kind in _ELEMENT_WISE.split())})


def near_miss(name: str, known: Iterable[str] = QNN_OP_TYPES) -> str | None:
    """Return the type that `name` was probably meant to be; None if it is a type itself, or none is close."""
    types = {_letters(kind): kind for kind in sorted(known)}
    if name in types.values():
        return None
    near = get_close_matches(_letters(name), types, n=1, cutoff=0.85)
    return types[near[0]] if near else None


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()
