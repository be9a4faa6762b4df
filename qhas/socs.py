"""SoCs known to this version, as data. Unknown names are allowed: the SDK decides.

Source: the QNN SoC table of the public ExecuTorch backend (`qc_schema.py`) and Qualcomm's published MLPerf Mobile
builds. The Hexagon architecture of small SKUs is omitted if the sources differ.
"""

from __future__ import annotations

from typing import NamedTuple


class Soc(NamedTuple):
    """A SoC's Hexagon architecture (as in v73) and VTCM in MB, where published."""

    hexagon: str | None
    vtcm_mb: int | None


KNOWN_SOCS: dict[str, Soc] = {
    "aic100": Soc("v68", 8),
    "qcm6490": Soc("v68", 2),
    "qcs6490": Soc("v68", 2),
    "qcs8300": Soc("v75", 8),
    "qcs8550": Soc("v73", 8),
    "qcs8625": Soc("v75", 8),
    "qcs9075": Soc("v73", 8),
    "qcs9100": Soc("v73", 8),
    "sa8255": Soc("v73", 8),
    "sa8255p": Soc("v73", 8),
    "sa8295": Soc("v68", 8),
    "sa8295p": Soc("v68", 8),
    "sa8540": Soc("v68", 8),
    "sa8620p": Soc("v75", 8),
    "sa8650p": Soc("v73", 8),
    "sa8775p": Soc("v73", 8),
    "sa8787": Soc("v85", 16),
    "sa8797": Soc("v81", 16),
    "sar2230p": Soc("v81", 4),
    "sc8280x": Soc("v68", None),
    "sc8380xp": Soc("v73", 8),
    "sc8480xp": Soc("v81", 8),
    "sm6650": Soc(None, None),
    "sm7325": Soc("v68", None),
    "sm7350": Soc("v68", None),
    "sm7450": Soc("v69", None),
    "sm7475": Soc("v69", None),
    "sm7550": Soc("v73", 2),
    "sm7635": Soc(None, None),
    "sm7750": Soc(None, None),
    "sm8350": Soc("v68", 4),
    "sm8450": Soc("v69", 8),
    "sm8475": Soc("v69", 8),
    "sm8550": Soc("v73", 8),
    "sm8635": Soc("v73", 4),
    "sm8650": Soc("v75", 8),
    "sm8735": Soc(None, 8),
    "sm8750": Soc("v79", 8),
    "sm8845": Soc("v81", 8),
    "sm8850": Soc("v81", 8),
    "ssg2115p": Soc("v73", 2),
    "ssg2125p": Soc("v73", 2),
    "sw6100": Soc("v81", 4),
    "sxr1230p": Soc("v73", 2),
    "sxr2230p": Soc("v69", 8),
    "sxr2330p": Soc("v79", 8),
}
PROGRAM_OF = {"qcs9100": "sa8255"}
"""SoCs for which the compiler writes the program of another one, of those with simulated figures (QAIRT 2.51).

For forecasts alone: what a run shares is decided by the program's bytes (`qhas.network.program`).
"""
