"""How tests are spread over the workers: one module, or one group of modules, at a time.

Fixtures shared by a module are then set up only once, and the session keeps track of hundreds of work items instead
of thousands. `xdist_group` joins modules that share more than that, such as a server. Slow tests have a group too:
groups go first, so that no worker is left running one alone at the end.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import Scheduling


def pytest_configure(config: pytest.Config) -> None:
    """Register the scheduler in the controller of a session that spreads its tests; no other needs it."""
    if config.getoption("dist", "no") == "loadgroup" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Controller())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put groups first, the largest before the others; the remaining tests keep the order of this run."""
    if not hasattr(config, "workerinput"):
        return
    size = Counter(group for item in items if (group := _group_of(item)))
    items.sort(key=lambda item: -size[_group_of(item)])


def _group_of(item: pytest.Item) -> str:
    mark = item.get_closest_marker("xdist_group")
    return str(mark.args[0]) if mark else ""


class _Controller:
    """Hooks of the process that distributes work to the others."""

    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Producer) -> Scheduling:
        """Replace xdist's own scheduler, which gives a test without a group to the next free worker."""
        from xdist.scheduler import LoadGroupScheduling

        class ModulesAndGroups(LoadGroupScheduling):
            def _split_scope(self, nodeid: str) -> str:
                name = super()._split_scope(nodeid)
                return name.partition("::")[0] if name == nodeid else name

        config.option.loadscopereorder = False  # it would put small scopes last, however long they take
        return ModulesAndGroups(config, log)
