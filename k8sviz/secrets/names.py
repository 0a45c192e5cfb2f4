"""The judge of names: whether a variable, a flag, a field, a header or a key says that what it holds is secret."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

__all__ = ["EVERYDAY", "JUDGE", "holds", "says_secret"]

JUDGE: Final[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "judge.toml").read_text(encoding="utf-8"))
EVERYDAY: Final = frozenset(JUDGE["values"]["everyday"].split())

_NAMES: Final[dict[str, frozenset[str]]] = {table: frozenset(words) for table, words in JUDGE["names"].items()}
_STRONG: Final = re.compile("|".join(JUDGE["names"]["strong"]))
_ENDING: Final = re.compile(rf"(?:{'|'.join(JUDGE['names']['ending'])})$")
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_NO_SECRET: Final = re.compile(JUDGE["values"]["no_secret"])
_LONGEST: Final = 200  # letters of a name


@lru_cache(4096)
def says_secret(name: str) -> bool:
    """Whether what has this name is secret.

    >>> [says_secret(n) for n in ("DB_PASSWORD", "pgpass", "apiKey2", "x-auth-token", "GITHUB_PAT", "tls.key")]
    [True, True, True, True, True, True]
    >>> [says_secret(n) for n in ("KEYCLOAK_URL", "monkey", "author", "PATH", "tokenizer", "secretName", "TOKEN_TTL")]
    [False, False, False, False, False, False, False]
    """
    words = [found.lower() for found in _WORD.findall(name[-_LONGEST:])]
    if len(words) == 1 and words[0] in ("key", "keys"):  # of a table, unless it is a variable's whole name
        return name.isupper()
    for i, word in enumerate(words):
        if word in _NAMES["other"] or not _core(word, words[i + 1] if i + 1 < len(words) else ""):
            continue
        if i and words[i - 1] in _NAMES["before"]:
            continue
        if not _NAMES["about"].intersection(words[i + 1 :]):
            return True
    return False


def _core(word: str, following: str) -> bool:
    if _STRONG.search(word) or (following and _STRONG.fullmatch(word + following)):
        return True
    if word in _NAMES["alone"]:
        return not following
    return word in _NAMES["whole"] or _ENDING.search(word) is not None


def holds(value: str) -> bool:
    """Whether a value can be secret at all: not when it is nothing, a switch, a reference, a place or a mask.

    >>> [holds(v) for v in ("geheim", "4711", "true", "$(PIN)", "/run/secrets/db", "12 bytes", "<none>", "")]
    [True, True, False, False, False, False, False, False]
    """
    return not _NO_SECRET.fullmatch(value.strip())
