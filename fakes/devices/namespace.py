"""The inside of a device: a private mount namespace rooted in a directory with the host's programs in it.

Runs in the device's daemon, below `unshare --mount`; standard library only.
"""

import ctypes
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_RDONLY, _NOSUID, _NODEV, _NOEXEC = 1, 2, 4, 8
_REMOUNT, _NOATIME, _BIND, _REC = 32, 1024, 4096, 16384
_KEPT_FLAGS = _RDONLY | _NOSUID | _NODEV | _NOEXEC | _NOATIME
"""Flags with the same value in statvfs and mount. A user namespace may not clear these on a mount."""
_NOT_BOUND = {"lost+found", "boot", "media", "srv"}
_SYSTEM = {"bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "var"}
"""Host directories that a device may not write to."""


@dataclass(frozen=True)
class RootPlan:
    """The contents of `root`; names are relative to it.

    own: top-level directories that hide the host's. spread: host directories whose entries are mounted one by one,
    so that the device can have its own entries beside them. writable: own directories that commands may write to, each
    with the size in bytes of a separate file system, or None. overlays: host files and the device's files over them.
    """

    root: Path
    own: tuple[str, ...]
    spread: tuple[str, ...] = ()
    writable: dict[str, int | None] = field(default_factory=dict)
    overlays: dict[str, str] = field(default_factory=dict)


def enter(plan: RootPlan) -> None:
    """Make `plan.root` this process's root directory.

    Raises OSError if the kernel refuses a mount.
    """
    pairs = sorted(_binds(plan), key=lambda pair: not plan.root.is_relative_to(pair[0]))
    _mount(plan.root, plan.root, _BIND)
    for source, target in pairs:  # the one containing the root comes first, before it contains our mounts
        target.mkdir(parents=True, exist_ok=True)
        _mount(source, target, _BIND | _REC)
    for name, size in plan.writable.items():
        _mount_writable(plan.root / name, size)
    for source, target in pairs:
        if source.name in _SYSTEM and not plan.root.is_relative_to(source):
            set_read_only(target, read_only=True)
    set_read_only(plan.root, read_only=True)
    os.chroot(plan.root)
    os.chdir("/")
    for name, overlay in plan.overlays.items():
        _mount(Path("/", overlay), Path("/", name).resolve(), _BIND)


def set_read_only(mount_point: Path, *, read_only: bool) -> None:
    """Forbid or allow writing below a mount point. Raises OSError (EBUSY) while a file is open for writing."""
    kept = os.statvfs(mount_point).f_flag & _KEPT_FLAGS & ~_RDONLY
    _mount(None, mount_point, _REMOUNT | _BIND | kept | (_RDONLY if read_only else 0))


def _binds(plan: RootPlan) -> Iterator[tuple[Path, Path]]:
    for entry in sorted(Path("/").iterdir()):
        if entry.name in _NOT_BOUND or entry.name in plan.own:
            continue
        if entry.is_symlink():
            _link(entry, plan.root / entry.name)
        elif entry.name in plan.spread:
            yield from _spread(entry, plan.root / entry.name)
        elif entry.is_dir():
            yield entry, plan.root / entry.name


def _spread(directory: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    target.mkdir(parents=True, exist_ok=True)
    own = {entry.name for entry in target.iterdir()}
    for entry in sorted(directory.iterdir()):
        if entry.name in own:
            continue
        if entry.is_symlink():
            _link(entry, target / entry.name)
        elif entry.is_dir():
            yield entry, target / entry.name


def _link(entry: Path, link: Path) -> None:
    if not link.is_symlink():
        link.symlink_to(entry.readlink())


def _mount_writable(directory: Path, size: int | None) -> None:
    if size is None:
        _mount(directory, directory, _BIND)
        return
    kept = sorted(path.relative_to(directory) for path in directory.rglob("*") if path.is_dir())
    _mount(None, directory, 0, kind="tmpfs", options=f"size={size},mode=755")
    for path in kept:
        (directory / path).mkdir()


def _mount(
    source: Path | None, target: Path, flags: int, *, kind: str | None = None, options: str | None = None
) -> None:
    encoded = [None if text is None else os.fsencode(text) for text in (source or kind, target, kind)]
    if _libc.mount(*encoded, ctypes.c_ulong(flags), None if options is None else options.encode()) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"mount: {os.strerror(error)}", str(target))


_libc = ctypes.CDLL(None, use_errno=True)
