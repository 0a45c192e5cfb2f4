"""Names that lead nowhere: keys that their ConfigMap has not, objects in another namespace, and, where a set of
manifests is meant to be whole, everything that is not in it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from k8sviz.kinds import KINDS, may_be_own
from k8sviz.rules.fields import mapping, text
from k8sviz.rules.role_faults import fault_words, role_faults
from k8sviz.validate.among import Among, home_of
from k8sviz.validate.model import Problem, shown_value
from k8sviz.validate.uses import Use, uses

__all__ = ["missing_problems", "name_doubts", "role_doubts"]

JSON = Mapping[str, Any]
_SO_NEAR: Final = 0.85
_HOLDERS: Final = ("ConfigMap", "Secret")
# what a cluster has without anybody's manifest
_ALWAYS: Final = {
    "ServiceAccount": ("default",),
    "ConfigMap": ("kube-root-ca.crt",),
    "ClusterRole": ("cluster-admin", "admin", "edit", "view"),
    "Namespace": ("default", "kube-system", "kube-public", "kube-node-lease"),
}
_SYSTEM: Final = ("system:", "system-")


def name_doubts(obj: JSON, among: Among) -> Iterator[Problem]:
    """Names that are likely mistakes whatever else there is: wrong keys, wrong namespaces, one letter too few."""
    seen: set[tuple[object, ...]] = set()
    for use in uses(obj):
        found = among.find(use.kind, use.name, use.namespace)
        if found is not None:
            yield from _key(use, found)
            continue
        problem = _elsewhere(use, among) or _near(use, among)
        if problem is not None and problem.path not in seen:
            seen.add(problem.path)
            yield problem


def _key(use: Use, holder: JSON) -> Iterator[Problem]:
    """A key that the object of this name has not."""
    if not use.key or use.optional or use.kind not in _HOLDERS:
        return
    keys = {**mapping(holder, "data"), **mapping(holder, "binaryData"), **mapping(holder, "stringData")}
    if use.key not in keys:
        code = "no-such-key-folder" if use.path == use.key_path else "no-such-key"
        known = ", ".join(list(keys)[:8]) or "-"
        facts = {"kind": use.kind, "name": shown_value(use.name), "value": shown_value(use.key), "known": known}
        yield Problem(use.key_path, code, facts, error=False)


def _elsewhere(use: Use, among: Among) -> Problem | None:
    if use.kind not in KINDS or not KINDS[use.kind].namespaced or _is_always(use):
        return None
    other = among.elsewhere(use.kind, use.name, use.namespace)
    if not other:
        return None
    facts = {"kind": use.kind, "name": shown_value(use.name), "namespace": use.namespace or "-", "other": other}
    return Problem(use.path, "in-other-namespace", facts, error=False)


def _near(use: Use, among: Among) -> Problem | None:
    """A name that is nearly that of something here; names that differ in a number are a series, and no mistake."""
    if use.optional or _is_always(use):
        return None
    names = among.names(use.kind, use.namespace)
    for name in difflib.get_close_matches(use.name, names, n=2, cutoff=_SO_NEAR):
        if _letters(name) != _letters(use.name) and sorted(name.split("-")) != sorted(use.name.split("-")):
            shared = len(set(name.split("-")) & set(use.name.split("-")))
            if shared >= max(len(name.split("-")), len(use.name.split("-"))) - 1:
                facts = {"kind": use.kind, "value": shown_value(use.name), "near": shown_value(name)}
                return Problem(use.path, "near-name", facts, error=False)
    return None


def _letters(name: str) -> str:
    return "".join(letter for letter in name if not letter.isdigit())


def _is_always(use: Use) -> bool:
    return use.name in _ALWAYS.get(use.kind, ()) or use.name.startswith(_SYSTEM)


def missing_problems(obj: JSON, among: Among, made: frozenset[str]) -> Iterator[Problem]:
    """What an object names and the whole set does not have. `made` are names that custom resources speak of.

    An operator may make what a custom resource names: a Secret of a Certificate, a claim of a database.
    """
    home = home_of(obj)
    namespaced = [] if not home else [Use(("metadata", "namespace"), "Namespace", home)]
    seen: set[tuple[object, ...]] = set()
    for use in (*uses(obj), *namespaced):
        if use.optional or _is_always(use) or use.name in made or use.path in seen or use.kind not in KINDS:
            continue
        if among.find(use.kind, use.name, use.namespace) is None:
            seen.add(use.path)
            yield Problem(use.path, "not-in-set", {"kind": use.kind, "value": shown_value(use.name)})


def role_doubts(role: JSON, among: Among) -> Iterator[Problem]:
    """Rules of a role that allow nothing, since they match nothing."""
    if text(role, "kind") not in ("Role", "ClusterRole") or not may_be_own(text(role, "apiVersion")):
        return
    for i, fault in role_faults(role, among.custom):
        path = ("rules", i, fault.facts["field"], int(fault.facts["index"]))
        yield Problem(path, "matches-nothing", {"fault": fault_words(fault)}, error=False)
