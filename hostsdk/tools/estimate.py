"""hostsdk-estimate: compile networks and report the simulator's figures, one request a line, in a warm process.

A request is a line of JSON on standard input: dlc (an absolute path; null only queries whether the SoC is estimated),
soc, options (as `for_soc` accepts them), settings (of the simulator, by name) and ops (bool: also report what every op
does). Its answer is a line of JSON on standard output: graphs, a list of `estimate_report.report`; or refusal, a
sentence. The process ends when its standard input does. A crash of the libraries ends it without an answer: the caller
starts another.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hostsdk import layout, socs
from hostsdk.compile_options import for_soc
from hostsdk.dlc.dlc import Dlc
from hostsdk.errors import ErrorCode, HostSdkError, ToolError
from hostsdk.estimate_report import report
from hostsdk.native.estimate import estimate
from hostsdk.native.library import Libraries, load
from hostsdk.preparation import ESTIMATE_UNSUPPORTED
from hostsdk.socs import Soc
from hostsdk.tools import command


def main(argv: Sequence[str]) -> int:
    """Return 0 when every request was answered, 1 with one error line when the libraries cannot be loaded."""
    return command.run(_serve, argv)


def _serve(argv: Sequence[str]) -> None:
    argparse.ArgumentParser(prog="hostsdk-estimate", description=__doc__).parse_args(argv)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # the libraries may print anything to stdout
    sdk = layout.sdk()
    libraries = load(sdk.wheel.directory, sdk.layout)
    for line in sys.stdin:
        answers.write(json.dumps(_answer(libraries, line)) + "\n")
        answers.flush()


def _answer(libraries: Libraries, line: str) -> dict[str, Any]:
    try:
        request = json.loads(line)
        soc = _estimated(request["soc"])
        if request["dlc"] is None:
            return {"graphs": []}
        dlc = Path(request["dlc"])
        Dlc(dlc).check()
        options = replace(for_soc(soc, **request["options"]), finalize_settings=request["settings"])
        estimates = estimate(libraries, dlc, soc, options, schematic=request["ops"])
        return {"graphs": [report(each) for each in estimates]}
    except HostSdkError as error:
        return {"refusal": error.message}
    except (ValueError, KeyError, TypeError) as error:
        return {"refusal": f"the request cannot be served: {type(error).__name__}: {error}."}


def _estimated(name: str) -> Soc:
    """Return the SoC. Raises `ToolError` unless its estimates are supported, were checked, or are requested anyway."""
    soc = socs.find(name, "--soc")
    setting = os.environ.get(ESTIMATE_UNSUPPORTED)
    if not soc.has_cost_model:
        raise _refused(f"the simulator has no cost model for {soc.name}")
    if not soc.estimate_supported and (setting == "0" or (setting != "1" and soc.checked is None)):
        raise _refused(
            f"Qualcomm does not support performance estimates for {soc.name}, and they have not been compared with a device; "
            f"{ESTIMATE_UNSUPPORTED}=1 requests one"
        )
    return soc


def _refused(reason: str) -> ToolError:
    return ToolError(ErrorCode.INVALID_DEVICE, f"{reason}.", "HTP Simulator")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
