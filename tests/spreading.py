"""How tests are spread over the workers: a module, or a group of modules, at a time.

What the tests of a module share is made once that way, and the session keeps account of hundreds of pieces of work
instead of thousands. `xdist_group` joins modules that share more than that, such as a server. What takes long has a
group too: groups go first, so that no worker is left alone with one at the end.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import Scheduling


def pytest_configure(config: pytest.Config) -> None:
    """Only a session that spreads its tests needs any of this."""
    if config.getoption("dist", "no") == "loadgroup" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Controller())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put groups first, the one of most tests before the others; the rest stays in the order of this run."""
    if not hasattr(config, "workerinput"):
        return
    size = Counter(group for item in items if (group := _group_of(item)))
    items.sort(key=lambda item: -size[_group_of(item)])


def _group_of(item: pytest.Item) -> str:
    mark = item.get_closest_marker("xdist_group")
    return str(mark.args[0]) if mark else ""


class _Controller:
    """Hooks of the process that gives work to the others."""

    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Producer) -> Scheduling:
        """In place of xdist's own, which gives a test that has no group to whoever asks next."""
        from xdist.scheduler import LoadGroupScheduling

        class ModulesAndGroups(LoadGroupScheduling):
            def _split_scope(self, nodeid: str) -> str:
                name = super()._split_scope(nodeid)
                return name.partition("::")[0] if name == nodeid else name

        config.option.loadscopereorder = False  # it would put what has few tests last, however long they take
        return ModulesAndGroups(config, log)
