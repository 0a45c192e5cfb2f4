"""What words name: TYPE[,TYPE] [NAME…] or TYPE/NAME… (k8s.io/cli-runtime/pkg/resource: the Builder)."""

from __future__ import annotations

from collections.abc import Sequence

from k8sviz.kubectl.failed import Failed
from k8sviz.kubectl.resources import ALL, Resource, of_kind
from k8sviz.kubectl.session import Session, Wanted

__all__ = ["kinds_of", "wanted", "wanted_names"]

_MIXED = (
    "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form "
    "(e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'"
)


def wanted(session: Session, words: Sequence[str]) -> list[Wanted]:
    """What the words name. Raises Failed."""
    if not words:
        return []
    if any("/" in word for word in words):
        return [_slashed(session, word, len(words)) for word in words]
    found = kinds_of(session, words[0])
    if len(words) == 1:
        return [Wanted(one) for one in found]
    return [Wanted(one, name) for one in found for name in words[1:]]


def wanted_names(session: Session, words: Sequence[str]) -> list[Wanted]:
    """As `wanted`, where a name must be given. Raises Failed."""
    found = wanted(session, words)
    if not found or any(not one.name for one in found):
        raise Failed("resource(s) were provided, but no name was specified")
    return found


def kinds_of(session: Session, word: str) -> list[Resource]:
    """The resources of `pods`, `deploy,rs`, `all`. Raises Failed."""
    found: list[Resource] = []
    for part in word.split(","):
        if part == "all":
            found += [one for kind in ALL if (one := of_kind(kind))]
        elif part:
            found.append(session.resource(part))
        else:
            raise Failed("arguments in resource/name form must have a single resource and name")
    return found


def _slashed(session: Session, word: str, count: int) -> Wanted:
    kind, slash, name = word.partition("/")
    if not slash:
        raise Failed(_MIXED) if count > 1 else Failed(f"not a name: {word}")
    if not kind or not name or "/" in name or "," in kind:
        raise Failed("arguments in resource/name form must have a single resource and name")
    return Wanted(session.resource(kind), name)
