"""How many Pods a Deployment may have, and must keep, while it rolls out.

Rules: pkg/controller/deployment/util (ResolveFenceposts, MaxUnavailable, MaxSurge, MinAvailable), the API's defaults.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from k8sviz.errors import K8svizError
from k8sviz.rules.fields import flag, integer, mapping, text

__all__ = ["DEFAULT_FENCEPOST", "RolloutBounds", "is_paused", "resolve_fenceposts", "rollout_bounds", "scaled_value"]

DEFAULT_FENCEPOST = "25%"
"""What maxSurge and maxUnavailable are when a Deployment names none."""

_PERCENT = re.compile(r"([0-9]{1,9})%\Z")


class RolloutBounds(NamedTuple):
    """The bounds of a rollout, in Pods.

    `max_total` Pods exist at most (terminating ones aside), `min_available` are available at least.
    """

    replicas: int
    max_surge: int
    max_unavailable: int
    max_total: int
    min_available: int


def scaled_value(value: int | str, total: int, *, round_up: bool) -> int:
    """A number as it is, or a percentage of `total` Pods (intstr.GetScaledValueFromIntOrPercent).

    Raises K8svizError for a text that is no percentage.

    >>> scaled_value("25%", 10, round_up=True), scaled_value("25%", 10, round_up=False)
    (3, 2)
    """
    if isinstance(value, int):
        return value
    found = _PERCENT.match(value)
    if found is None:
        raise K8svizError(f"{value[:40]!r} is neither a number nor a percentage; write for example 1 or 25%")
    share = int(found[1]) * total
    return -(-share // 100) if round_up else share // 100


def resolve_fenceposts(max_surge: int | str, max_unavailable: int | str, desired: int) -> tuple[int, int]:
    """(surge, unavailable) in Pods: surge rounds up, unavailable rounds down, and both zero make one unavailable.

    Without that last rule a small Deployment with `maxSurge: 0` and `maxUnavailable: 10%` could never move.

    >>> resolve_fenceposts("25%", "25%", 4), resolve_fenceposts("25%", "25%", 3), resolve_fenceposts(0, "10%", 3)
    ((1, 1), (1, 0), (0, 1))
    """
    surge = scaled_value(max_surge, desired, round_up=True)
    unavailable = scaled_value(max_unavailable, desired, round_up=False)
    return (0, 1) if surge == 0 and unavailable == 0 else (surge, unavailable)


def rollout_bounds(deployment: Mapping[str, Any]) -> RolloutBounds:
    """The bounds of a Deployment's rollout, with the API's defaults (1 replica, RollingUpdate, 25% and 25%).

    Under Recreate the old Pods go first: nothing surges and nothing need stay available.

    >>> rollout_bounds({"spec": {"replicas": 4}})
    RolloutBounds(replicas=4, max_surge=1, max_unavailable=1, max_total=5, min_available=3)
    >>> rollout_bounds({"spec": {"replicas": 3, "strategy": {"type": "Recreate"}}}).min_available
    0
    """
    replicas = integer(deployment, "spec", "replicas")
    replicas = 1 if replicas is None else max(0, replicas)
    if text(deployment, "spec", "strategy", "type") == "Recreate":
        return RolloutBounds(replicas, 0, replicas, replicas, 0)
    rolling = mapping(deployment, "spec", "strategy", "rollingUpdate")
    max_surge, max_unavailable = _fencepost(rolling, "maxSurge"), _fencepost(rolling, "maxUnavailable")
    surge, unavailable = resolve_fenceposts(max_surge, max_unavailable, replicas)
    # more than all cannot be unavailable, and of none, none
    unavailable = min(unavailable, replicas)
    return RolloutBounds(replicas, surge, unavailable, replicas + surge, replicas - unavailable)


def _fencepost(rolling: Mapping[str, Any], name: str) -> int | str:
    value = rolling.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return max(0, value)
    return value if isinstance(value, str) else DEFAULT_FENCEPOST


def is_paused(deployment: Mapping[str, Any]) -> bool:
    """spec.paused."""
    return bool(flag(deployment, "spec", "paused"))
