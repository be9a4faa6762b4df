"""A device's own commands: a multi-call program under each of its names, and small scripts."""

import shutil
import subprocess
import sys
from pathlib import Path

ANDROID_SCRIPTS = {
    "getprop": """\
if [ $# -gt 0 ]; then
    while IFS== read -r name value; do [ "$name" = "$1" ] && { echo "$value"; exit 0; }; done </system/etc/fake/properties
    echo "$2"
else
    while IFS== read -r name value; do echo "[$name]: [$value]"; done </system/etc/fake/properties
fi
""",
    "dumpsys": """\
[ $# -gt 0 ] || set -- battery power thermalservice
if [ -f "/system/etc/fake/dumpsys/$1" ]; then cat "/system/etc/fake/dumpsys/$1"; else echo "Can't find service: $1"; fi
""",
    "logcat": """\
case " $* " in
*" -c "*) exec true >/system/etc/fake/log/main ;;
*" -d "*) exec cat /system/etc/fake/log/main ;;
*) exec tail -n +1 -f /system/etc/fake/log/main ;;
esac
""",
}
NOT_ON_ANDROID = ("bash", "dash", "perl", "rsync", "scp", "sudo", "apt-get", "gcc", "numfmt", "shuf")
"""Commands that a script must not rely on, although the host, which comes last in PATH, has them."""


def host_path() -> str:
    """Return the PATH of the host's programs, for tools that need one of the host's interpreters."""
    return f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


def lay_out_android(directory: Path) -> None:
    """Lay out mksh as sh, toybox, and the fake getprop, dumpsys and logcat; hide the host's other shells."""
    directory.mkdir(parents=True, exist_ok=True)
    _link_applets(directory, "toybox", [])
    (directory / "sh").symlink_to(_program("mksh"))
    for name, text in ANDROID_SCRIPTS.items():
        _script(directory / name, "/system/bin/sh", text)
    for name in NOT_ON_ANDROID:
        missing = f'echo "/system/bin/sh: {name}: inaccessible or not found" >&2\nexit 127\n'
        _script(directory / name, "/system/bin/sh", missing)


def lay_out_busybox(directory: Path) -> None:
    """Lay out busybox under all its names, so that sh is its ash."""
    directory.mkdir(parents=True, exist_ok=True)
    _link_applets(directory, "busybox", ["--list"])


def _link_applets(directory: Path, program: str, listing: list[str]) -> None:
    path = _program(program)
    listed = subprocess.run([path, *listing], capture_output=True, text=True, check=True).stdout.split()
    for name in {*listed, program}:
        (directory / name).symlink_to(path)


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(f"{name} is not installed")
    return path


def _script(path: Path, interpreter: str, text: str) -> None:
    path.unlink(missing_ok=True)
    path.write_text(f"#!{interpreter}\n{text}", encoding="utf-8")
    path.chmod(0o755)
