"""Where a Pod may run beside other Pods: affinity, anti-affinity, and spreading over a topology.

Rules: pkg/scheduler/framework/plugins/interpodaffinity and podtopologyspread (v1.36).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from k8sviz.rules.fields import JSON, integer, listed, mapped, mapping, strings, text
from k8sviz.rules.scheduling import Refused, untolerated
from k8sviz.rules.selectors import labels_of, matches, node_allows_pod

__all__ = ["has_required_terms", "pod_refusals"]


_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
_AFFINITY: Final = Refused("node(s) didn't match pod affinity rules")
_ANTI: Final = Refused("node(s) didn't match pod anti-affinity rules", helpless=False)
_EXISTING: Final = Refused("node(s) didn't satisfy existing pods anti-affinity rules", helpless=False)
_SPREAD: Final = Refused("node(s) didn't match pod topology spread constraints", helpless=False)
_NO_LABEL: Final = Refused("node(s) didn't match pod topology spread constraints (missing required label)")


def has_required_terms(pod: JSON) -> bool:
    """Whether other Pods matter to this one, or this one to others."""
    return bool(
        listed(pod, "spec", "topologySpreadConstraints")
        or listed(pod, "spec", "affinity", "podAffinity", _REQUIRED)
        or listed(pod, "spec", "affinity", "podAntiAffinity", _REQUIRED)
    )


def pod_refusals(
    pod: JSON,
    nodes: Sequence[JSON],
    placed: Iterable[tuple[JSON, str]],
    namespaces: Mapping[str, Mapping[str, str]] | None = None,
) -> dict[str, Refused]:
    """What keeps a Pod from each node, by the node's name, because of the Pods on all nodes.

    `placed` are the Pods with the names of their nodes; `namespaces` the labels of each namespace.

    >>> anti = {"labelSelector": {"matchLabels": {"app": "a"}}, "topologyKey": "kubernetes.io/hostname"}
    >>> pod = {"spec": {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [anti]}}}}
    >>> nodes = [{"metadata": {"name": n, "labels": {"kubernetes.io/hostname": n}}} for n in ("n1", "n2")]
    >>> sorted(pod_refusals(pod, nodes, [({"metadata": {"labels": {"app": "a"}}}, "n1")]))
    ['n1']
    """
    found: dict[str, Refused] = {}
    labels = {text(node, "metadata", "name"): labels_of(node) for node in nodes}
    others = [(other, labels.get(node, {})) for other, node in placed]
    for refused in (_spread(pod, nodes, others), _affinity(pod, labels, others, namespaces or {})):
        for name, why in refused:
            found.setdefault(name, why)
    return found


def _affinity(
    pod: JSON,
    nodes: Mapping[str, Mapping[str, str]],
    others: Sequence[tuple[JSON, Mapping[str, str]]],
    namespaces: Mapping[str, Mapping[str, str]],
) -> Iterator[tuple[str, Refused]]:
    together = listed(pod, "spec", "affinity", "podAffinity", _REQUIRED)
    apart = listed(pod, "spec", "affinity", "podAntiAffinity", _REQUIRED)
    full: set[tuple[str, str]] = set()  # places that existing Pods keep this one from
    for other, place in others:
        for term in listed(other, "spec", "affinity", "podAntiAffinity", _REQUIRED):
            key = text(term, "topologyKey")
            if key in place and _matches(term, other, pod, namespaces):
                full.add((key, place[key]))
    places = [(term, _places(term, pod, others, namespaces)) for term in together]
    first = not any(found for _, found in places) and all(_matches(term, pod, pod, namespaces) for term in together)
    away = [(term, _places(term, pod, others, namespaces)) for term in apart]
    for name, labels in nodes.items():
        if any(labels.get(text(term, "topologyKey")) not in found for term, found in places) and not (
            first and all(text(term, "topologyKey") in labels for term, _ in places)
        ):
            yield name, _AFFINITY
        elif any(labels.get(text(term, "topologyKey"), "\0") in found for term, found in away):
            yield name, _ANTI
        elif any(labels.get(key) == value for key, value in full):
            yield name, _EXISTING


def _places(
    term: JSON, pod: JSON, others: Sequence[tuple[JSON, Mapping[str, str]]], namespaces: Mapping[str, Mapping[str, str]]
) -> set[str]:
    """The values of a term's topology key where Pods are that it speaks of."""
    key = text(term, "topologyKey")
    return {place[key] for other, place in others if key in place and _matches(term, pod, other, namespaces)}


def _matches(term: JSON, owner: JSON, other: JSON, namespaces: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether a term of `owner` speaks of `other`."""
    home, named = text(other, "metadata", "namespace"), strings(term, "namespaces")
    selector = mapped(term, "namespaceSelector")
    in_reach = home in (named or ([text(owner, "metadata", "namespace")] if selector is None else []))
    if not in_reach and selector is not None:
        in_reach = matches(selector, namespaces.get(home, {}))
    return in_reach and matches(mapped(term, "labelSelector"), labels_of(other))


def _spread(
    pod: JSON, nodes: Sequence[JSON], others: Sequence[tuple[JSON, Mapping[str, str]]]
) -> Iterator[tuple[str, Refused]]:
    hard = [
        each
        for each in listed(pod, "spec", "topologySpreadConstraints")
        if text(each, "whenUnsatisfiable") in ("", "DoNotSchedule")
    ]
    home, mine = text(pod, "metadata", "namespace"), labels_of(pod)
    for constraint in hard:
        key, selector = text(constraint, "topologyKey"), _with_keys(constraint, mine)
        counts = {
            labels_of(node)[key]: 0 for node in nodes if key in labels_of(node) and _counts(constraint, pod, node)
        }
        for other, place in others:
            if (
                place.get(key) in counts
                and text(other, "metadata", "namespace") == home
                and "deletionTimestamp" not in mapping(other, "metadata")
                and matches(selector, labels_of(other))
            ):
                counts[place[key]] += 1
        least = min(counts.values(), default=0)
        if len(counts) < (integer(constraint, "minDomains") or 1):
            least = 0
        own = 1 if matches(selector, mine) else 0
        for node in nodes:
            name, labels = text(node, "metadata", "name"), labels_of(node)
            if key not in labels:
                yield name, _NO_LABEL
            elif counts.get(labels[key], 0) + own - least > (integer(constraint, "maxSkew") or 1):
                yield name, _SPREAD


def _with_keys(constraint: JSON, labels: Mapping[str, str]) -> JSON:
    """The constraint's selector with the Pod's own values of matchLabelKeys."""
    selector = mapping(constraint, "labelSelector")
    own = {key: labels[key] for key in strings(constraint, "matchLabelKeys") if key in labels}
    return {**selector, "matchLabels": {**mapping(selector, "matchLabels"), **own}} if own else selector


def _counts(constraint: JSON, pod: JSON, node: JSON) -> bool:
    """Whether a node counts (nodeAffinityPolicy Honor, nodeTaintsPolicy Ignore unless said otherwise)."""
    if text(constraint, "nodeAffinityPolicy") != "Ignore" and not node_allows_pod(pod, node):
        return False
    return text(constraint, "nodeTaintsPolicy") != "Honor" or untolerated(pod, node) is None
