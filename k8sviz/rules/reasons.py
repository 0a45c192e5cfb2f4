"""A reason as data: a code and its facts. The sentences sit in `k8sviz/words/`, so that they can be translated."""

from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["Reason"]


class Reason(NamedTuple):
    """Why Kubernetes does not do something, or does it otherwise.

    `code` is kebab-case; `facts` fill the placeholders of its words, which are `rules.binding.<code>` for claims and
    volumes, `rules.pod.<code>` for Pods.

    >>> Reason("too-small", {"wanted": "5Gi", "offered": "1Gi"}).to_json()
    {'code': 'too-small', 'facts': {'wanted': '5Gi', 'offered': '1Gi'}}
    """

    code: str
    facts: Mapping[str, str] = {}

    def __hash__(self) -> int:
        return hash((self.code, tuple(sorted(self.facts.items()))))

    def to_json(self) -> dict[str, Any]:
        """The reason as plain JSON."""
        return {"code": self.code, "facts": dict(self.facts)}
