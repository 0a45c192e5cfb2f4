"""Everything said to people by rules, labels and messages, apart from the logic, so that it can be translated.

Each room's words are a TOML file under the language's folder: a table of codes and templates.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

__all__ = ["say", "templates"]

_LANGUAGE = "en"
_TABLE = re.compile(r"\[[\w-]+(?:\.[\w-]+)*\]", re.ASCII)
_TEXT = re.compile(r'[\w-]+ = "[^"\\\x00-\x1f]*(?:\\["\\nt][^"\\\x00-\x1f]*)*"', re.ASCII)


@functools.cache
def templates(room: str) -> dict[str, Any]:
    """The words of one room (a file's stem), nested by table."""
    written = (Path(__file__).parent / _LANGUAGE / f"{room}.toml").read_text(encoding="utf-8")
    found = _plain(written)
    if found is None:
        import tomllib  # here: what it loads, and the time it takes, is a tenth of a small picture's

        found = tomllib.loads(written)
    return found


def _plain(written: str) -> dict[str, Any] | None:
    """Tables of texts, each on its line and quoted as in JSON, as most rooms are; None where there is more.

    >>> _plain('[title]\\nall = "Overview"'), _plain("sizes = [1, 2]")
    ({'title': {'all': 'Overview'}}, None)
    """
    found: dict[str, Any] = {}
    table = found
    for line in written.splitlines():
        if not line or line[0] == "#":
            continue
        if _TABLE.fullmatch(line):
            table = found
            for name in line[1:-1].split("."):
                table = table.setdefault(name, {})
        elif _TEXT.fullmatch(line):
            key, _, value = line.partition(" = ")
            table[key] = json.loads(value)
        else:
            return None
    return found


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
