"""`python -m infra.stack.reports PORT`: serve the store's reports and traces on loopback.

They are served below the token in QHAS_REPORTS_TOKEN. A signed link opens one object; a report's page refers to others
beside it, which are found here.
"""

from __future__ import annotations

import os
import sys
import threading

from qhas.report.serving import serving
from qhas.site import load_site
from qhas.store import Store

REPORTS_TOKEN = "QHAS_REPORTS_TOKEN"  # noqa: S105  # the variable's name


def main(port: int) -> None:
    """Serve until the process is terminated."""
    with serving(Store(load_site(None).store), port, os.environ[REPORTS_TOKEN]) as served:
        if not served.address.startswith(f"http://127.0.0.1:{port}/"):
            sys.exit(f"Port {port} is taken.")
        threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]))
