"""The Downward API: what `fieldRef` and `resourceFieldRef` show of a Pod, as variables and as files.

Rules: pkg/fieldpath, pkg/kubelet/kubelet_pods.go (podFieldSelectorRuntimeValue), kubelet_resources.go and
component-helpers/resource. A value that only a running Pod has is None as long as the object does not show it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from k8sviz.rules.admission import find_container, node_of, resource_text, service_account
from k8sviz.rules.fields import JSON, flag, listed, mapping, string, text
from k8sviz.rules.quantity import Quantity, divide_for_downward_api, quantity_or_none
from k8sviz.rules.reasons import Reason

if TYPE_CHECKING:
    from k8sviz.rules.objects import Objects

__all__ = ["ResourceTerms", "field_value", "format_map", "go_quote", "resource_terms", "resource_value"]


_SUBSCRIPT = re.compile(r"(metadata\.(?:labels|annotations))\['(.*)'\]\Z", re.DOTALL)
_RESOURCES = re.compile(r"(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.*)\Z")
_ENV_FIELDS = frozenset(
    {
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "spec.nodeName",
        "spec.host",
        "spec.serviceAccountName",
        "status.hostIP",
        "status.hostIPs",
        "status.podIP",
        "status.podIPs",
    }
)
_VOLUME_FIELDS = frozenset(
    {"metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels", "metadata.annotations"}
)
_GO_ESCAPES = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "\\": r"\\",
    '"': r"\"",
}


def go_quote(value: str) -> str:
    r"""A string in Go's double quotes, as `%q` writes it.

    >>> print(go_quote('a "b"\n\x00é\u200b'))
    "a \"b\"\n\x00é\u200b"
    """
    return f'"{"".join(map(_go_letter, value))}"'


def format_map(values: Mapping[str, Any]) -> str:
    r"""Labels or annotations as a file: a line `key="value"` each, by key (fieldpath.FormatMap).

    >>> print(format_map({"tier": "b", "app": "ku\"bia"}))
    app="ku\"bia"
    tier="b"
    """
    pairs = sorted((str(key), value) for key, value in values.items() if isinstance(value, str))
    return "\n".join(f"{key}={go_quote(value)}" for key, value in pairs)


def field_value(path: str, pod: JSON, objects: Objects, *, in_volume: bool = False) -> str | Reason | None:
    """What a `fieldRef` shows: a text, None when it is not known yet, or the Reason why it is refused.

    A single label or annotation that is missing is empty. Only a volume shows all of them, and shows no field of
    `spec` or `status`.

    >>> from k8sviz.rules.objects import Objects
    >>> pod = {"metadata": {"name": "web", "labels": {"app": "kubia"}}}
    >>> field_value("metadata.labels['app']", pod, Objects()), field_value("spec.nodeName", pod, Objects())
    ('kubia', None)
    """
    one = _SUBSCRIPT.match(path)
    if one is not None:
        return text(pod, *one[1].split("."), one[2])
    if path not in (_VOLUME_FIELDS if in_volume else _ENV_FIELDS):
        return Reason("field-not-supported", {"field": path})
    match path:
        case "metadata.labels" | "metadata.annotations":
            return format_map(mapping(pod, *path.split(".")))
        case "metadata.namespace":
            return objects.namespace_of(pod)
        case "spec.serviceAccountName":
            return service_account(pod)
        case "spec.nodeName" | "spec.host":
            return text(pod, "spec", "nodeName") or text(node_of(pod, objects), "metadata", "name") or None
        case "metadata.name" | "metadata.uid":
            return string(pod, *path.split("."))
    return _address(path, pod)


@dataclass(frozen=True, slots=True)
class ResourceTerms:
    """The terms that a `resourceFieldRef` is computed from: the amount in units of the divisor, rounded up.

    `origin` is where the amount comes from: the container itself (`own`), its limit in place of a request (`limit`),
    the Pod's limit (`pod`), what the node can allocate (`node`), or nowhere (`none`: it counts as 0). `amount` is None
    when it depends on an unknown node; `value` is None then too.
    """

    kind: str
    resource: str
    amount: Quantity | None
    divisor: Quantity | None
    origin: Literal["own", "limit", "pod", "node", "none"]

    @property
    def value(self) -> str | None:
        """What is shown."""
        if self.amount is None:
            return None
        return str(divide_for_downward_api(self.resource, self.amount, self.divisor))


def resource_value(
    reference: JSON, pod: JSON, container: JSON | None, objects: Objects
) -> tuple[str | None, Reason | None]:
    """What a `resourceFieldRef` shows, in units of its divisor; (None, None) when it depends on an unknown node.

    `container` is the one that the reference is in; None in a volume, which must name one. A limit that is missing
    or zero is the Pod's own limit, else what the node can allocate; a request that is missing is the limit, else 0.
    """
    terms = resource_terms(reference, pod, container, objects)
    return (None, terms) if isinstance(terms, Reason) else (terms.value, None)


def resource_terms(reference: JSON, pod: JSON, container: JSON | None, objects: Objects) -> ResourceTerms | Reason:
    """The terms behind `resource_value`, or the Reason why there are none.

    >>> from k8sviz.rules.objects import Objects
    >>> main = {"name": "main", "resources": {"limits": {"cpu": "250m"}}}
    >>> found = resource_terms({"resource": "requests.cpu", "divisor": "1m"}, {}, main, Objects())
    >>> str(found.amount), found.origin, found.value
    ('250m', 'limit', '250')
    """
    name, wanted = text(reference, "containerName"), text(reference, "resource")
    found = find_container(pod, name) if name else container
    shape = _RESOURCES.match(wanted)
    if found is None:
        return Reason("container-not-found", {"container": name, "resource": wanted})
    if shape is None:
        return Reason("resource-not-supported", {"resource": wanted})
    kind, resource = shape[1], shape[2]
    divisor = quantity_or_none(reference.get("divisor"))
    amount = quantity_or_none(resource_text(found, kind, resource))
    if kind == "limits" and (amount is None or not amount.nano) and _has_default(resource, found, pod, container, name):
        amount, from_pod = _default_limit(resource, pod, objects, in_volume=container is None)
        return ResourceTerms(kind, resource, amount, divisor, "pod" if from_pod else "node")
    if amount is None:
        return ResourceTerms(kind, resource, Quantity(0), divisor, "none")
    own = mapping(found, "resources", kind).get(resource) is not None
    return ResourceTerms(kind, resource, amount, divisor, "own" if own else "limit")


def _go_letter(letter: str) -> str:
    if letter in _GO_ESCAPES:
        return _GO_ESCAPES[letter]
    code = ord(letter)
    # Go prints a letter as it is by the same Unicode classes as Python
    if letter.isprintable():
        return letter
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _address(path: str, pod: JSON) -> str | None:
    """An address of the Pod or its node; None before the status shows it. On the host network both are one."""
    kind = path.removeprefix("status.").removesuffix("s")
    if kind == "podIP" and not text(pod, "status", "podIP") and flag(pod, "spec", "hostNetwork"):
        kind = "hostIP"
    addresses = [text(item, "ip") for item in listed(pod, "status", f"{kind}s")] or [text(pod, "status", kind)]
    known = [address for address in addresses if address]
    if not known:
        return None
    return ",".join(known) if path.endswith("s") else known[0]


def _has_default(resource: str, found: JSON, pod: JSON, container: JSON | None, name: str) -> bool:
    """Whether a missing limit is replaced: of huge pages never, nor of an init container that a variable names.

    Not even its own: the kubelet gives defaults to the main ones and to the one that it makes, and takes one that is
    named from the Pod (defaultPodLimitsForDownwardAPI).
    """
    if resource.startswith("hugepages-"):
        return False
    return container is None or not name or any(found is each for each in listed(pod, "spec", "containers"))


def _default_limit(resource: str, pod: JSON, objects: Objects, *, in_volume: bool) -> tuple[Quantity | None, bool]:
    """The limit of a container that has none: the Pod's (True), else what its node can allocate (False)."""
    if resource != "ephemeral-storage" and not in_volume:
        own = quantity_or_none(mapping(pod, "spec", "resources", "limits").get(resource))
        if own is not None and own.nano:
            return own, True
    return quantity_or_none(mapping(node_of(pod, objects), "status", "allocatable").get(resource)), False
