"""Selectors: which labels a claim, a Service or `kubectl -l` asks for, and which nodes an affinity allows.

Rules: k8s.io/apimachinery/pkg/labels, metav1.LabelSelectorAsSelector, component-helpers/scheduling/corev1/nodeaffinity.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from k8sviz.errors import K8svizError
from k8sviz.rules.fields import listed, mapped, mapping, string, strings, text

__all__ = [
    "Requirement",
    "label_selector",
    "labels_of",
    "matches",
    "matches_all",
    "matches_node_terms",
    "node_allows_pod",
    "parse_selector",
]

_INT64 = re.compile(r"[+-]?[0-9]{1,19}\Z")


class Requirement(NamedTuple):
    """One condition on one label: `key operator values`.

    Operators are In, NotIn, Exists, DoesNotExist, Gt and Lt; `str()` writes it as `kubectl -l` takes it.
    """

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels meet the condition. A missing label meets NotIn and DoesNotExist.

        >>> Requirement("disk", "NotIn", ("ssd",)).matches({}), Requirement("disk", "In", ("ssd",)).matches({})
        (True, False)
        """
        test = _OPERATORS.get(self.operator)
        return test is not None and test(labels.get(self.key), self.values)

    def __str__(self) -> str:
        """
        >>> str(Requirement("zone", "In", ("a", "b"))), str(Requirement("gpu", "DoesNotExist"))
        ('zone in (a,b)', '!gpu')
        """
        match self.operator:
            case "Exists":
                return self.key
            case "DoesNotExist":
                return f"!{self.key}"
            case "Gt" | "Lt":
                return f"{self.key}{'>' if self.operator == 'Gt' else '<'}{''.join(self.values)}"
            case "In" if len(self.values) == 1:
                return f"{self.key}={self.values[0]}"
            case "NotIn" if len(self.values) == 1:
                return f"{self.key}!={self.values[0]}"
        word = {"In": "in", "NotIn": "notin"}.get(self.operator, self.operator)
        return f"{self.key} {word} ({','.join(self.values)})"


def labels_of(thing: object) -> dict[str, str]:
    """The labels of an object; values that are no strings are left out, as no API server would hold them."""
    return {key: value for key, value in mapping(thing, "metadata", "labels").items() if isinstance(value, str)}


def label_selector(selector: Mapping[str, Any] | None) -> tuple[Requirement, ...] | None:
    """The conditions of a LabelSelector (`matchLabels` and `matchExpressions`), sorted by key.

    None when the selector is missing or malformed: it then selects nothing. `{}` has no condition: it selects all.

    >>> [str(r) for r in label_selector({"matchLabels": {"app": "kubia"}})]
    ['app=kubia']
    >>> label_selector(None), label_selector({})
    (None, ())
    """
    if selector is None:
        return None
    found = [
        Requirement(key, "In", (value,))
        for key, value in mapping(selector, "matchLabels").items()
        if isinstance(value, str)
    ]
    for expression in listed(selector, "matchExpressions"):
        requirement = _requirement(expression)
        if requirement is None:
            return None
        found.append(requirement)
    return tuple(sorted(found, key=lambda requirement: requirement.key))


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector selects these labels. No selector selects nothing, an empty one everything.

    >>> matches({"matchLabels": {"app": "kubia"}}, {"app": "kubia", "tier": "b"})
    True
    >>> matches({"matchExpressions": [{"key": "disk", "operator": "DoesNotExist"}]}, {"disk": "ssd"})
    False
    """
    requirements = label_selector(selector)
    return requirements is not None and matches_all(requirements, labels)


def matches_all(requirements: Iterable[Requirement], labels: Mapping[str, str]) -> bool:
    """Whether these labels meet every condition."""
    return all(requirement.matches(labels) for requirement in requirements)


def parse_selector(selector: str) -> tuple[Requirement, ...]:
    """Read a selector as `kubectl -l` does: `a=b`, `a!=b`, `a in (x,y)`, `a notin (x)`, `a`, `!a`, `a>1`, by commas.

    Raises K8svizError for a part that is none of these.

    >>> [str(r) for r in parse_selector("app=kubia, tier in (a,b), !gpu")]
    ['app=kubia', 'tier in (a,b)', '!gpu']
    >>> matches_all(parse_selector("app!=kubia"), {})
    True
    """
    return tuple(_parse_part(part) for part in _split(selector)) if selector.strip() else ()


def matches_node_terms(terms: Sequence[object], labels: Mapping[str, str], name: str = "") -> bool:
    """Whether a node meets one of the nodeSelectorTerms; an empty term, and no term, meet nothing.

    `matchExpressions` ask for the node's labels, `matchFields` for its name alone.

    >>> matches_node_terms([{"matchExpressions": [{"key": "cpus", "operator": "Gt", "values": ["3"]}]}], {"cpus": "8"})
    True
    >>> matches_node_terms([{}], {"cpus": "8"})
    False
    """
    return any(_matches_term(term, labels, name) for term in terms if isinstance(term, Mapping))


def node_allows_pod(pod: Mapping[str, Any], node: Mapping[str, Any]) -> bool:
    """Whether the node meets the Pod's nodeSelector and required node affinity (GetRequiredNodeAffinity).

    >>> pod = {"spec": {"nodeSelector": {"disk": "ssd"}}}
    >>> node_allows_pod(pod, {"metadata": {"name": "n1", "labels": {"disk": "ssd"}}})
    True
    """
    labels, name = labels_of(node), text(node, "metadata", "name")
    wanted = mapping(pod, "spec", "nodeSelector")
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    path = ("spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    required = mapped(pod, *path)
    return required is None or matches_node_terms(listed(required, "nodeSelectorTerms"), labels, name)


def _number(value: str | None) -> int | None:
    return int(value) if value is not None and _INT64.match(value) else None


def _compares(test: Callable[[int, int], bool]) -> Callable[[str | None, tuple[str, ...]], bool]:
    def operator(value: str | None, values: tuple[str, ...]) -> bool:
        left, right = _number(value), _number(values[0]) if len(values) == 1 else None
        return left is not None and right is not None and test(left, right)

    return operator


_OPERATORS: dict[str, Callable[[str | None, tuple[str, ...]], bool]] = {
    "In": lambda value, values: value is not None and value in values,
    "NotIn": lambda value, values: value is None or value not in values,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
    "Gt": _compares(lambda left, right: left > right),
    "Lt": _compares(lambda left, right: left < right),
}


def _requirement(expression: Mapping[str, Any], operators: str = "In NotIn Exists DoesNotExist") -> Requirement | None:
    """A matchExpressions entry; None when the API server would refuse it."""
    key, operator = string(expression, "key"), text(expression, "operator")
    values = tuple(strings(expression, "values"))
    if not key or operator not in operators.split():
        return None
    if bool(values) != (operator not in ("Exists", "DoesNotExist")):
        return None
    return Requirement(key, operator, values)


def _matches_term(term: Mapping[str, Any], labels: Mapping[str, str], name: str) -> bool:
    expressions, fields = listed(term, "matchExpressions"), listed(term, "matchFields")
    if not expressions and not fields:
        return False
    by_label = [_requirement(expression, " ".join(_OPERATORS)) for expression in expressions]
    by_field = [_requirement(expression, "In NotIn") for expression in fields]
    if any(field is None or field.key != "metadata.name" or len(field.values) != 1 for field in by_field):
        return False
    node = {"metadata.name": name}
    return all(r is not None and r.matches(labels) for r in by_label) and all(r.matches(node) for r in by_field if r)


def _split(selector: str) -> list[str]:
    """The parts between the commas that are in no parentheses."""
    parts, depth, start = [], 0, 0
    for index, letter in enumerate(selector):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(selector[start:index].strip())
            start = index + 1
    return [*parts, selector[start:].strip()]


_KEY = r"[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
# compiled when somebody writes a selector, as few do
_PARTS: tuple[tuple[str, str], ...] = (
    (rf"!\s*({_KEY})()\Z", "DoesNotExist"),
    (rf"({_KEY})\s+in\s*\(([^()]*)\)\Z", "In"),
    (rf"({_KEY})\s+notin\s*\(([^()]*)\)\Z", "NotIn"),
    (rf"({_KEY})\s*!=\s*({_VALUE})\Z", "NotIn"),
    (rf"({_KEY})\s*==?\s*({_VALUE})\Z", "In"),
    (rf"({_KEY})\s*>\s*([0-9]+)\Z", "Gt"),
    (rf"({_KEY})\s*<\s*([0-9]+)\Z", "Lt"),
    (rf"({_KEY})()\Z", "Exists"),
)


def _parse_part(part: str) -> Requirement:
    for shape, operator in _PARTS:
        found = re.match(shape, part)
        if found is None:
            continue
        if operator in ("Exists", "DoesNotExist"):
            return Requirement(found[1], operator)
        return Requirement(found[1], operator, tuple(sorted({value.strip() for value in found[2].split(",")})))
    raise K8svizError(f"{part[:60]!r} is not a label selector; write for example app=kubia or 'tier in (a,b)'")
