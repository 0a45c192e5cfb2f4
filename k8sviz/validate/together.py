"""What the API server takes, since it looks at one object at a time, and what is likely a mistake all the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from k8sviz.rules.fields import integer, listed, mapping, text
from k8sviz.rules.selectors import label_selector, labels_of
from k8sviz.validate.among import Among, Runner, home_of, pod_spec
from k8sviz.validate.model import FieldPath, Problem, shown_value
from k8sviz.validate.named import name_doubts, role_doubts
from k8sviz.validate.uses import backends

__all__ = ["doubts"]

JSON = Mapping[str, Any]
_DEFAULT_CLASS: Final = "storageclass.kubernetes.io/is-default-class"
_CONTROLLERS: Final = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController")


def doubts(obj: JSON, among: Among, group: str = "") -> Iterator[Problem]:
    """Doubts about one object among others: names that lead elsewhere, Services that lead nowhere, selectors shared.

    Selectors count within a `group` only: a repository holds many things that are never applied together.
    """
    runner = pod_spec(obj)
    if runner is not None:
        runner = runner._replace(group=group)
        yield from _claims(runner, among)
        yield from _same_selector(runner, among)
    yield from name_doubts(obj, among)
    yield from role_doubts(obj, among)
    match text(obj, "kind"):
        case "Service":
            yield from _service(obj, among, group)
        case "StatefulSet":
            yield from _headless(obj, among)
        case "StorageClass":
            yield from _two_defaults(obj, among)
        case "Ingress":
            yield from _backends(obj, among)


def _claims(runner: Runner, among: Among) -> Iterator[Problem]:
    for i, volume in enumerate(listed(runner.spec, "volumes")):
        name = text(volume, "persistentVolumeClaim", "claimName")
        if name and among.find("PersistentVolume", name) and not among.find("PersistentVolumeClaim", name):
            yield Problem(
                (*runner.path, "volumes", i, "persistentVolumeClaim", "claimName"),
                "claim-is-volume",
                {"value": shown_value(name)},
                error=False,
            )


# -- workloads and Services ------------------------------------------------------------------------


def _selector(runner: Runner) -> dict[str, str] | None:
    """The labels that a controller selects, as `key: value` alone; None where it asks for more, or is none."""
    if runner.ref.kind not in _CONTROLLERS or runner.owned:
        return None
    written = mapping(runner.obj, "spec", "selector")
    if runner.ref.kind == "ReplicationController":
        return labels_of({"metadata": {"labels": written}})
    conditions = label_selector(written)
    if not conditions or any(c.operator != "In" or len(c.values) != 1 for c in conditions):
        return None
    return {condition.key: condition.values[0] for condition in conditions}


def _same_selector(runner: Runner, among: Among) -> Iterator[Problem]:
    """Two controllers whose selectors each match the Pods of the other."""
    mine = _selector(runner)
    if not mine:
        return
    for other in among.selected(mine, runner.ref.namespace):
        theirs = _selector(other)
        apart = other.ref != runner.ref and other.group == runner.group
        if apart and theirs and theirs.items() <= runner.labels.items():
            facts = {"labels": _written(mine), "other": str(other.ref)}
            yield Problem(("spec", "selector"), "same-selector", facts, error=False)
            return


def _service(service: JSON, among: Among, group: str) -> Iterator[Problem]:
    written, home = mapping(service, "spec", "selector"), home_of(service)
    selector = labels_of({"metadata": {"labels": written}})
    if not selector or len(selector) < len(written):
        return
    found = among.selected(selector, home)
    if not found:
        # an operator's Pods are in no manifest
        near = [] if among.has_custom else among.near(home, group)
        if near:
            labels = "; ".join(_written(each.labels) for each in near[:4])
            yield Problem(("spec", "selector"), "selects-none", {"labels": labels}, error=False)
        return
    beside = [r for r in found if r.group == group and not r.owned] or [r for r in found if r.group == group]
    for i, port in enumerate(listed(service, "spec", "ports") if beside else []):
        yield from _target_port(port, ("spec", "ports", i, "targetPort"), beside)


def _target_port(port: JSON, path: FieldPath, found: list[Runner]) -> Iterator[Problem]:
    """A port that no Pod has, or that only some of those have that the Service leads to."""
    target = port.get("targetPort", port.get("port"))
    if not isinstance(target, str | int):
        return
    ports = [(runner.ref, _ports(runner)) for runner in found]
    having = [ref for ref, known in ports if target in known]
    lacking = [ref for ref, known in ports if target not in known]
    if not lacking or (isinstance(target, int) and not all(known for _, known in ports)):
        return  # a number need not be declared: who declares none says nothing
    shown = "; ".join(", ".join(map(str, known)) or "-" for _, known in ports[:4])
    facts = {"value": shown_value(target), "ports": shown, "other": str(lacking[0])}
    if not having:
        code = "no-such-port" if isinstance(target, str) else "no-such-number"
        yield Problem(path, code, facts, error=False)
    else:
        yield Problem(path, "some-lack-port", {**facts, "one": str(having[0])}, error=False)


def _ports(runner: Runner) -> tuple[str | int, ...]:
    """The names and numbers of a Pod's ports; sidecars are init containers that stay."""
    containers = [*listed(runner.spec, "containers")]
    containers += [c for c in listed(runner.spec, "initContainers") if text(c, "restartPolicy") == "Always"]
    ports = [port for container in containers for port in listed(container, "ports")]
    names = [text(port, "name") for port in ports]
    numbers = [integer(port, "containerPort") for port in ports]
    return (*(name for name in names if name), *(number for number in numbers if number))


def _written(labels: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}: {value}" for key, value in labels.items()) or "-"


def _headless(stateful_set: JSON, among: Among) -> Iterator[Problem]:
    name = text(stateful_set, "spec", "serviceName")
    service = among.find("Service", name, home_of(stateful_set)) if name else None
    if service is not None and text(service, "spec", "clusterIP") != "None":
        yield Problem(("spec", "serviceName"), "not-headless", {"value": shown_value(name)}, error=False)


def _two_defaults(cls: JSON, among: Among) -> Iterator[Problem]:
    others = [
        text(other, "metadata", "name")
        for other in among.of_kind("StorageClass")
        if text(other, "metadata", "annotations", _DEFAULT_CLASS) == "true"
    ]
    mine = text(cls, "metadata", "name")
    rest = [name for name in others if name != mine]
    if mine in others and rest:
        path = ("metadata", "annotations", _DEFAULT_CLASS)
        yield Problem(path, "two-default-classes", {"other": shown_value(rest[0])}, error=False)


def _backends(ingress: JSON, among: Among) -> Iterator[Problem]:
    """An Ingress that leads to a port that its Service has not."""
    for path, backend in backends(ingress):
        service = among.find("Service", text(backend, "name"), home_of(ingress))
        wanted = mapping(backend, "port")
        ports = listed(service, "spec", "ports") if service is not None else []
        fits = any(
            integer(port, "port") == wanted.get("number") or text(port, "name") == wanted.get("name", 0)
            for port in ports
        )
        if ports and wanted and not fits:
            known = ", ".join(f"{text(port, 'name')} {integer(port, 'port')}".strip() for port in ports)
            value = shown_value(wanted.get("name", wanted.get("number")))
            yield Problem((*path, "port"), "no-such-service-port", {"value": value, "known": known}, error=False)
