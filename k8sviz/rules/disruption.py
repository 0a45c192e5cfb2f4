"""May a Pod be evicted: how many Pods a PodDisruptionBudget wants healthy, and how many are.

Rules: pkg/controller/disruption/disruption.go (getExpectedPodCount), pkg/registry/core/pod/storage/eviction.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from k8sviz.rules.fields import mapped, mapping, text
from k8sviz.rules.meta import is_terminating
from k8sviz.rules.pods import is_ready
from k8sviz.rules.rollout import scaled_value
from k8sviz.rules.selectors import labels_of, matches

__all__ = ["Health", "budgets_of", "health", "may_evict"]

JSON = Mapping[str, Any]


class Health(NamedTuple):
    """What a budget counts: the Pods that are healthy, and how many it wants."""

    healthy: int
    wanted: int

    @property
    def allowed(self) -> int:
        """How many may go now."""
        return max(0, self.healthy - self.wanted)


def budgets_of(pod: JSON, budgets: Iterable[JSON]) -> list[JSON]:
    """The budgets of its namespace that select a Pod."""
    home = text(pod, "metadata", "namespace")
    return [
        budget
        for budget in budgets
        if text(budget, "metadata", "namespace") == home and matches(mapped(budget, "spec", "selector"), labels_of(pod))
    ]


def health(budget: JSON, pods: Sequence[JSON], expected: int) -> Health:
    """A budget's count of its Pods; `expected` is how many their controllers want together.

    >>> ready = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    >>> health({"spec": {"maxUnavailable": 1}}, [ready, ready, {}], 3)
    Health(healthy=2, wanted=2)
    """
    healthy = sum(is_ready(pod) and not is_terminating(pod) for pod in pods)
    spec = mapping(budget, "spec")
    if "maxUnavailable" in spec:
        return Health(healthy, max(0, expected - scaled_value(spec["maxUnavailable"], expected, round_up=True)))
    least = spec.get("minAvailable", 1)
    return Health(healthy, least if isinstance(least, int) else scaled_value(least, expected, round_up=True))


def may_evict(budget: JSON, pod: JSON, found: Health) -> bool:
    """Whether the budget lets this Pod go; one that is not healthy may go while enough others are, or always.

    >>> may_evict({"spec": {}}, {"status": {"phase": "Running"}}, Health(2, 2))
    True
    """
    if not is_ready(pod):
        always = text(budget, "spec", "unhealthyPodEvictionPolicy") == "AlwaysAllow"
        return always or (found.healthy >= found.wanted and found.wanted > 0) or found.allowed > 0
    return found.allowed > 0
