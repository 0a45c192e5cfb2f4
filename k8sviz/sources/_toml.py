"""What the course's questions and exercises are read with: a folder a language, a file a chapter, tables in TOML.

The functions that look into one table raise TypeError or ValueError; who reads a file says which table it was.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from k8sviz.errors import K8svizError, nearest
from k8sviz.sources.labs import data_dir

__all__ = ["ID", "LANGUAGE", "checked_prose", "folder", "only", "prose", "read_tables", "rows", "text"]

LANGUAGE: Final = "en"
ID: Final = re.compile(r"\d\d-[a-z0-9]+(-[a-z0-9]+)*")


def folder(kind: str, data: Path | None, language: str) -> Path:
    """The folder of one language below `kind`. Raises K8svizError that names the languages that there are."""
    root = (data or data_dir()) / kind
    if not (root / language).is_dir():
        known = [path.name for path in root.iterdir()] if root.is_dir() else []
        raise K8svizError(f"there are no {kind} in {language!r}; {nearest(language, known)}")
    return root / language


def read_tables(path: Path, name: str) -> tuple[Mapping[str, Any], list[Any]]:
    """A file's content and its [[name]] tables, of which there is one at least. Raises K8svizError."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise K8svizError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise K8svizError(f"{path}: not TOML: {error}") from error
    tables = content.get(name)
    if not isinstance(tables, list) or not tables:
        raise K8svizError(f"{path}: no [[{name}]] in it")
    return content, tables


def only(row: Any, known: set[str]) -> None:
    """Raise unless it is a table that has none but the known keys."""
    if not isinstance(row, Mapping):
        raise TypeError("not a table")
    for key in row:
        if key not in known:
            raise ValueError(f"unknown key {key!r}; {nearest(key, known)}")


def rows(row: Mapping[str, Any], key: str, problem: str = "") -> list[Any]:
    """The list at a key, which may be missing. `problem` is what to say when it is no list."""
    value = row.get(key, [])
    if not isinstance(value, list):
        raise TypeError(problem or f"{key} is not a list")
    return value


def text(row: Mapping[str, Any], key: str, default: str | None = None) -> str:
    """The text at a key without the empty lines around it."""
    value = row.get(key, default)
    if not isinstance(value, str):
        raise TypeError(f"{key} is missing" if value is None else f"{key} is not text")
    return value.strip("\n")


def prose(row: Mapping[str, Any], key: str) -> str:
    """The text for people at a key (see `checked_prose`)."""
    return checked_prose(row.get(key), key)


def checked_prose(value: Any, key: str) -> str:
    """Text for people: there is some, on one line, and every piece of code in it is closed."""
    line = " ".join(text({key: value}, key).split())
    if not line:
        raise ValueError(f"{key} is empty")
    if line.count("`") % 2:
        raise ValueError(f"a backtick in {key} is not closed")
    return line
