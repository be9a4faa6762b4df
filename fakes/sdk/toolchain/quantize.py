"""snpe-dlc-quant: the same network in fewer bits, from a list of inputs."""

from collections.abc import Mapping
from pathlib import Path

from .container import ContainerError, Dlc, Model
from .faults import Fault
from .options import Kind, Option, UsageError, flags, values
from .session import Session, vendor_error


def options(_session: Session) -> list[Option]:
    """Return the tool's options."""
    return [
        *values("input_dlc", "output_dlc", "input_list"),
        Option("weights_bitwidth", Kind.VALUE, ("4", "8", "16")),
        Option("act_bitwidth", Kind.VALUE, ("8", "16")),
        *flags("use_per_channel_quantization", "verbose"),
    ]


def run(session: Session, given: Mapping[str, str]) -> None:
    """Quantise the network. Raises ToolError with the vendor's text."""
    for name in ("input_dlc", "input_list"):
        if name not in given:
            raise UsageError(f"option '--{name}' is required")
    source = Path(given["input_dlc"])
    target = Path(given.get("output_dlc", source.with_name(f"{source.stem}_quantized.dlc")))
    try:
        dlc = Dlc.from_bytes(source.read_bytes())
    except (OSError, ContainerError) as error:
        raise vendor_error(306, f"Model load failed; {error}", "Dl Container") from None
    session.begin([], [dlc.model.graph, source.stem])
    _require_inputs(dlc.model, Path(given["input_list"]))
    bits = f"w{given.get('weights_bitwidth', '8')}a{given.get('act_bitwidth', '8')}"
    if session.fault is not Fault.NO_NETWORK:
        target.write_bytes(Dlc(dlc.model._replace(salt=f"{dlc.model.salt} {bits}")).to_bytes())
    print(f"[INFO] Saved quantized dlc to: {target}")


def _require_inputs(model: Model, listing: Path) -> None:
    sizes = {tensor.name: tensor.size for tensor in model.inputs}
    for line in listing.read_text(encoding="utf-8").splitlines():
        for word in line.split():
            name, _, path = word.rpartition(":=")
            wanted = sizes.get(name or next(iter(sizes)))
            try:
                size = Path(path).stat().st_size
            except OSError:
                raise vendor_error(207, f"Tensor file not found: {path}", "Dl Quantizer") from None
            if wanted != size:
                raise vendor_error(
                    203, f"Size mismatch: {path} has {size} bytes, {name} takes {wanted}", "Dl Quantizer"
                )
