"""What an op does is recognised by whole words in its name."""

from __future__ import annotations

import pytest

from qhas.report.families import family_of

FAMILIES = {
    "depthwise": "DepthWiseConv2d DepthWiseConv1d depthwise_conv",
    "conv": "Conv2d Conv3d TransposeConv2d conv2d ConvTranspose MyPackage::Conv_v2",
    "matmul": "MatMul FullyConnected Gemm Lstm LSTM Gru ScaledDotProductAttention",
    "norm": "Softmax LogSoftmax MaskedSoftmax Batchnorm LayerNorm RmsNorm L2Norm GroupNorm InstanceNorm Lrn",
    "pool": "PoolAvg2d PoolMax3d L2Pool2d RoiPooling ReduceSum ReduceMean Argmax Argmin TopK CumulativeSum",
    "convert": "Quantize Dequantize Convert Cast",
    "resize": "Resize ResizeBilinear CropAndResize GridSample RoiAlign",
    "move": "Concat Split Reshape Transpose StridedSlice GatherNd ScatterElements Pad Tile Pack UnPack DepthToSpace "
    "SpaceToBatch BatchToSpace ExpandDims ChannelShuffle BatchPermutation Squeeze",
    "elementwise": "ElementWiseAdd ElementWiseBinary ElementWiseNeuron ElementWiseSoftplus Relu Relu6 ReluMinMax Prelu "
    "Sigmoid Tanh HardSwish Gelu Elu ExampleOpPackage::Relu6",
    "io": "Input Output",
    "other": "GdnSolvePackage::GdnSolve HmxMatMulPhase3Package::BbbKMajor MultiClassNms CombinedNms NonMaxSuppression "
    "DetectionOutput OneHot Nv12ToRgb Buffer Address Padawan Addendum SplitterPackage::Solve Multinomial Compound "
    "SystemService_ChunkPreload Subtitle::",
}


@pytest.mark.parametrize(
    ("family", "op_type"), [(family, op) for family, ops in FAMILIES.items() for op in ops.split()]
)
def test_an_op_has_the_family_of_its_words(family: str, op_type: str) -> None:
    assert family_of(op_type).name == family


def test_an_op_without_a_name_is_another_op() -> None:
    assert family_of("").name == "other"
