"""Object stores for tests: real S3-protocol servers in their own processes, and a wire that fails on demand."""

from fakes.s3.policed import PolicedMotoServer
from fakes.s3.server import Ceph, MotoServer, S3Server, ceph_is_installed
from fakes.s3.wire import Elsewhere, Fault, Wire, WireRule

__all__ = [
    "Ceph",
    "Elsewhere",
    "Fault",
    "MotoServer",
    "PolicedMotoServer",
    "S3Server",
    "Wire",
    "WireRule",
    "ceph_is_installed",
]
