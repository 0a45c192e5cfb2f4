"""Everything said to people by rules, labels and messages, apart from the logic, so that it can be translated.

Each room's words are a TOML file under the language's folder: a table of codes and templates.
"""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any

__all__ = ["say", "templates"]

_LANGUAGE = "en"


@functools.cache
def templates(room: str) -> dict[str, Any]:
    """The words of one room (a file's stem), nested by table."""
    return tomllib.loads((Path(__file__).parent / _LANGUAGE / f"{room}.toml").read_text(encoding="utf-8"))


def say(code: str, /, **facts: object) -> str:
    """The sentence for a code `room.table.name`, with its facts put in.

    Facts are put in as they are, never read as templates. Raises KeyError for an unknown code: a test
    checks that every code in the package has its words.
    """
    room, *path = code.split(".")
    found: Any = templates(room)
    for part in path:
        found = found[part]
    return str(found).format_map(facts).strip()
