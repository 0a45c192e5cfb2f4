"""Which names look like production: before anything is written to such a cluster, a person is asked."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["ANYWHERE", "AS_WORDS", "looks_like_production"]

ANYWHERE: Final = (
    *("prod", "pr0d", "prd", "produktion", "produzione", "produccion", "producao", "produkcja", "uretim"),
    *("прод", "боев", "生产", "生產", "正式", "线上", "線上", "本番", "운영", "프로덕션", "إنتاج"),
)
"""What looks like production wherever it stands in a name, without accents and whatever the case."""
AS_WORDS: Final = ("live", "critical", "customer", "customers")
"""What looks like production as a word of its own; `live` also at a word's beginning or end."""
_WORDS: Final = re.compile(r"[^\W\d_]+")


def looks_like_production(name: str) -> bool:
    """Whether a context, cluster, user or host is called as production clusters are.

    >>> [looks_like_production(n) for n in ("myproduction", "preprod", "PRD-2", "eu.live.org", "生产", "mylive")]
    [True, True, True, True, True, True]
    >>> [looks_like_production(n) for n in ("kind-k8sviz", "minikube", "dev", "delivery", "oliver", "staging")]
    [False, False, False, False, False, False]
    """
    plain = _plain(name)
    if any(_plain(word) in plain for word in ANYWHERE):
        return True
    words = _WORDS.findall(plain)
    return any(word in AS_WORDS or word.endswith("live") or word.startswith("live") for word in words)


def _plain(word: str) -> str:
    found = unicodedata.normalize("NFKD", word).casefold()
    return "".join(letter for letter in found if not unicodedata.combining(letter) and letter.isprintable())
