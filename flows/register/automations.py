"""Registration of the automations beside this file on a Prefect server.

The files are in Prefect's own format; `prefect automation create --from-file FILE` accepts them as well, but makes a
second one of the same name. With a notification block of the server, created in the UI under Blocks, each sends its
file's subject and body as a notification. The address stays in the block: no file here holds a secret. Without a block,
an automation that has no other action only shows in the event feed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import PrefectClient
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound

from flows.register.files import AUTOMATIONS

_NOTHING = {"type": "do-nothing"}


def documents(folder: Path = AUTOMATIONS) -> Iterator[dict[str, Any]]:
    """Yield every automation in the files of a folder."""
    for path in sorted(folder.glob("*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        yield from content if isinstance(content, list) else [content]


def automation(document: dict[str, Any], block: str | None) -> AutomationCore:
    """Return the automation of a file, sending its notification through a block if there is one."""
    actions = [action for action in document["actions"] if action != _NOTHING]
    if block:
        actions.append({"type": "send-notification", "block_document_id": block, **document["notification"]})
    return AutomationCore.model_validate({**document, "actions": actions or [_NOTHING]})


async def register_automations(client: PrefectClient, block: str | None) -> list[str]:
    """Create or update each automation by name, and return the names."""
    names = []
    for document in documents():
        wanted = automation(document, block)
        there = await client.read_automations_by_name(wanted.name)
        if there:
            await client.update_automation(there[0].id, wanted)
        else:
            await client.create_automation(wanted)
        names.append(wanted.name)
    return names


async def notification_block(client: PrefectClient, name: str) -> str:
    """Return the id of a block named as TYPE/NAME. Exits the program if the server has none of that name."""
    kind, _, document = name.partition("/")
    try:
        return str((await client.read_block_document_by_name(document, kind)).id)
    except ObjectNotFound:
        raise SystemExit(f"The server has no block {name}: create it in the UI under Blocks.") from None
