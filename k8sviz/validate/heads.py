"""What an object says that it is: its apiVersion and kind, and whether the API server has such a kind."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Final

from k8sviz.errors import nearest
from k8sviz.kinds import KINDS
from k8sviz.rules.fields import text
from k8sviz.validate.model import Problem, shown_value
from k8sviz.validate.published import kinds, own_groups, unstable
from k8sviz.words import say

__all__ = ["identity", "is_other", "known"]

# since when the API server no longer knows them
_GONE: Final = {
    **dict.fromkeys(("extensions/v1beta1", "apps/v1beta1", "apps/v1beta2"), "1.16"),
    **dict.fromkeys(
        (
            "admissionregistration.k8s.io/v1beta1",
            "apiextensions.k8s.io/v1beta1",
            "apiregistration.k8s.io/v1beta1",
            "certificates.k8s.io/v1beta1",
            "coordination.k8s.io/v1beta1",
            "networking.k8s.io/v1beta1",
            "rbac.authorization.k8s.io/v1alpha1",
            "rbac.authorization.k8s.io/v1beta1",
            "scheduling.k8s.io/v1beta1",
            "storage.k8s.io/v1beta1",
        ),
        "1.22",
    ),
    **dict.fromkeys(
        ("autoscaling/v2beta1", "batch/v1beta1", "discovery.k8s.io/v1beta1", "node.k8s.io/v1beta1", "policy/v1beta1"),
        "1.25",
    ),
    **dict.fromkeys(("autoscaling/v2beta2", "flowcontrol.apiserver.k8s.io/v1beta1"), "1.26"),
    "flowcontrol.apiserver.k8s.io/v1beta2": "1.29",
    "flowcontrol.apiserver.k8s.io/v1beta3": "1.32",
}
# kinds that went with their last version
_GONE_KINDS: Final = {"PodSecurityPolicy": "1.25", "PodPreset": "1.20", "ThirdPartyResource": "1.8"}
_SO_NEAR: Final = 0.85


def identity(obj: Mapping[str, Any]) -> tuple[str, str, str]:
    """Kind, namespace as written and name: what an update shares with the object before it."""
    return text(obj, "kind"), text(obj, "metadata", "namespace"), text(obj, "metadata", "name")


def is_other(obj: Mapping[str, Any]) -> bool:
    """Whether an object's kind is none of Kubernetes' own, or one that a cluster serves only when told to.

    >>> is_other({"apiVersion": "serving.knative.dev/v1", "kind": "Service"}), is_other({"apiVersion": "v1"})
    (True, False)
    """
    api, kind = text(obj, "apiVersion"), text(obj, "kind")
    return bool(api and kind) and (api, kind) not in kinds() and _no_such_kind(api, kind) is None


def known(obj: Mapping[str, Any]) -> tuple[list[Problem], str | None]:
    """The definition of an object's kind, or why there is none. A kind that is somebody else's has neither."""
    api, kind = obj.get("apiVersion"), obj.get("kind")
    found = [_missing_head(field, obj) for field in ("apiVersion", "kind") if not obj.get(field)]
    for field, value in (("apiVersion", api), ("kind", kind)):
        if value and not isinstance(value, str):
            found.append(Problem((field,), "no-text", {"value": shown_value(value)}))
    if found or not isinstance(api, str) or not isinstance(kind, str):
        return found, None
    definition = kinds().get((api, kind))
    problem = None if definition else _no_such_kind(api, kind)
    return [problem] if problem else [], definition


def _missing_head(field: str, obj: Mapping[str, Any]) -> Problem:
    kind = obj.get("kind")
    api = KINDS[kind].api_version if isinstance(kind, str) and kind in KINDS else "v1"
    return Problem((field,), f"no-{field.lower()}", {"api": api})


def _no_such_kind(api: str, kind: str) -> Problem | None:
    """Why the API server has no such kind; None where it may be a custom resource's."""
    group = api.rpartition("/")[0]
    versions = sorted(a for a, k in kinds() if k == kind)
    if f"{api}/{kind}" in unstable():
        return None
    if kind in _GONE_KINDS and (group in own_groups() or group == "extensions"):
        return Problem(("kind",), "gone-kind", {"kind": kind, "since": _GONE_KINDS[kind]})
    if versions and _means_own(group, versions):
        code = "gone-version" if api in _GONE else "other-version"
        facts = {"api": api, "kind": kind, "since": _GONE.get(api, ""), "right": versions[-1]}
        return Problem(("apiVersion",), code, facts)
    if any(a == api for a, _ in kinds()):
        names = [k for a, k in kinds() if a == api]
        same = next((k for k in names if k.lower() == kind.lower()), "")
        hint = say("check.hint.letters", name=same) if same else nearest(kind, names)
        return Problem(("kind",), "no-such-kind", {"kind": kind, "api": api, "hint": hint})
    return None


def _means_own(group: str, versions: list[str]) -> bool:
    """Whether somebody who wrote this group meant one of Kubernetes' own: any without a domain, or nearly that."""
    if group in own_groups() or "." not in group:
        return True
    return any(difflib.SequenceMatcher(None, group, right.rpartition("/")[0]).ratio() > _SO_NEAR for right in versions)
