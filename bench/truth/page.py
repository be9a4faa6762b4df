"""docs/truth.md and its pictures, generated from the shipped pairs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from bench.truth import matrix, simulated, structure, tables
from bench.truth.plot import scatter
from qhas.truth.tables import (
    AS_OF,
    LICENCE,
    QAIRT,
    SOURCE,
    WHEEL,
    Device,
    Precision,
    calibrating,
    devices,
    measured_count,
)

_ENOUGH = 50
"""Number of networks of a device and format."""
PAGE = Path("docs/truth.md")
IMAGES = Path("docs/images")


_NEW_ONES = """**Networks that were new.** On 2026-11-29, 22 networks joined these tables that had not been simulated when the intervals were
made, among them YOLOX, Conditional DETR, HRNet and DeepLab v3+. The existing intervals held 207 of 263 measured latencies (79 %), on the
IQ-9075 34 of 37; half of the expectations were within 8 % of the measured time. On 2026-11-30, 18 more followed, among them FFNet, YOLOv7 and
YOLOv8, GPUNet, SINet, DeepLab v3+ on Xception and Qualcomm's own face and person networks: the previous day's intervals held 115 of their 146
measured 8-bit latencies (79 %; DDRNet was outside on every device) and 84 of 118 in floats (71 %; YOLOv7 tiny and PPE Detection were outside on
most devices), on the IQ-9075 25 of 31; half of the expectations were within 10 %. For networks already known on other devices or in the other
format, but new on theirs, they held 85 of 110 (77 %). The tables and the intervals now include them all."""
"""From the calibration.tsv of each date, as found in the history of this repository."""


def write(root: Path) -> list[Path]:
    """Write the page and its pictures below the root of a clone; return the files."""
    (root / IMAGES).mkdir(exist_ok=True)
    files = {PAGE: text()} | {
        path: mend((root / path).read_text("utf-8")) for path, mend in _MENTIONS.items()
    }
    files |= {IMAGES / picture(device): _scatter(device) for device in shown()}
    for path, content in files.items():
        (root / path).write_text(content, encoding="utf-8")
    return [root / path for path in files]


def _in_readme(readme: str) -> str:
    networks, rank, ratio = tables.short(calibrating(devices()[0], Precision.FLOAT))[:3]
    pattern = r"for \d+( float\s.*?)correlation is [\d.]+(.*?)simulated is [\d.]+\*\*"
    made = rf"for {networks}\1correlation is {rank}\g<2>simulated is {ratio}**"
    return re.sub(pattern, made, readme, count=1, flags=re.DOTALL)


def _in_sdk_page(page: str) -> str:
    for device in shown():
        networks, _, ratio = tables.short(calibrating(device, Precision.FLOAT))[:3]
        row = rf"(\| {device.socs[0]} \| {re.escape(device.title)} \| )\d+ \| [\d.]+"
        page = re.sub(row, rf"\g<1>{networks} | {ratio}", page)
    return page


_MENTIONS: dict[Path, Callable[[str], str]] = {
    Path("README.md"): _in_readme,
    Path("docs/hostsdk.md"): _in_sdk_page,
}
"""Hand-written pages that repeat figures of the tables."""


def shown() -> list[Device]:
    """Return the devices that have a picture."""
    return [device for device in devices() if not device.refused]


def picture(device: Device) -> str:
    """Return the file name of a device's picture."""
    return f"truth-{device.title.lower().replace(' ', '-')}.svg"


def _scatter(device: Device) -> str:
    chosen = calibrating(device, Precision.FLOAT) + calibrating(device, Precision.W8A8)
    return scatter(f"{device.title}: {len(chosen)} networks, float and w8a8", chosen)


def text() -> str:
    """Return the page's text."""
    held, of = tables.pooled_coverage()
    headline = tables.short(calibrating(devices()[0], Precision.FLOAT))
    pictures = "\n".join(f"![{device.title}](images/{picture(device)})" for device in shown())
    return f"""# How true is the simulator?

Every simulated time of this project comes from Qualcomm's HTP performance simulator, in the PyPI wheel
`onnxruntime-qnn`. This page compares it with latencies **measured on devices**: {SOURCE}
({LICENCE}, read on {AS_OF}; medians of warm inferences, all layers on the NPU, QAIRT {QAIRT}). On the
IQ-9075, {headline[0]} float networks have rank correlation {headline[1]} and a median of measured over simulated of
{headline[2]}. Made by `python -m bench truth --write` from `qhas/truth/*.tsv`; nothing here is edited by hand.

Simulation: the same topologies with seeded random weights, batch 1, the published input size, normalisation
inside, channel-last input; converted and compiled by wheel {WHEEL} (QAIRT {QAIRT}) with the default options; phones, laptops,
QCS8550 and SA8295P at the highest voltage corner. 8 bit is ONNX Runtime's own QDQ recipe, not the publisher's. A figure that was
measured on one device and published for several counts once (SA8255P and SA8650P are copies of SA8775P, Dragonwing
Q-8750 of Galaxy S25); a few SA8775P figures are from QAIRT 2.45. The networks are not independent samples, as ResNets are alike,
so errors are also given with a whole family left out.

## What is expected of a device

`measured = a + b x simulated`, by least absolute deviation of logarithms. `a` is what the simulator does not model: the start of an
inference. The interval comes from the residuals with each family left out, and is wide enough to hold about 80 % of them: over all rows it held
{held} of {of} ({held / of:.0%}). Its width was chosen on the same networks; new ones are the better judge. `qhas show` and the pages print
this expectation next to every simulated time; it is never stored, compared or judged. There is none if fewer than 8 networks of a
format and class were measured. Attention networks use the constant `a` of the device's convolutional ones.

{_NEW_ONES}

{tables.by_device().markdown()}

`SA7255P` is refused: the library's id 67 is the SA8620P, about 4 times faster.

{pictures}

How many whole networks and parts of networks were measured with a DLC at all, and how many of the networks are simulated here:

{tables.by_measured().markdown()}

Parts are not simulated by this bench.{_too_few()}

## What it cannot see

A cell that has one of these says so.

{tables.unseen().markdown()}

## The bad rows

Every network off by more than a factor of {tables.FAR:g} in either direction, worst first.

{tables.bad_rows().markdown()}

## By ops

Grouped by the kind of op that takes most of a network's time. Float:

{tables.by_ops(Precision.FLOAT).markdown()}

8 bit:

{tables.by_ops(Precision.W8A8).markdown()}

## By family

Median of measured over simulated (number of networks). Float:

{tables.by_family(Precision.FLOAT).markdown()}

8 bit:

{tables.by_family(Precision.W8A8).markdown()}

## By size

Float, median of measured over simulated (number of networks).

{tables.by_size().markdown()}

## By compiler version

IQ-9075; each table has the same networks throughout. Float:

{tables.by_compiler(Precision.FLOAT).markdown()}

8 bit:

{tables.by_compiler(Precision.W8A8).markdown()}

## Options, layout, voltage corner

{tables.by_option().markdown()}

A published DLC takes channel-last input, ONNX Runtime channel-first: each layout matches what was measured with it.

{tables.by_layout().markdown()}

8-bit networks, by the form of their inputs and outputs: `snpe-onnx-to-dlc --input_layout NAME NCHW` moves channels to the end,
`--quantize_io` leaves quantising to the caller. Floats cost nothing if channels come last; if they come first, the
transposition works on floats:

{tables.by_boundary().markdown()}

The library's default corner is the second lowest. Phones run at the highest:

{tables.by_corner().markdown()}

## How a network is written matters more

The same networks after onnxsim, which turns MatMul and Add into a chain of Reshape and Gemm (IQ-9075, float):

{tables.by_lowering().markdown()}

## The simulator's own interval

Profiles carry a lower and an upper estimate. How often the measured time lies between them:

{tables.by_vendor_interval().markdown()}

Some networks have ops whose cost the simulator does not know; their estimate leaves them out:

{tables.by_missing_cost().markdown()}

## What cannot be simulated
{_failures()}
## Every network

{tables.every_network(Precision.FLOAT).markdown()}

{tables.every_network(Precision.W8A8).markdown()}

{tables.every_network(Precision.W8A16).markdown()}

## Try it

    python -m bench truth                                        # these tables, in the terminal
    python -m bench truth --run                                  # simulate what is not in the tables yet; resumes where it was stopped
    python -m bench truth --run resnet50 --again                 # ... or again, compared with the tables
    python -m bench truth --model mobilenet_v2 --onnx net.onnx   # any network: convert, estimate, compare with what was measured

The structures of {len(structure.names())} networks, without weights, are in `bench/truth/structures`
({_megabytes():.1f} MB); weights are generated from a seed. `python -m bench.truth.export` makes the files from torchvision, timm, transformers and a
few networks of its own (`pip install 'qhas-flows[structures]'`); those of 2026-11-30 have as many parameters as are published of them, but for Facial
Attribute Detection, whose count is of an older network with one more block. {_share()}
Rebuilt from its structure file, mobilenet_v2 is within 0.1 % of the tables in all twelve figures
of six SoCs, float and 8 bit. The last command takes an ONNX file, or one without its weights (`.onnx.gz`, `.onnx.xz`); `--shape image=1,3,224,224`
where sizes are open, `--component` for one part of a model.

A lab with devices gets its own table: with `estimate: true` in site.yaml each cell measured on a device is also estimated.
`qhas truth` compares the two, and every DLC that the store has both simulated and measured. A record keeps the
estimate next to the device's figures (`estimated`), never among them.
"""


def _too_few() -> str:
    """Name the devices for which too few whole networks were measured at 8 bits, whichever are simulated."""
    counts = ((device.title, measured_count(device, Precision.W8A8)[0]) for device in shown())
    few = " and ".join(f"{title} ({count})" for title, count in counts if count < _ENOUGH)
    return f" Fewer than {_ENOUGH} whole networks were measured at 8 bits on {few}." if few else ""


def _share() -> str:
    """State how many of all figures are in the tables."""
    every = list(matrix.cells(WHEEL))
    there = sum(simulated.row_of(cell) is not None for cell in every)
    return (
        f"Of the {len(every)} figures of these networks, devices and formats {there} are in the tables; the others have not been made "
        "yet: `--run` makes them."
    )


def _failures() -> str:
    table = simulated.failures()
    return f"\n{table.markdown()}\n" if table.rows else "\nEvery network that was tried is in the tables.\n"


def _megabytes() -> float:
    return sum(structure.path_of(name).stat().st_size for name in structure.names()) / 1e6
