"""Reads fields of JSON objects without ever failing: a field of the wrong type counts as absent.

Manifests come from people and recordings from anywhere; a rule must answer for both, never with a traceback.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["JSON", "Object", "flag", "integer", "listed", "mapped", "mapping", "string", "strings", "text"]

JSON = Mapping[str, Any]
"""An object, or a part of one, that is only read."""
Object = dict[str, Any]
"""An object as the API sends it."""
_EMPTY: Mapping[str, Any] = {}
_OBJECT: Final = (dict, Mapping)  # asking for dict first is a third of the time: almost all are


def _at(value: object, path: tuple[str, ...]) -> object:
    """Whatever is at this path; None when it is missing."""
    for name in path:
        if not isinstance(value, _OBJECT):
            return None
        value = value.get(name)
    return value


def mapping(value: object, *path: str) -> Mapping[str, Any]:
    """The JSON object at this path; empty when it is missing or something else.

    >>> mapping({"spec": {"a": {"b": 1}}}, "spec", "a"), mapping({"spec": 3}, "spec", "a")
    ({'b': 1}, {})
    """
    found = _at(value, path)
    return found if isinstance(found, _OBJECT) else _EMPTY


def mapped(value: object, *path: str) -> Mapping[str, Any] | None:
    """The JSON object at this path; None when it is missing, so that `{}` and nothing stay apart."""
    found = _at(value, path)
    return found if isinstance(found, _OBJECT) else None


def listed(value: object, *path: str) -> list[Mapping[str, Any]]:
    """The JSON objects of the list at this path."""
    found = _at(value, path)
    return [item for item in found if isinstance(item, _OBJECT)] if isinstance(found, list | tuple) else []


def strings(value: object, *path: str) -> list[str]:
    """The strings of the list at this path."""
    found = _at(value, path)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list | tuple) else []


def string(value: object, *path: str) -> str | None:
    """The string at this path; None when it is missing."""
    found = _at(value, path)
    return found if isinstance(found, str) else None


def text(value: object, *path: str) -> str:
    """The string at this path; empty when it is missing, as a Go field without a value is."""
    found = _at(value, path)
    return found if isinstance(found, str) else ""


def integer(value: object, *path: str) -> int | None:
    """The whole number at this path (true and false are none); None when it is missing."""
    found = _at(value, path)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def flag(value: object, *path: str) -> bool | None:
    """The boolean at this path; None when it is missing."""
    found = _at(value, path)
    return found if isinstance(found, bool) else None
