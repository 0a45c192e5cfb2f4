"""`kubectl describe` of Nodes, accounts and roles, namespaces, slices and budgets; and of anything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from k8sviz.history import Object
from k8sviz.kubectl.columns import format_selector, node_roles
from k8sviz.kubectl.describe.writer import Writer, whole
from k8sviz.kubectl.times import ago, date
from k8sviz.rules.fields import flag, listed, mapped, mapping, strings, text
from k8sviz.rules.quantity import Quantity, quantity_or_none

__all__ = ["account", "anything", "binding", "budget", "endpoint_slice", "namespace", "node", "role"]

JSON = Mapping[str, Any]
_NANO: Final = 10**9


def node(w: Writer, obj: JSON, pods: Sequence[Object], events: Sequence[Object] | None) -> None:
    """Describe a Node; `pods` are those of all namespaces."""
    name = text(obj, "metadata", "name")
    w.field("Name", name)
    w.field("Roles", node_roles(obj))
    w.own_words(obj)
    w.field("CreationTimestamp", date(text(obj, "metadata", "creationTimestamp")))
    taints = sorted(listed(obj, "spec", "taints"), key=lambda one: f"{text(one, 'effect')},{text(one, 'key')}")
    w.several("Taints", [_taint(one) for one in taints])
    w.field("Unschedulable", "true" if flag(obj, "spec", "unschedulable") else "false")
    conditions = listed(obj, "status", "conditions")
    if conditions:
        w.write(0, "Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage\n")
        w.line(1, "----\t------\t-----------------\t------------------\t------\t-------")
        for one in conditions:
            times = f"{date(text(one, 'lastHeartbeatTime'))} \t{date(text(one, 'lastTransitionTime'))}"
            said = f"{text(one, 'reason')} \t{text(one, 'message')}"
            w.line(1, f"{text(one, 'type')} \t{text(one, 'status')} \t{times} \t{said}")
    w.line(0, "Addresses:")
    for one in listed(obj, "status", "addresses"):
        w.field(text(one, "type"), text(one, "address"), 1)
    for title in ("Capacity", "Allocatable"):
        found = mapping(obj, "status", title.lower())
        if found:
            w.line(0, f"{title}:")
            for resource in sorted(found):
                w.field(resource, quantity_or_none(found[resource]), 1)
    _system(w, obj)
    mine = [
        pod
        for pod in pods
        if text(pod, "spec", "nodeName") == name and text(pod, "status", "phase") not in ("Succeeded", "Failed")
    ]
    _load(w, obj, mine)
    w.events(events)


def _taint(one: JSON) -> str:
    value = f"={text(one, 'value')}" if text(one, "value") else ""
    return f"{text(one, 'key')}{value}:{text(one, 'effect')}"


def _system(w: Writer, obj: JSON) -> None:
    info = mapping(obj, "status", "nodeInfo")
    w.line(0, "System Info:")
    for title, name in (
        ("Machine ID", "machineID"),
        ("System UUID", "systemUUID"),
        ("Boot ID", "bootID"),
        ("Kernel Version", "kernelVersion"),
        ("OS Image", "osImage"),
        ("Operating System", "operatingSystem"),
        ("Architecture", "architecture"),
        ("Container Runtime Version", "containerRuntimeVersion"),
        ("Kubelet Version", "kubeletVersion"),
    ):
        w.field(title, text(info, name), 1)
    if text(obj, "spec", "podCIDR"):
        w.field("PodCIDR", text(obj, "spec", "podCIDR"))
    if strings(obj, "spec", "podCIDRs"):
        w.field("PodCIDRs", ",".join(strings(obj, "spec", "podCIDRs")))
    if text(obj, "spec", "providerID"):
        w.field("ProviderID", text(obj, "spec", "providerID"))


def _load(w: Writer, obj: JSON, pods: Sequence[Object]) -> None:
    has = mapping(obj, "status", "allocatable") or mapping(obj, "status", "capacity")
    w.field("Non-terminated Pods", f"({len(pods)} in total)")
    w.line(1, "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge")
    w.line(1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---")
    total: dict[tuple[str, str], Quantity] = {}
    for pod in pods:
        cells = []
        for resource in ("cpu", "memory", "ephemeral-storage"):
            for kind in ("requests", "limits"):
                amount = _of_pod(pod, kind, resource)
                before = total.get((kind, resource))
                total[kind, resource] = amount if before is None else Quantity(before.nano + amount.nano, amount.format)
                cells.append(f"{amount} ({_percent(amount, has.get(resource))}%)")
        meta = f"{text(pod, 'metadata', 'namespace')}\t{text(pod, 'metadata', 'name')}"
        w.line(1, f"{meta}\t\t" + "\t".join([*cells[:4], ago(text(pod, "metadata", "creationTimestamp"), w.now)]))
    w.write(0, "Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)\n")
    w.line(1, "Resource\tRequests\tLimits")
    w.line(1, "--------\t--------\t------")
    nothing = Quantity(0)
    for resource in ("cpu", "memory", "ephemeral-storage"):
        amounts = [total.get((kind, resource), nothing) for kind in ("requests", "limits")]
        w.line(1, "\t".join([resource, *(f"{one} ({_percent(one, has.get(resource))}%)" for one in amounts)]))
    for resource in sorted(has):
        if resource.startswith("hugepages-"):
            w.line(1, f"{resource}\t0 (0%)\t0 (0%)")


def _of_pod(pod: JSON, kind: str, resource: str) -> Quantity:
    """What a Pod asks for: the sum of its containers, or its largest init container (PodRequests)."""

    def amount(container: JSON) -> Quantity:
        return quantity_or_none(mapping(container, "resources", kind).get(resource)) or Quantity(0)

    found = [amount(one) for one in listed(pod, "spec", "containers")]
    first = [amount(one) for one in listed(pod, "spec", "initContainers")]
    nano = max([sum(one.nano for one in found), *(one.nano for one in first)])
    given = next((one for one in found + first if one.nano), Quantity(0))
    return Quantity(nano, given.format)


def _percent(amount: Quantity, of: object) -> int:
    whole_amount = quantity_or_none(of)
    return int(amount.nano * 100 / whole_amount.nano) if whole_amount is not None and whole_amount.nano else 0


def account(w: Writer, obj: JSON, events: Sequence[Object] | None) -> None:
    """Describe a ServiceAccount."""
    w.meta(obj)
    names = [text(one, "name") for one in listed(obj, "imagePullSecrets")]
    for i, name in enumerate(names or ["<none>"]):
        w.line(0, f"{' ' * 19 if i else 'Image pull secrets:'}\t{name}")
    w.events(events)


def role(w: Writer, obj: JSON) -> None:
    """Describe a Role or ClusterRole."""
    w.meta(obj, namespaced=False)
    w.line(0, "PolicyRule:")
    w.line(1, "Resources\tNon-Resource URLs\tResource Names\tVerbs")
    w.line(1, "---------\t-----------------\t--------------\t-----")
    merged: dict[tuple[str, str, str], list[str]] = {}
    for rule in listed(obj, "rules"):
        names = "[" + " ".join(strings(rule, "resourceNames")) + "]"
        verbs = strings(rule, "verbs")
        for url in strings(rule, "nonResourceURLs"):
            merged.setdefault(("", f"[{url}]", names), []).extend(verbs)
        for group in strings(rule, "apiGroups"):
            for resource in strings(rule, "resources"):
                name, slash, sub = resource.partition("/")
                full = (f"{name}.{group}" if group else name) + slash + sub
                merged.setdefault((full, "[]", names), []).extend(verbs)
    for (resource, urls, names), verbs in sorted(merged.items()):
        w.line(1, f"{resource}\t{urls}\t{names}\t[{' '.join(dict.fromkeys(verbs))}]")


def binding(w: Writer, obj: JSON) -> None:
    """Describe a RoleBinding or ClusterRoleBinding."""
    w.meta(obj, namespaced=False)
    w.line(0, "Role:")
    w.field("Kind", text(obj, "roleRef", "kind"), 1)
    w.field("Name", text(obj, "roleRef", "name"), 1)
    w.line(0, "Subjects:")
    w.line(1, "Kind\tName\tNamespace")
    w.line(1, "----\t----\t---------")
    for one in listed(obj, "subjects"):
        w.line(1, f"{text(one, 'kind')}\t{text(one, 'name')}\t{text(one, 'namespace')}")


def namespace(w: Writer, obj: JSON) -> None:
    """Describe a Namespace."""
    w.meta(obj, namespaced=False)
    w.field("Status", text(obj, "status", "phase"))
    w.write(0, "\nNo resource quota.\n\nNo LimitRange resource.\n")


def endpoint_slice(w: Writer, obj: JSON, events: Sequence[Object] | None) -> None:
    """Describe an EndpointSlice."""
    w.meta(obj)
    w.field("AddressType", text(obj, "addressType"))
    ports = listed(obj, "ports")
    w.line(0, "Ports:" if ports else "Ports: <unset>")
    if ports:
        w.line(1, "Name\tPort\tProtocol")
        w.line(1, "----\t----\t--------")
    for port in ports:
        w.line(1, f"{text(port, 'name') or '<unset>'}\t{port.get('port', '<unset>')}\t{text(port, 'protocol')}")
    endpoints = listed(obj, "endpoints")
    w.line(0, "Endpoints:" if endpoints else "Endpoints: <none>")
    for one in endpoints:
        w.field("- Addresses", ", ".join(strings(one, "addresses")) or "<none>", 1)
        w.line(2, "Conditions:")
        ready = flag(one, "conditions", "ready")
        w.field("Ready", "<unset>" if ready is None else str(ready).lower(), 3)
        w.field("Hostname", text(one, "hostname") or "<unset>", 2)
        target = mapped(one, "targetRef")
        if target is not None:
            w.field("TargetRef", f"{text(target, 'kind')}/{text(target, 'name')}", 2)
        w.field("NodeName", text(one, "nodeName") or "<unset>", 2)
        w.field("Zone", text(one, "zone") or "<unset>", 2)
    w.events(events)


def budget(w: Writer, obj: JSON, events: Sequence[Object] | None) -> None:
    """Describe a PodDisruptionBudget."""
    spec = mapping(obj, "spec")
    w.field("Name", text(obj, "metadata", "name"))
    w.field("Namespace", text(obj, "metadata", "namespace"))
    for name, title in (("minAvailable", "Min available"), ("maxUnavailable", "Max unavailable")):
        if name in spec:
            w.field(title, spec[name])
            break
    w.field("Selector", format_selector(mapped(spec, "selector")) or "<unset>")
    w.line(0, "Status:")
    for name, title in (
        ("disruptionsAllowed", "Allowed disruptions"),
        ("currentHealthy", "Current"),
        ("desiredHealthy", "Desired"),
        ("expectedPods", "Total"),
    ):
        w.field(title, whole(obj, "status", name), 2)
    w.events(events)


_METADATA: Final = ("name", "namespace", "labels", "annotations", "managedFields")


def anything(w: Writer, obj: JSON, events: Sequence[Object] | None) -> None:
    """Describe an object of a kind that kubectl has no words for: all its fields (genericDescriber)."""
    w.meta(obj)
    w.field("API Version", text(obj, "apiVersion"))
    w.field("Kind", text(obj, "kind"))
    meta = {key: value for key, value in mapping(obj, "metadata").items() if key not in _METADATA}
    _fields(w, {"metadata": meta, **{k: v for k, v in obj.items() if k not in ("apiVersion", "kind", "metadata")}}, 0)
    w.events(events)


def _fields(w: Writer, obj: JSON, level: int) -> None:
    for key in sorted(obj):
        value = obj[key]
        title = _title(key)
        if isinstance(value, Mapping):
            w.line(level, f"{title}:")
            _fields(w, value, level + 1)
        elif isinstance(value, list):
            w.line(level, f"{title}:")
            for item in value:
                if isinstance(item, Mapping):
                    _fields(w, item, level + 1)
                else:
                    w.line(level + 1, str(item))
        else:
            w.field(title, str(value).lower() if isinstance(value, bool) else value, level)


def _title(key: str) -> str:
    """`revisionHistoryLimit` in words (smartLabelFor)."""
    import re

    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[^A-Za-z0-9]+", key)
    upper = {"api", "url", "uid", "osi", "id", "ip"}
    return " ".join(word.upper() if word.lower() in upper else word[:1].upper() + word[1:] for word in words)
