"""How many Pods a PodDisruptionBudget lets go now.

Rules: pkg/controller/disruption/disruption.go (getExpectedPodCount, countHealthyPods, updatePdbStatus), as of v1.36.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8sviz.rules.fields import integer, listed, mapping, text
from k8sviz.rules.meta import is_terminating
from k8sviz.rules.pods import is_ready
from k8sviz.rules.rollout import scaled_value

__all__ = ["budget_status"]

JSON = Mapping[str, Any]


def budget_status(budget: JSON, pods: Sequence[JSON], wanted: int, stamp: str) -> dict[str, Any]:
    """The budget's status: `pods` are those that it selects, `wanted` is what their workloads ask for together.

    minAvailable and maxUnavailable as percentages are of what is wanted, rounded up.

    >>> ready = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    >>> status = budget_status({"spec": {"minAvailable": "50%"}}, [ready] * 3, 3, "now")
    >>> status["desiredHealthy"], status["disruptionsAllowed"]
    (2, 1)
    """
    spec = mapping(budget, "spec")
    healthy = sum(is_ready(pod) and not is_terminating(pod) for pod in pods)
    if "maxUnavailable" in spec:
        expected = wanted
        needed = max(0, expected - scaled_value(spec["maxUnavailable"], expected, round_up=True))
    else:
        least = spec.get("minAvailable", 0)
        expected = len(pods) if isinstance(least, int) else wanted
        needed = least if isinstance(least, int) else scaled_value(least, expected, round_up=True)
    allowed = max(0, healthy - needed) if expected > 0 else 0
    status: dict[str, Any] = {
        "observedGeneration": integer(budget, "metadata", "generation"),
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": needed,
        "expectedPods": expected,
    }
    said = ("True", "SufficientPods") if allowed else ("False", "InsufficientPods")
    before = next((c for c in listed(budget, "status", "conditions") if text(c, "type") == "DisruptionAllowed"), {})
    since = text(before, "lastTransitionTime") if text(before, "status") == said[0] else stamp
    status["conditions"] = [
        {
            "type": "DisruptionAllowed",
            "status": said[0],
            "observedGeneration": integer(budget, "metadata", "generation"),
            "lastTransitionTime": since,
            "reason": said[1],
            "message": "",
        }
    ]
    return status
