"""The parameters of the flows: each one's title, help and bounds, as Prefect's forms show and enforce them.

Prefect reads help and title from the default, everything else from the type. Help is plain text, because one of the two
UIs does not render Markdown. An optional text is empty by default, never null: a form would offer null as a separate
choice.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from qhas.diff.compare import THRESHOLD_PERCENT
from qhas.naming import SAFE, SOC, SocName
from qhas.socs import KNOWN_SOCS
from qhas.sweep.spec import RANDOM_INPUTS, PrepareOptions, RunOptions, Selection, TraceFeatures, Variants
from qhas.tune.model import Objective
from qhas.tune.search import TRIALS
from qhas.upkeep.prune import PREPARED_DAYS, REPLAY_DAYS, TRACES_DAYS

_KNOWN = {"type": "string", "enum": sorted(KNOWN_SOCS)}
_OTHER = {"type": "string", "pattern": f"^{SOC.pattern}$"}

Address = Annotated[str, Field(min_length=1, max_length=2000)]
Dlcs = Annotated[list[Address], Field(min_length=1)]
Percent = Annotated[float, Field(ge=0, le=1000)]
Trials = Annotated[int, Field(ge=1, le=1000)]
Days = Annotated[int, Field(ge=1, le=3650)]
KnownSoc = Annotated[SocName, WithJsonSchema(_KNOWN)]
SomeSocs = Annotated[list[SocName], Field(min_length=1)]
AnySoc = Annotated[
    SocName,
    WithJsonSchema({"anyOf": [_KNOWN | {"title": "listed"}, _OTHER | {"title": "another"}]}),
]
OptionalPath = Annotated[str | None, WithJsonSchema({"type": "string", "pattern": r"^(.*\.ya?ml)?$"})]
OptionalName = Annotated[str | None, WithJsonSchema({"type": "string", "pattern": f"^({SAFE.pattern})?$"})]
RunName = Annotated[str, Field(min_length=1, max_length=200, pattern=f"^{SAFE.pattern}$")]
CellKey = Annotated[str, Field(min_length=5, max_length=400, pattern=r"^[^/]+(/[^/]+){1,3}$")]
Person = Annotated[str, Field(min_length=1, max_length=100)]
SweepFile = Annotated[str, Field(pattern=r"^.+\.ya?ml$", max_length=2000)]


def _parameter(title: str, description: str, default: Any = ...) -> Any:
    return Field(default=default, description=description, json_schema_extra={"title": title})


DLC = _parameter(
    "Network",
    "An un-cached DLC, or an ONNX file, which is converted first: a path on the worker or any fsspec URL, as in "
    "s3://models/inception_v2.dlc. To try it out: "
    "qhas-demo/networks/squeezenet.onnx, a sample network, which is made if it does not exist.",
)
SOC_OF_CELL = _parameter(
    "SoC",
    "As graph-prepare names it. Not in the list? Enter it under 'another': the SDK decides whether it is supported.",
)
INPUTS = _parameter(
    "Inputs",
    "random, or the path or URL of an input list. Its input files are relative to it.",
    RANDOM_INPUTS,
)
NETWORKS = _parameter("Networks", "At least one. Every network is run on every SoC in every variant.")
SOCS = _parameter("SoCs", "Every SoC here and under Other SoCs; at least one altogether.", [])
OTHER_SOCS = _parameter(
    "Other SoCs", "SoCs that this version does not list, as graph-prepare names them; the SDK decides.", []
)
GRID = _parameter(
    "Grid",
    "Every combination of the values listed here is a variant: two VTCM sizes and two perf profiles make four cells for "
    "each network on each SoC. If you list nothing: one variant, with the options below.",
    Variants(),
)
PREPARE = _parameter(
    "Prepare", "Options of graph-prepare; omitted ones keep the SDK's defaults.", PrepareOptions()
)
RUN = _parameter("Run", "Clocks, repetitions and time limit of the run on the device.", RunOptions())
TRACE = _parameter(
    "Trace", "The eight switches of qnn-profile-viewer, by the vendor's names.", TraceFeatures()
)
BATCH_NAME = _parameter(
    "Name", "Names run, report and artifacts: letters, digits, dots, dashes, underscores.", "batch"
)
SPEC = _parameter("Sweep", "The same keys as sweep.yaml.")
SPEC_FILE = _parameter(
    "Sweep file",
    "A sweep.yaml on the worker, under version control: a path from the root of the repository, or an absolute one. "
    "Relative paths in it are resolved against its folder.",
    "examples/nightly.yaml",
)
SELECTION = _parameter(
    "Select", "Only some of the file's cells; this replaces the file's selection.", Selection()
)
SITES = _parameter("Sites", "Which sites take part, with the number of devices by SoC.")
PART = _parameter("Part", "Set by sweep-sites, which gives each site its cells. Leave it at None.", None)
SITE = _parameter(
    "Site file",
    "A site.yaml on the worker: store, SDK, devices. Empty: the worker's QHAS_SITE, else the host SDK, simulated devices "
    "and a local store.",
    "",
)
RUN_ID = _parameter(
    "Run id",
    "Empty: a new run. The id of an earlier run completes it: only cells that are missing or failed run.",
    "",
)
VERIFIED = _parameter("Run", "Empty: every run in the store. Otherwise the id of one.", "")
AFTER = _parameter("Run", "Id of the run to compare.")
BEFORE = _parameter(
    "Against", "Id of the run to compare it with. Empty: the last finished run of its sweep before it.", ""
)
BISECTED_RUN = _parameter(
    "Run", "Id of the run in which the cell is slower, the beginning of one, or latest."
)
BISECTED_CELL = _parameter("Cell", "As model/soc/variant; a variant default may be left out.")
GOOD_RUN = _parameter(
    "Good in", "Id of a run in which it was good. Empty: the last finished run of its sweep before it.", ""
)
MODEL_PATTERNS = _parameter(
    "Networks", "Only those that match these patterns, as in inception_*. None: all.", []
)
SOC_PATTERNS = _parameter("SoCs", "Only those that match these patterns, as in sa8*. None: all.", [])
UPGRADED = _parameter("Networks", "At least one un-cached DLC: paths on the worker or fsspec URLs.")
UPGRADED_SOCS = _parameter("SoCs", "At least one: every network is compiled for each.")
SDK_BEFORE = _parameter("From", "The current SDK, by its name among the site's sdks, as in 2.48.")
SDK_AFTER = _parameter("To", "The SDK to move to. Those in between are tried where something changed.")
THRESHOLD = _parameter(
    "Threshold", "0 to 1000: the smallest change of time, in percent, that counts.", THRESHOLD_PERCENT
)
EVERY_SDK = _parameter(
    "Every SDK between",
    "On every cell, changed or not: a full table of cycles, with each step by itself.",
    False,
)
ACCEPTED_RUN = _parameter("Run", "Id of the run whose level to accept, the beginning of one, or latest.")
ACCEPTED_CELL = _parameter("Cell", "As model/soc/variant; a variant default may be left out.")
ACCEPTED_BY = _parameter("Who", "Your name: shown with every verdict from then on.")
ACCEPTED_REASON = _parameter("Why", "One sentence, shown with every verdict; empty only to take it back.", "")
TAKE_BACK = _parameter("Take back", "What was accepted for this cell in this run no longer counts.", False)
TUNED = _parameter(
    "Network", "An un-cached DLC: a path on the worker or any fsspec URL; or an ONNX file on the worker."
)
OBJECTIVE = _parameter(
    "Objective", "What to minimise: time, DRAM traffic, peak VTCM, or the context binary.", Objective.TIME
)
TRIALS_OF_TUNING = _parameter(
    "Trials", "1 to 1000 combinations to compile; a smaller grid is compiled completely.", TRIALS
)
TRACES = _parameter(
    "Traces, days", "1 to 3650 days since the run: traces, HTP graphs, QHAS pages.", TRACES_DAYS
)
REPLAY = _parameter(
    "Logs, days",
    "1 to 3650 days since the run: logs and schematics. Without them a trace cannot be regenerated.",
    REPLAY_DAYS,
)
PREPARED = _parameter("Prepared graphs, days", "1 to 3650 days since their last use.", PREPARED_DAYS)
DRY_RUN = _parameter("Dry run", "Show what would be removed; remove nothing.", False)
