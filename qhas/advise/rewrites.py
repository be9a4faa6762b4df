"""The table of rewrites, with their sources. Each is algebraically exact, up to the rounding of floats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qhas.advise import channels, convolutions, elementwise, layout, pools, quantised
from qhas.advise.hard_swish import hard_swish
from qhas.advise.onnx_graph import OnnxGraph


@dataclass(frozen=True)
class Rewrite:
    """A change of form. `apply` changes a network in place and returns the number of places, 0 if there are none.

    `sentence` is what is done; `source` says why it may help, or where that was found; `interface` is what the
    application then has to do differently, empty if it notices nothing.
    """

    name: str
    sentence: str
    source: str
    apply: Callable[[OnnxGraph], int]
    interface: str = ""


REWRITES = (
    Rewrite(
        "quantised-input",
        "inputs that the network quantises first are passed as integers",
        "quantising a channel-first image occupies one HVX thread for a large part of a small network's time",
        quantised.quantised_inputs,
        interface="inputs are passed quantised, with the scale and zero point of the network's own QuantizeLinear",
    ),
    Rewrite(
        "quantised-output",
        "outputs that the network dequantises last are returned as integers",
        "a float output has four times the bytes, and dequantising runs on HVX",
        quantised.quantised_outputs,
        interface="outputs are returned quantised, with the scale and zero point of the network's own DequantizeLinear",
    ),
    Rewrite(
        "channel-last-input",
        "channel-first images are passed channel-last, with a Transpose as the first node",
        "latencies of both layouts on devices (docs/truth.md); Qualcomm's converter does so by default",
        layout.channel_last_inputs,
        interface="images are passed channel-last",
    ),
    Rewrite(
        "fold-transposes",
        "two consecutive Transposes become one, or none if they undo each other",
        "each Transpose copies the tensor, on one HVX thread or more",
        layout.fold_transposes,
    ),
    Rewrite(
        "matmul-for-gemm-chain",
        "Reshape, Gemm, Reshape becomes MatMul and Add",
        "onnxsim writes this chain, up to 4 times slower on the HTP (docs/truth.md)",
        layout.matmul_for_gemm_chains,
    ),
    Rewrite(
        "shuffle-as-convolution",
        "a channel shuffle (Reshape, Transpose, Reshape) becomes a 1x1 convolution with a permutation",
        "shuffles run on HVX, convolutions on HMX",
        convolutions.shuffle_as_convolution,
    ),
    Rewrite(
        "dense-for-grouped",
        "a grouped convolution becomes a dense one with zeros between its groups",
        "HMX works on 32 channels at once; smaller groups leave most of it idle",
        convolutions.dense_for_grouped,
    ),
    Rewrite(
        "dense-for-depthwise",
        "a depthwise convolution with a kernel of 5 or more, or a dilated one, becomes a dense one with zeros",
        "depthwise convolutions use a small part of HMX, and less the larger their kernels",
        convolutions.dense_for_depthwise,
    ),
    Rewrite(
        "zeros-for-dilation",
        "a dilated convolution becomes one with zeros between its taps",
        "where the library has no kernel for it, dilation splits the image apart and reassembles it",
        convolutions.zeros_for_dilation,
    ),
    Rewrite(
        "split-concat",
        "a convolution over concatenated channels becomes a convolution of each part, then their sum",
        "a Concat copies all its parts, in DRAM if they do not fit into VTCM together",
        convolutions.split_concat,
    ),
    Rewrite(
        "flatten-concats",
        "a Concat of Concats becomes one",
        "each Concat is a copy",
        layout.flatten_concats,
    ),
    Rewrite(
        "convolution-for-lrn",
        "a local response normalisation becomes a 1x1 convolution of squares, a power and a product",
        "the sum over neighbouring channels runs on HVX, a convolution on HMX",
        pools.convolution_for_lrn,
    ),
    Rewrite(
        "convolution-for-average-pool",
        "an average pool becomes a depthwise convolution, with a product where its padding does not count",
        "such pools are simulated up to four times too slow (docs/truth.md): trust a gain here least",
        pools.convolution_for_average_pool,
    ),
    Rewrite(
        "pad-channels",
        "channels between two convolutions are padded with zeros to a multiple of 32",
        "HMX works on 32 channels at once",
        channels.pad_channels,
    ),
    Rewrite(
        "multiply-for-divide",
        "a division by a constant becomes a multiplication, a square written as Pow becomes Mul",
        "divisions and powers are long sequences on HVX",
        elementwise.multiply_for_divide,
    ),
    Rewrite(
        "hard-swish",
        "x * HardSigmoid(x), or x * Clip(x + 3, 0, 6) / 6, becomes HardSwish",
        "one HTP op instead of up to four",
        hard_swish,
    ),
    Rewrite(
        "pool-for-mean",
        "a ReduceMean over height and width becomes a global average pool",
        "reductions of channel-first tensors transpose them first",
        elementwise.pool_for_mean,
    ),
    Rewrite(
        "clip-for-min-max",
        "Min and Max with constants become Clip",
        "a Clip after a convolution is fused into it",
        elementwise.clip_for_min_max,
    ),
)
