"""What the API server checks of controllers, Services and roles beyond types (pkg/apis/{apps,batch,core,rbac})."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from k8sviz.rules.fields import integer, listed, mapped, mapping, strings, text
from k8sviz.rules.selectors import label_selector, labels_of, matches_all
from k8sviz.validate.lists import twice
from k8sviz.validate.model import FieldPath, Problem, shown_value
from k8sviz.validate.names import label_problems, name_problem, object_name_problem
from k8sviz.validate.published import Part

__all__ = ["WORKLOAD_RULES"]

JSON = Mapping[str, Any]

_PERCENT: Final = re.compile(r"[0-9]{1,9}%")
_MOST_PORT: Final = 65535
_DEADLINE: Final = 600  # where a Deployment names none
_RBAC: Final = "rbac.authorization.k8s.io"
_OUTSIDE: Final = ("NodePort", "LoadBalancer")
_WITH_ADDRESS: Final = ("ClusterIP", *_OUTSIDE)
# fields that only Services of some types may have
_ONLY_WITH: Final = {
    "loadBalancerSourceRanges": ("LoadBalancer",),
    "loadBalancerClass": ("LoadBalancer",),
    "allocateLoadBalancerNodePorts": ("LoadBalancer",),
    "healthCheckNodePort": ("LoadBalancer",),
    "clusterIPs": _WITH_ADDRESS,
    "ipFamilies": _WITH_ADDRESS,
    "ipFamilyPolicy": _WITH_ADDRESS,
}
_CRON: Final = re.compile(r"@(yearly|annually|monthly|weekly|daily|midnight|hourly|every \S+)|(\S+ +){4}\S+")


def _controller(part: Part, root: JSON) -> Iterator[Problem]:
    """A Deployment, ReplicaSet, StatefulSet or DaemonSet: a selector that its own Pods match."""
    spec, path = part.value, part.path
    for field in ("replicas", "minReadySeconds", "revisionHistoryLimit"):
        if field != "revisionHistoryLimit" or text(root, "kind") != "StatefulSet":  # of that nobody asks
            yield from _not_negative(spec, field, path)
    selector = mapped(spec, "selector")
    labels = labels_of(mapping(spec, "template"))
    if selector is not None:
        if not mapping(selector, "matchLabels") and not listed(selector, "matchExpressions"):
            yield Problem((*path, "selector"), "empty-selector", {"kind": text(root, "kind")})
        elif not _selects(selector, labels):
            facts = {"wanted": _written(mapping(selector, "matchLabels")), "labels": _written(labels)}
            yield Problem((*path, "template", "metadata", "labels"), "selector-labels", facts)
    yield from _always(spec, path)


def _selects(selector: JSON, labels: Mapping[str, str]) -> bool:
    return matches_all(label_selector(selector) or (), labels)


def _always(spec: JSON, path: FieldPath) -> Iterator[Problem]:
    policy = text(spec, "template", "spec", "restartPolicy")
    if policy in ("OnFailure", "Never"):
        yield Problem((*path, "template", "spec", "restartPolicy"), "always", {"value": shown_value(policy)})
    if "activeDeadlineSeconds" in mapping(spec, "template", "spec"):
        yield Problem((*path, "template", "spec", "activeDeadlineSeconds"), "no-deadline", at_key=True)


def _written(labels: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}: {value}" for key, value in labels.items()) or "-"


def _not_negative(spec: JSON, field: str, path: FieldPath) -> Iterator[Problem]:
    value = integer(spec, field)
    if value is not None and value < 0:
        yield Problem((*path, field), "at-least", {"value": str(value), "least": "0"})


def _deployment(part: Part, root: JSON) -> Iterator[Problem]:
    yield from _controller(part, root)
    spec, path = part.value, part.path
    deadline, ready = integer(spec, "progressDeadlineSeconds"), integer(spec, "minReadySeconds") or 0
    deadline = _DEADLINE if deadline is None else deadline
    if deadline <= ready:
        yield Problem((*path, "progressDeadlineSeconds"), "deadline", {"value": str(deadline), "ready": str(ready)})
    strategy = mapping(spec, "strategy")
    rolling = mapped(strategy, "rollingUpdate")
    where = (*path, "strategy", "rollingUpdate")
    if text(strategy, "type") == "Recreate" and rolling is not None:
        yield Problem(where, "rolling-in-recreate", at_key=True)
    elif rolling is not None:
        yield from _rolling(rolling, where)


def _rolling(rolling: JSON, path: FieldPath) -> Iterator[Problem]:
    bad = False
    for field in ("maxSurge", "maxUnavailable"):
        for problem in _pods_or_percent(rolling, field, path):
            bad = True
            yield problem
    if not bad and _is_zero(rolling.get("maxSurge", "25%")) and _is_zero(rolling.get("maxUnavailable", "25%")):
        yield Problem((*path, "maxUnavailable"), "both-zero")


def _pods_or_percent(rolling: JSON, field: str, path: FieldPath) -> Iterator[Problem]:
    value = rolling.get(field)
    if isinstance(value, str):
        if not _PERCENT.fullmatch(value):
            yield Problem((*path, field), "percent", {"value": shown_value(value)})
        elif field == "maxUnavailable" and int(value[:-1]) > 100:
            yield Problem((*path, field), "over-hundred", {"value": shown_value(value)})
    else:
        yield from _not_negative(rolling, field, path)


def _is_zero(value: object) -> bool:
    return value == 0 or (isinstance(value, str) and value.rstrip("%").strip("0") == "")


def _stateful_set(part: Part, root: JSON) -> Iterator[Problem]:
    yield from _controller(part, root)
    spec, path = part.value, part.path
    rolling = mapping(spec, "updateStrategy", "rollingUpdate")
    yield from _not_negative(rolling, "partition", (*path, "updateStrategy", "rollingUpdate"))
    if text(spec, "updateStrategy", "type") == "OnDelete" and rolling:
        yield Problem((*path, "updateStrategy", "rollingUpdate"), "rolling-on-delete", at_key=True)
    for i, template in enumerate(listed(spec, "volumeClaimTemplates")):
        where = (*path, "volumeClaimTemplates", i, "metadata", "name")
        if not text(template, "metadata", "name"):
            yield Problem(where, "required", {"name": "name"})
        if "spec" not in template:
            yield Problem((*where[:-2], "spec"), "required", {"name": "spec"})
        yield from name_problem(text(template, "metadata", "name"), where)
    if not text(spec, "serviceName"):
        yield Problem((*path, "serviceName"), "no-service-name", error=False)


def _replication_controller(part: Part, _: JSON) -> Iterator[Problem]:
    spec, path = part.value, part.path
    for field in ("replicas", "minReadySeconds"):
        yield from _not_negative(spec, field, path)
    template = mapped(spec, "template")
    if template is None:
        yield Problem((*path, "template"), "required", {"name": "template"})
        return
    labels, selector = labels_of(template), mapping(spec, "selector")
    if not labels and not selector:
        yield Problem((*path, "selector"), "required", {"name": "selector"})
    elif any(labels.get(key) != value for key, value in selector.items()):
        yield Problem(
            (*path, "template", "metadata", "labels"),
            "selector-labels",
            {"wanted": _written(selector), "labels": _written(labels)},
        )
    yield from _always(spec, path)


def _job(part: Part, _: JSON) -> Iterator[Problem]:
    for field in ("parallelism", "completions", "backoffLimit", "ttlSecondsAfterFinished"):
        yield from _not_negative(part.value, field, part.path)
    policy = text(part.value, "template", "spec", "restartPolicy")
    if policy not in ("OnFailure", "Never"):
        yield Problem(
            (*part.path, "template", "spec", "restartPolicy"), "job-restart", {"value": shown_value(policy or "Always")}
        )


def _cron_job(part: Part, _: JSON) -> Iterator[Problem]:
    schedule = text(part.value, "schedule")
    if schedule and not _CRON.fullmatch(schedule.strip()):
        yield Problem((*part.path, "schedule"), "schedule", {"value": shown_value(schedule)})


# -- Services --------------------------------------------------------------------------------------


def _service(part: Part, _: JSON) -> Iterator[Problem]:
    spec, path = part.value, part.path
    ports, kind = listed(spec, "ports"), text(spec, "type") or "ClusterIP"
    if not ports and kind != "ExternalName" and text(spec, "clusterIP") != "None":
        yield Problem((*path, "ports"), "required", {"name": "ports"})
    if len(ports) > 1:
        for i, port in enumerate(ports):
            if not text(port, "name"):
                yield Problem((*path, "ports", i, "name"), "port-needs-name")
    yield from twice((text(p, "name") for p in ports), (*path, "ports"), "name")
    yield from label_problems(spec.get("selector"), (*path, "selector"))
    if kind == "ExternalName" and not text(spec, "externalName"):
        yield Problem((*path, "externalName"), "required", {"name": "externalName"})
    yield from _cluster_ip(text(spec, "clusterIP"), kind, (*path, "clusterIP"))
    yield from _addresses(spec, path)
    yield from _same_ports(ports, (*path, "ports"))
    yield from _of_another_type(spec, kind, path)


def _addresses(spec: JSON, path: FieldPath) -> Iterator[Problem]:
    """The first of clusterIPs is clusterIP."""
    every = strings(spec, "clusterIPs")
    if every and every[0] != text(spec, "clusterIP"):
        yield Problem((*path, "clusterIPs"), "cluster-ips", {"value": shown_value(every[0])})


def _same_ports(ports: list[JSON], path: FieldPath) -> Iterator[Problem]:
    for field in ("port", "nodePort"):
        pairs = [f"{text(port, 'protocol') or 'TCP'} {integer(port, field) or ''}".strip() for port in ports]
        yield from twice((pair if " " in pair else "" for pair in pairs), path, field)


def _of_another_type(spec: JSON, kind: str, path: FieldPath) -> Iterator[Problem]:
    """Fields that Services of this type may not have."""
    for field, types in _ONLY_WITH.items():
        value = spec.get(field)
        if (value is False or value not in (None, [], 0)) and kind not in types:
            yield Problem((*path, field), "service-type", {"types": " or ".join(types), "type": kind}, at_key=True)
    for i, port in enumerate(listed(spec, "ports")):
        if kind == "ClusterIP" and integer(port, "nodePort"):
            facts = {"types": "NodePort or LoadBalancer", "type": kind}
            yield Problem((*path, "ports", i, "nodePort"), "service-type", facts, at_key=True)


def _cluster_ip(address: str, kind: str, path: FieldPath) -> Iterator[Problem]:
    if address == "None" and kind in ("NodePort", "LoadBalancer"):
        yield Problem(path, "headless-type", {"type": kind})
    elif address not in ("", "None"):
        try:
            ipaddress.ip_address(address)
        except ValueError:
            yield Problem(path, "cluster-ip", {"value": shown_value(address)})


def _service_port(part: Part, _: JSON) -> Iterator[Problem]:
    port, path = part.value, part.path
    for field in ("port", "nodePort"):
        number = integer(port, field)
        if number is not None and not (field == "nodePort" and number == 0) and not 1 <= number <= _MOST_PORT:
            yield Problem((*path, field), "port", {"value": str(number)})


# -- roles -----------------------------------------------------------------------------------------


def _binding(part: Part, _: JSON) -> Iterator[Problem]:
    reference = mapping(part.value, "roleRef")
    group = text(reference, "apiGroup")
    yield from object_name_problem("Role", text(reference, "name"), (*part.path, "roleRef", "name"))
    if group not in ("", _RBAC):
        yield Problem((*part.path, "roleRef", "apiGroup"), "role-group", {"value": shown_value(group)})
    if part.definition.endswith("ClusterRoleBinding") and text(reference, "kind") == "Role":
        yield Problem((*part.path, "roleRef", "kind"), "role-kind")
    for i, subject in enumerate(listed(part.value, "subjects")):
        # a RoleBinding's subject is looked for in the binding's own namespace
        cluster = part.definition.endswith("ClusterRoleBinding")
        account = text(subject, "kind") == "ServiceAccount"
        if account:
            yield from name_problem(subject.get("name"), (*part.path, "subjects", i, "name"), "subdomain")
        right = "" if account else _RBAC
        if text(subject, "apiGroup") not in ("", right):
            yield Problem(
                (*part.path, "subjects", i, "apiGroup"),
                "subject-group",
                {"kind": text(subject, "kind"), "right": right or '""'},
            )
        if cluster and account and not text(subject, "namespace"):
            yield Problem((*part.path, "subjects", i, "namespace"), "required", {"name": "namespace"})


def _policy_rule(part: Part, root: JSON) -> Iterator[Problem]:
    urls = strings(part.value, "nonResourceURLs")
    mixed = any(strings(part.value, field) for field in ("apiGroups", "resources", "resourceNames"))
    if urls and (mixed or text(root, "kind") == "Role"):
        yield Problem((*part.path, "nonResourceURLs"), "urls", at_key=True)
    for field in () if urls else ("apiGroups", "resources"):
        if not strings(part.value, field):
            yield Problem((*part.path, field), "required", {"name": field})


WORKLOAD_RULES: Final = {
    "apps.v1.DeploymentSpec": _deployment,
    "apps.v1.ReplicaSetSpec": _controller,
    "apps.v1.DaemonSetSpec": _controller,
    "apps.v1.StatefulSetSpec": _stateful_set,
    "core.v1.ReplicationControllerSpec": _replication_controller,
    "batch.v1.JobSpec": _job,
    "batch.v1.CronJobSpec": _cron_job,
    "core.v1.ServiceSpec": _service,
    "core.v1.ServicePort": _service_port,
    "rbac.v1.RoleBinding": _binding,
    "rbac.v1.ClusterRoleBinding": _binding,
    "rbac.v1.PolicyRule": _policy_rule,
}
