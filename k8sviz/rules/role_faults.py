"""Rules of roles that allow nothing, since no request ever has their group, resource or verb.

RBAC compares words (pkg/apis/rbac/v1/evaluation_helpers.go): a plural in small letters, a group without its version.
The API server takes any; what matches nothing is found by nobody but a refused program.
"""

import difflib
from collections.abc import Collection, Iterator
from typing import Final

from k8sviz.kinds import may_be_own
from k8sviz.rules.api_resources import RESOURCES, VERBS
from k8sviz.rules.fields import JSON, listed, strings
from k8sviz.rules.reasons import Reason
from k8sviz.words import say

__all__ = ["fault_words", "role_faults", "rule_faults"]

_SO_NEAR: Final = 0.9  # gateway.networking.k8s.io is somebody's own, rbac.authorisation.k8s.io a mistake
_GONE: Final = frozenset({"extensions"})
_OF_ANY: Final = frozenset({"finalizers", "status"})  # asked for by admission, or written by generators: no harm


def rule_faults(rule: JSON, custom: Collection[tuple[str, str]] = ()) -> list[Reason]:
    """What is in a rule that matches nothing, a Reason of `access.fault` each; the rest of the rule may well match.

    `custom` are group and plural of the CustomResourceDefinitions that are known. Facts: `field` and `index` say where
    in the rule, `value` is what is there, `right` what was meant, '' where nobody can tell.

    >>> [(r.code, r.facts["right"]) for r in rule_faults({"apiGroups": ["apps/v1"], "resources": ["deployments"]})]
    [('group-version', 'apps')]
    >>> [(r.code, r.facts["right"]) for r in rule_faults({"apiGroups": [""], "resources": ["Pods", "pods/log"]})]
    [('resource-word', 'pods')]
    >>> rule_faults({"apiGroups": ["apps", "example.com"], "resources": ["deployments", "things"]})
    []
    """
    groups, resources = strings(rule, "apiGroups"), strings(rule, "resources")
    found = [fault for i, group in enumerate(groups) if (fault := _group(i, group, resources)) is not None]
    bad = {fault.facts["value"] for fault in found}
    alive = [group for group in groups if group not in bad]
    if alive or not bad:
        for i, resource in enumerate(resources):
            fault = _resource(i, resource, alive, set(custom))
            found += [fault] if fault is not None else []
    own = all(group in RESOURCES for group in groups)
    found += _verbs(strings(rule, "verbs")) if own else []
    return found


def role_faults(role: JSON, custom: Collection[tuple[str, str]] = ()) -> list[tuple[int, Reason]]:
    """What matches nothing in a role's rules, by the rule's place.

    A group that is gone does no harm beside the one that took its place.

    >>> rules = [{"apiGroups": [group], "resources": ["ingresses"]} for group in ("extensions", "networking.k8s.io")]
    >>> role_faults({"rules": rules}), len(role_faults({"rules": rules[:1]}))
    ([], 1)
    """
    rules = listed(role, "rules")
    covered = {(group, each) for rule in rules for group in strings(rule, "apiGroups") for each in _plurals(rule)}
    found: list[tuple[int, Reason]] = []
    for i, rule in enumerate(rules):
        old = set(strings(rule, "apiGroups")) <= _GONE
        for fault in rule_faults(rule, custom):
            plural = fault.facts["value"].partition("/")[0]
            if not (old and any((home, plural) in covered for home in _homes(plural))):
                found.append((i, fault))
    return found


def _plurals(rule: JSON) -> set[str]:
    return {each.partition("/")[0] for each in strings(rule, "resources")}


def fault_words(fault: Reason) -> str:
    """The sentence for one of `rule_faults`."""
    return say(f"access.fault.{fault.code}{'-right' if fault.facts['right'] else ''}", **fault.facts)


def _fault(code: str, field: str, index: int, value: str, right: str, **more: str) -> Reason:
    return Reason(code, {"field": field, "index": str(index), "value": value, "right": right, **more})


def _group(index: int, group: str, resources: list[str]) -> Reason | None:
    if group == "*" or group in RESOURCES or group in _GONE:
        return None
    head = group.partition("/")[0]
    if "/" in group:
        return _fault("group-version", "apiGroups", index, group, head if head in RESOURCES else "")
    if group in ("v1", "core"):
        return _fault("group-core", "apiGroups", index, group, '""')
    near = difflib.get_close_matches(group.lower(), RESOURCES, n=1, cutoff=0.6 if "." not in group else _SO_NEAR)
    homes = {home for resource in resources for home in _homes(resource)}
    if "." not in group:
        right = near[0] if near else next(iter(sorted(homes)), "") if len(homes) == 1 else ""
        return _fault("group-unknown", "apiGroups", index, group, right or ("" if not homes else '""'))
    if may_be_own(f"{group}/v1") and near:
        return _fault("group-unknown", "apiGroups", index, group, near[0])
    return None


def _resource(index: int, resource: str, groups: list[str], custom: set[tuple[str, str]]) -> Reason | None:
    """A resource that none of the rule's groups has."""
    foreign = any(group not in RESOURCES and group not in _GONE for group in groups)
    if resource.startswith("*") or "*" in groups or foreign:
        return None
    plural, _, part = resource.partition("/")
    if any((group, plural) in custom for group in groups):
        return None
    for group in groups:
        known = RESOURCES.get(group, frozenset())
        if resource in known or (plural in known and (part in _OF_ANY or part == "*")):
            return None
    homes = _homes(resource)
    if homes:
        shown = ", ".join(group or '""' for group in homes)
        return _fault("resource-group", "resources", index, resource, shown)
    right = _meant(resource, [each for group in groups for each in RESOURCES.get(group, ())])
    right = right or _meant(resource, [each for known in RESOURCES.values() for each in known])
    plurals = {each.partition("/")[0] for group in groups for each in RESOURCES.get(group, ())}
    code = "resource-part" if part and plural in plurals else "resource-word"
    return _fault(code, "resources", index, resource, right)


def _homes(resource: str) -> list[str]:
    """The groups that have a resource."""
    return [group for group, known in RESOURCES.items() if resource in known]


def _meant(resource: str, known: list[str]) -> str:
    """The resource that somebody meant: in small letters, in the plural, or nearly so."""
    lower = resource.lower()
    for word in (lower, f"{lower}s", f"{lower}es", f"{lower[:-1]}ies"):
        if word in known:
            return word
    near = difflib.get_close_matches(lower, sorted(set(known)), n=1, cutoff=0.8)
    return near[0] if near else ""


def _verbs(verbs: list[str]) -> Iterator[Reason]:
    for i, verb in enumerate(verbs):
        if verb != "*" and verb not in VERBS and ":" not in verb:
            near = difflib.get_close_matches(verb.lower(), sorted(VERBS), n=1, cutoff=0.7)
            yield _fault("verb-unknown", "verbs", i, verb, near[0] if near else "")
