"""Why the API server refuses the Pods or claims that a controller would make: quota, limits, security, names.

Wordings: plugin/pkg/admission/{resourcequota,limitranger,serviceaccount,priority}, k8s.io/pod-security-admission and
apiserver/pkg/admission/plugin/webhook, Kubernetes v1.36.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from k8sviz.rules.fields import mapping
from k8sviz.why.around import around
from k8sviz.why.case import Case, called, fact, fields
from k8sviz.why.model import Evidence, Explanation
from k8sviz.words import say

__all__ = ["refused_by_server"]

JSON = Mapping[str, Any]

_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (code, re.compile(pattern))
    for code, pattern in (
        ("refused.quota-needs", r"failed quota: (?P<name>[^\s:,]+):? must specify (?P<what>.*)"),
        ("refused.quota", r"exceeded quota: (?P<name>[^\s:,]+),? ?(?P<what>.*)"),
        ("refused.pod-security", r"violates PodSecurity \"?(?P<name>[^\"\s:]+)[^\"\s]*\"?: ?(?P<what>.*)"),
        ("refused.limit-range", r"(?P<what>(?:m(?:ax|in)imum \S+ usage|max limit to request ratio) per \w+.*)"),
        ("refused.account-missing", r"serviceaccount \"(?P<name>[^\"]+)\" not found"),
        ("refused.priority-missing", r"no PriorityClass with name (?P<name>\S+) was found"),
        ("refused.webhook-down", r"failed calling webhook \"(?P<name>[^\"]+)\": ?(?P<what>.*)"),
        ("refused.webhook", r"admission webhook \"(?P<name>[^\"]+)\" denied the request:? ?(?P<what>.*)"),
        ("refused.rights", r"unable to validate against any security context|cannot set blockOwnerDel"),
    )
)


def refused_by_server(
    case: Case, message: str, proof: Iterable[Evidence | None], also: Sequence[Explanation | None] = ()
) -> Explanation:
    """What the API server said to the controller, read against the objects that it speaks of."""
    state = say("why.state.short")
    evidence = list(proof)
    for code, pattern in _KINDS:
        found = pattern.search(message)
        if found:
            groups = found.groupdict()
            name, what = groups.get("name") or groups.get("what") or "", groups.get("what") or message
            evidence += _objects(case, code, name)
            told: dict[str, Any] = {"message": message, "name": name, "what": what.strip(), "more": ""}
            return _told(case, code, state, evidence, [*also], told)
    return case.tell("rollout.pods-refused", state, "error", evidence=evidence, also=also, message=message)


def _told(
    case: Case,
    code: str,
    state: str,
    evidence: list[Evidence | None],
    also: list[Explanation | None],
    told: dict[str, Any],
) -> Explanation:
    if code == "refused.account-missing":
        near = around(case, "ServiceAccount", told["name"])
        told["more"] = say("why.pull.elsewhere", place=near.place) if near.where else near.hint
        evidence += near.evidence
    told["namespace"] = case.namespace or "default"
    return case.tell(code, state, "error", evidence=evidence, also=also, **told)


def _objects(case: Case, code: str, name: str) -> list[Evidence | None]:
    """What the object that refuses says."""
    if code in ("refused.quota", "refused.quota-needs"):
        quota = case.find("ResourceQuota", name)
        return [*fields(quota or {}, ("status", "hard"), ("status", "used"))] if quota else []
    if code == "refused.limit-range":
        ranges = case.snapshot.objects("LimitRange", namespace=case.namespace or None)
        return [fact(found, "spec", "limits") for found in ranges[:3]]
    if code == "refused.pod-security":
        space = case.snapshot.get("Namespace", case.namespace)
        labels = mapping(space, "metadata", "labels")
        wanted = [key for key in labels if str(key).startswith("pod-security.kubernetes.io/")]
        path = say("why.text.field", path="metadata.labels", subject=called(space)) if space else ""
        return [Evidence(path, ", ".join(f"{key}={labels[key]}" for key in wanted))] if wanted else []
    if code == "refused.account-missing":
        return [case.fact("spec", "template", "spec", "serviceAccountName")]
    return [case.fact("spec", "template", "spec", "priorityClassName")] if code == "refused.priority-missing" else []
