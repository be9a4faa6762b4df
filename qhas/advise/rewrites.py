"""The table of rewrites. Each is exact by algebra, up to the rounding of floats; where it comes from stands beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qhas.advise import channels, convolutions, elementwise, layout, quantised
from qhas.advise.onnx_graph import OnnxGraph


@dataclass(frozen=True)
class Rewrite:
    """A change of form. `apply` changes a network in place, and says in how many places; 0 where it does not apply.

    `sentence` is what is done; `source` says who found that it may help; `interface` is what the application then has to do
    otherwise, empty where it sees nothing.
    """

    name: str
    sentence: str
    source: str
    apply: Callable[[OnnxGraph], int]
    interface: str = ""


REWRITES = (
    Rewrite(
        "quantised-input",
        "an input that is quantised first of all comes as whole numbers",
        "quantising a channel-first image takes one HVX thread a large part of a small network's time",
        quantised.quantised_inputs,
        interface="inputs are handed over quantised, by the scale and zero point of the network's own QuantizeLinear",
    ),
    Rewrite(
        "quantised-output",
        "an output that is dequantised last of all is handed over as whole numbers",
        "a float output has four times the bytes, and dequantising runs on HVX",
        quantised.quantised_outputs,
        interface="outputs are taken quantised, by the scale and zero point of the network's own DequantizeLinear",
    ),
    Rewrite(
        "channel-last-input",
        "a channel-first image is taken channel-last, with a Transpose as the first node",
        "latencies on devices of both layouts (docs/truth.md); Qualcomm's converter does so by default",
        layout.channel_last_inputs,
        interface="images are handed over channel-last",
    ),
    Rewrite(
        "fold-transposes",
        "two Transposes in a row become one, or none where they undo each other",
        "each Transpose is a copy of the tensor on one HVX thread or more",
        layout.fold_transposes,
    ),
    Rewrite(
        "matmul-for-gemm-chain",
        "Reshape, Gemm, Reshape becomes MatMul and Add",
        "onnxsim writes the former, up to 4 times slower on the HTP (docs/truth.md)",
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
        "HMX works on 32 channels at once; groups of fewer leave most of it idle",
        convolutions.dense_for_grouped,
    ),
    Rewrite(
        "convolution-for-average-pool",
        "an average pool with counted padding becomes a depthwise convolution",
        "such pools are simulated up to four times too slow (docs/truth.md): believe a gain here last",
        convolutions.convolution_for_average_pool,
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
        "one op of the HTP in place of four",
        elementwise.hard_swish,
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
        "a Clip after a convolution is part of it",
        elementwise.clip_for_min_max,
    ),
)
