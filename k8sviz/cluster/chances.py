"""What a real cluster decides by lot, or by when its parts were started; read from what one did.

A simulated cluster that knows them goes the way that a recording went, where another would have been as right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

from k8sviz.history import History
from k8sviz.rules.fields import integer, text

__all__ = ["NONE", "Chances", "chances_of"]

_ROUND: Final = 15.0
_REPEATED: Final = frozenset({"FailedBinding", "ProvisioningFailed", "WaitForFirstConsumer"})


class Chances(NamedTuple):
    """`round` is when the volume controller looks at everything, in seconds modulo 15 (None: as it comes).

    `nodes` are the nodes that each Pod went to, one for each time that it came, where the scheduler saw equal ones.
    """

    round: float | None = None
    nodes: Mapping[tuple[str, str], tuple[str, ...]] = {}


NONE: Final = Chances()


def chances_of(history: History, *, until: float | None = None) -> Chances:
    """What fell by lot in a History (up to a time), as far as it shows.

    >>> chances_of(History()).round is None
    True
    """
    rounds: list[float] = []
    nodes: dict[tuple[str, str], list[str]] = {}
    seen: set[str] = set()
    for event in history:
        obj = event.object
        if until is not None and event.t > until:
            break
        if event.type == "MODIFIED" and obj.get("reason") in _REPEATED and (integer(obj, "count") or 1) > 1:
            rounds.append(event.t % _ROUND)
        uid, node = text(obj, "metadata", "uid"), text(obj, "spec", "nodeName")
        if obj.get("kind") == "Pod" and node and uid not in seen:
            seen.add(uid)
            nodes.setdefault((text(obj, "metadata", "namespace"), text(obj, "metadata", "name")), []).append(node)
    return Chances(_usual(rounds), {key: tuple(found) for key, found in nodes.items()})


def _usual(rounds: list[float]) -> float | None:
    """The moment at which most came, within a second."""
    counts = Counter(round(one) % _ROUND for one in rounds)
    usual = max(counts, key=lambda one: counts[one], default=None)
    return next((one for one in rounds if round(one) % _ROUND == usual), None)
