from pathlib import Path

import pytest

from fakes.rig import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """A well fake SDK with nothing run yet."""
    return Rig.build(tmp_path)


@pytest.fixture
def prepared(rig: Rig) -> Rig:
    """The rig after a good prepare."""
    assert rig.prepare().returncode == 0
    return rig


@pytest.fixture
def profiled(prepared: Rig) -> Rig:
    """The rig after a good prepare and a good run at level qhas."""
    assert prepared.net_run().returncode == 0
    return prepared
