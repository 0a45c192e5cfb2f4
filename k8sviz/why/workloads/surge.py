"""A rolling update in a circle: the new Pod waits for what an old one has, which stays until the new is Ready."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from k8sviz.history import Object
from k8sviz.rules.deployment import uses_recreate
from k8sviz.rules.fields import integer, mapping
from k8sviz.rules.pods import is_ready
from k8sviz.rules.rollout import DEFAULT_FENCEPOST, rollout_bounds
from k8sviz.why.case import Case, called, condition_fact, fields, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.pods.refused import refusal_words, refusals_of
from k8sviz.words import say

__all__ = ["in_a_circle"]

JSON = Mapping[str, Any]

_HELD = frozenset({"volume-held-by-old", "once-pod-held"})
# refusals that end for some node when a Pod of the same kind leaves it
_FREED_BY_LEAVING = frozenset(
    {
        "anti-affinity",
        "existing-anti-affinity",
        "insufficient",
        "too-many-pods",
        "ports",
        "spread",
        "disk-conflict",
        "volume-count",
        "once-pod",
    }
)
_SURE = frozenset({"anti-affinity", "existing-anti-affinity", "ports", "disk-conflict"})


def in_a_circle(case: Case, new: Sequence[Object], old: Sequence[Object]) -> Explanation | None:
    """No old Pod may go before a new one is Ready, and no new one can be before an old one goes."""
    bounds = rollout_bounds(case.obj)
    available = integer(case.obj, "status", "availableReplicas") or 0
    waiting = [pod for pod in new if not is_ready(pod)]
    if uses_recreate(case.obj) or not old or not waiting or available > bounds.min_available:
        return None
    causes = [found for pod in waiting if (found := case.ask(pod)) is not None]
    told: dict[str, Any] = {
        "unavailable": _unavailable(case.obj, bounds.replicas, bounds.max_unavailable),
        "least": bounds.min_available,
        "name": case.name,
        "old": join(map(called, old)),
        "new": join(map(called, waiting)),
    }
    proof = [condition_fact(case.obj, "Progressing"), *_settings(case)]
    state = say("why.state.stuck")
    held = [cause for cause in causes if cause.code in _HELD]
    if held:
        because = held[0].summary
        return case.tell(
            "rollout.volume-deadlock", state, "error", evidence=proof, also=held, ends=True, because=because, **told
        )
    refused = [cause for cause in causes if cause.code == "unschedulable"]
    return _no_room(case, waiting, refused, proof, told) if len(refused) == len(waiting) else None


def _no_room(
    case: Case,
    waiting: Sequence[Object],
    refused: list[Explanation],
    proof: list[Evidence | None],
    told: dict[str, Any],
) -> Explanation | None:
    """The surge Pod finds no node; one that an old Pod leaves would do."""
    refusals = refusals_of(dataclasses.replace(case, obj=waiting[0]))
    codes = {refusal.code for refusal in refusals}
    if not codes & _FREED_BY_LEAVING:
        return None
    told["because"] = refusal_words(refusals)
    code = "rollout.no-room-for-surge" if codes & _SURE else "rollout.perhaps-no-room"
    return case.tell(code, say("why.state.stuck"), "error", evidence=proof, also=refused, ends=True, **told)


def _unavailable(deployment: JSON, replicas: int, pods: int) -> str:
    """How many Pods may be unavailable, and where the number comes from."""
    rolling = mapping(deployment, "spec", "strategy", "rollingUpdate")
    written = rolling.get("maxUnavailable", DEFAULT_FENCEPOST)
    if isinstance(written, str) and not pods:
        return say("why.rollout-words.rounds-down", written=written, replicas=replicas)
    return say("why.rollout-words.unavailable", pods=pods)


def _settings(case: Case) -> list[Evidence]:
    return fields(
        case.obj,
        ("spec", "replicas"),
        ("spec", "strategy", "type"),
        ("spec", "strategy", "rollingUpdate", "maxSurge"),
        ("spec", "strategy", "rollingUpdate", "maxUnavailable"),
        ("status", "availableReplicas"),
        ("status", "updatedReplicas"),
    )
