"""Hides what Secrets hold: a player is a file that people pass on, so their values must not travel in it.

Diagrams never show values; this is for what people typed and what commands printed.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from k8sviz.history import History, Object

__all__ = ["HIDDEN", "veil"]

HIDDEN: Final = "•••"
_SHORTEST: Final = 3  # hiding every "a" would hide nothing and spoil everything
_NOT_SECRET: Final = {"namespace", "ca.crt"}  # of a service account's token: public, and words of daily use


def veil(history: History) -> Callable[[str], str]:
    """A function that puts `HIDDEN` in place of every value of every Secret that the History ever held.

    Values are found as the API has them (base64) and decoded: whole, line by line, and the texts inside JSON,
    where they stand as words of their own.
    """
    secrets = (e.object for ref in history.refs("Secret") for e in history.versions(*_place(ref)))
    words = sorted({w for s in secrets for w in _values(s) if len(w) >= _SHORTEST}, key=len, reverse=True)
    if not words:
        return lambda text: text
    pattern = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, words)) + r")(?!\w)")
    return lambda text: pattern.sub(HIDDEN, text)


def _place(ref: Any) -> tuple[str, str, str]:
    return ref.kind, ref.name, ref.namespace


def _values(secret: Object) -> Iterator[str]:
    public = _NOT_SECRET if secret.get("type") == "kubernetes.io/service-account-token" else set()
    for table in ("data", "stringData"):
        entries = secret.get(table)
        for key, value in entries.items() if isinstance(entries, dict) else ():
            if isinstance(value, str) and key not in public:
                yield from _forms(value, encoded=table == "data")


def _forms(value: str, *, encoded: bool) -> Iterator[str]:
    yield value.strip()
    if encoded:
        try:
            value = base64.b64decode(value, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            return
        yield value.strip()
    yield from (line.strip() for line in value.splitlines())
    if value.lstrip().startswith("{"):
        try:
            yield from _leaves(json.loads(value))
        except (ValueError, RecursionError):
            return


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _leaves(inner)
