"""Create the automations beside this file on the Prefect server, or bring them up to date.

    python infra/automations/register.py
    python infra/automations/register.py --notify slack-webhook/lab

The files are Prefect's own format; `prefect automation create --from-file FILE` takes them as well, but makes a second
one of the same name. With `--notify` a notification block of the server, made in the UI under Blocks, tells each file's
subject and body to people. Its address stays in the block: no file here holds a secret. Without, an automation that
has no other action only shows in the event feed.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import PrefectClient, get_client
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound

HERE = Path(__file__).parent
_NOTHING = {"type": "do-nothing"}


def documents(folder: Path = HERE) -> Iterator[dict[str, Any]]:
    """Every automation in the files of a folder."""
    for path in sorted(folder.glob("*.yaml")):
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        yield from found if isinstance(found, list) else [found]


def automation(document: dict[str, Any], block: str | None) -> AutomationCore:
    """The automation of a file, telling its notification through a block if there is one."""
    actions = [action for action in document["actions"] if action != _NOTHING]
    if block:
        actions.append({"type": "send-notification", "block_document_id": block, **document["notification"]})
    return AutomationCore.model_validate({**document, "actions": actions or [_NOTHING]})


async def register(client: PrefectClient, block: str | None) -> list[str]:
    """Create or update each automation by name; the names."""
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


async def _block(client: PrefectClient, name: str) -> str:
    kind, _, document = name.partition("/")
    try:
        return str((await client.read_block_document_by_name(document, kind)).id)
    except ObjectNotFound:
        raise SystemExit(f"The server has no block {name}: make it in the UI under Blocks.") from None


async def _main(notify: str | None) -> None:
    async with get_client() as client:
        block = await _block(client, notify) if notify else None
        for name in await register(client, block):
            print(f"{name}: registered")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Create or update the automations.")
    parser.add_argument("--notify", metavar="TYPE/NAME", help="notification block, as in slack-webhook/lab")
    asyncio.run(_main(parser.parse_args().notify))
