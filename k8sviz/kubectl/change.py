"""Small changes: label, annotate, patch, scale, expose."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from k8sviz.cluster.api import PatchType
from k8sviz.cluster.refused import Refused
from k8sviz.history import Object
from k8sviz.kubectl.apply import done, dry_run, record_warning
from k8sviz.kubectl.failed import Failed, explained
from k8sviz.kubectl.flags import Call
from k8sviz.kubectl.manifests import given, named_in_files
from k8sviz.kubectl.naming import kinds_of, wanted
from k8sviz.kubectl.resources import Resource
from k8sviz.kubectl.session import Session, Wanted
from k8sviz.rules.fields import listed, mapping, text
from k8sviz.sources.manifests import ManifestError, documents

__all__ = [
    "EXPOSE_FLAGS",
    "LABEL_FLAGS",
    "PATCH_FLAGS",
    "SCALE_FLAGS",
    "annotate",
    "chosen",
    "expose",
    "label",
    "patch",
    "scale",
]

_COMMON: Final = (
    "filename,f= recursive,R dry-run=unchanged output,o= record=true field-manager= show-managed-fields template= "
)
_CAUSE: Final = "kubernetes.io/change-cause"  # may always be overwritten
LABEL_FLAGS: Final = _COMMON + (
    "overwrite all all-namespaces,A selector,l= field-selector= list local resource-version= kustomize,k="
)
PATCH_FLAGS: Final = _COMMON + "patch,p= type= patch-file= local subresource= kustomize,k="
SCALE_FLAGS: Final = _COMMON + "replicas= current-replicas= resource-version= timeout= all selector,l= kustomize,k="
EXPOSE_FLAGS: Final = _COMMON + (
    "name= port= target-port= type= selector= protocol= labels,l= cluster-ip= external-ip= load-balancer-ip= "
    "session-affinity= overrides= save-config"
)


def chosen(session: Session, call: Call, words: list[str]) -> list[Wanted]:
    """The objects that a command line means, by name, by selector, by --all or by files. Raises Failed, Refused."""
    if call.has("filename"):
        return named_in_files(session, call)
    if (
        len(words) == 1
        and "/" not in words[0]
        and (call.on("all") or call.has("selector") or call.has("field-selector"))
    ):
        return [
            Wanted(resource, text(obj, "metadata", "name"))
            for resource in kinds_of(session, words[0])
            for obj in session.list(
                resource, session.namespace(call), labels=call.flag("selector"), fields=call.flag("field-selector")
            )
        ]
    found = wanted(session, words)
    if not found:
        raise Failed("resource(s) were provided, but no name was specified")
    if any(not one.name for one in found):
        raise Failed("resource(s) were provided, but no name was specified")
    return found


# -- labels and annotations ------------------------------------------------------------------------


def label(session: Session, call: Call) -> None:
    """`kubectl label`. Raises Failed, Refused."""
    _mark(session, call, "labels")


def annotate(session: Session, call: Call) -> None:
    """`kubectl annotate`. Raises Failed, Refused."""
    _mark(session, call, "annotations")


def _is_pair(word: str) -> bool:
    return "=" in word or (word.endswith("-") and len(word) > 1)


def _mark(session: Session, call: Call, field: str) -> None:
    first = next((i for i, word in enumerate(call.words) if i and _is_pair(word)), len(call.words))
    names, pairs = call.words[:first], call.words[first:]
    if call.has("filename"):
        names, pairs = [], call.words
    word = field.removesuffix("s")
    if not pairs and not call.on("list"):
        raise Failed(f"at least one {word} update is required")
    new, removed = _pairs(pairs, word)
    dry = dry_run(session, call)
    record_warning(session, call)
    for one in chosen(session, call, names):
        try:
            _mark_one(session, call, one, field, new, removed, dry)
        except Refused as refused:
            session.fail(explained(refused))


def _pairs(words: Iterable[str], word: str) -> tuple[dict[str, str], list[str]]:
    new: dict[str, str] = {}
    removed: list[str] = []
    for pair in words:
        key, equal, value = pair.partition("=")
        if equal and key:
            new[key] = value
        elif pair.endswith("-") and not equal:
            removed.append(pair[:-1])
        else:
            raise Failed(f"unexpected args: [{pair}]" if word == "annotation" else f"unknown {word} spec: {pair}")
    both = sorted(set(new) & set(removed))
    if both:
        raise Failed(
            f"cannot modify and remove the same {word}(s)"
            if word == "annotation"
            else f"can not both modify and remove a {word} in the same command"
        )
    return new, removed


def _mark_one(
    session: Session, call: Call, one: Wanted, field: str, new: Mapping[str, str], removed: list[str], dry: str
) -> None:
    namespace = session.namespace(call) if one.resource.namespaced else ""
    obj = session.get(one, namespace)
    before = dict(mapping(obj, "metadata", field))
    if call.on("list"):
        for key in sorted(before):
            session.show(f"{key}={before[key]}")
        return
    same = field == "annotations"  # of an annotation it is enough to be there
    taken = sorted(key for key in new if key in before and key != _CAUSE and (same or before[key] != new[key]))
    if taken and not call.on("overwrite"):
        if field == "labels":
            key = taken[0]
            raise Failed(f"'{key}' already has a value ({before[key]}), and --overwrite is false")
        said = "; ".join(f"'{key}' already has a value ({before[key]})" for key in taken)
        raise Failed(f"--overwrite is false but found the following declared annotation(s): {said}")
    missing = [key for key in removed if key not in before]
    for key in missing:
        session.show(f'label "{key}" not found.' if field == "labels" else f'annotation "{key}" not found.')
    after = {key: value for key, value in {**before, **new}.items() if key not in removed}
    if after != before and dry != "client":
        change: dict[str, Any] = {**new, **{key: None for key in removed if key in before}}
        obj = session.api.patch(
            one.resource.kind, one.name, namespace, {"metadata": {field: change}}, type="merge", dry_run=dry == "server"
        )
    if field == "annotations":
        done(session, call, obj, "annotated", dry=dry)
        return
    if after == before:
        verb = "not labeled"
    else:
        verb = "unlabeled" if not new and removed else "labeled"
    done(session, call, obj, verb, dry=dry)


# -- patch, scale ----------------------------------------------------------------------------------


def patch(session: Session, call: Call) -> None:
    """`kubectl patch`. Raises Failed, Refused."""
    kinds: dict[str, PatchType] = {"strategic": "strategic", "merge": "merge", "json": "json"}
    kind = kinds.get(call.flag("type", "strategic").lower())
    if kind is None:
        raise Failed(f'--type must be one of [json merge strategic], not "{call.flag("type")}"')
    given_text = call.flag("patch") or (session.read(call.flag("patch-file")) if call.has("patch-file") else "")
    if not given_text:
        raise Failed("must specify --patch or --patch-file containing the contents of the patch")
    body = _parsed(given_text)
    dry = dry_run(session, call)
    record_warning(session, call)
    for one in chosen(session, call, call.words):
        namespace = session.namespace(call) if one.resource.namespaced else ""
        before = session.get(one, namespace)
        after = before
        if dry != "client":
            after = session.api.patch(
                one.resource.kind,
                one.name,
                namespace,
                body,
                type=kind,
                subresource=call.flag("subresource"),
                dry_run=dry == "server",
            )
        same = _without_version(after) == _without_version(before)
        done(session, call, after, "patched (no change)" if same else "patched", dry=dry)


def _without_version(obj: Object) -> Object:
    meta = {key: value for key, value in mapping(obj, "metadata").items() if key != "resourceVersion"}
    return {**obj, "metadata": meta}


def _parsed(given_text: str) -> Any:
    try:
        return json.loads(given_text)
    except (ValueError, RecursionError):
        pass
    try:
        [(value, _)] = documents(given_text, "the patch")
    except (ManifestError, ValueError):
        raise Failed(f'unable to parse "{given_text}": yaml: it is neither JSON nor YAML') from None
    return value


def scale(session: Session, call: Call) -> None:
    """`kubectl scale`. Raises Failed, Refused."""
    if not re.fullmatch(r"\d+", call.flag("replicas")):
        raise Failed("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")
    count = int(call.flag("replicas"))
    dry = dry_run(session, call)
    record_warning(session, call)
    for one in chosen(session, call, call.words):
        try:
            _scale_one(session, call, one, count, dry)
        except Refused as refused:
            session.fail(explained(refused))


def _scale_one(session: Session, call: Call, one: Wanted, count: int, dry: str) -> None:
    if one.resource.kind not in ("Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"):
        session.get(one, session.namespace(call))
        raise Refused(404, "NotFound", "the server could not find the requested resource")
    namespace = session.namespace(call)
    obj = session.get(one, namespace)
    expected = call.flag("current-replicas", "-1")
    if expected not in ("-1", str(mapping(obj, "spec").get("replicas", 1))):
        raise Failed(f"Expected replicas to be {expected}, was {mapping(obj, 'spec').get('replicas', 1)}")
    if dry != "client":
        session.api.patch(
            one.resource.kind, one.name, namespace, {"spec": {"replicas": count}}, type="merge", dry_run=dry == "server"
        )
    done(session, call, obj, "scaled", dry=dry)


# -- expose ----------------------------------------------------------------------------------------


def expose(session: Session, call: Call) -> None:
    """`kubectl expose`: a Service for what is there. Raises Failed, Refused."""
    dry = dry_run(session, call)
    asked = (
        [(one.resource, one.object) for one in given(session, call)[0]]
        if call.has("filename")
        else [(one.resource, session.get(one, session.namespace(call))) for one in chosen(session, call, call.words)]
    )
    for resource, obj in asked:
        made = _service(session, call, resource, obj)
        if dry != "client":
            try:
                made = session.api.create(made, dry_run=dry == "server", user=session.user)
            except Refused as why:
                raise Failed(explained(why)) from None
        done(session, call, made, "exposed", dry=dry)


def _service(session: Session, call: Call, resource: Resource, obj: Object) -> Object:
    if resource.kind not in ("Pod", "Service", "ReplicationController", "Deployment", "ReplicaSet"):
        raise Failed(
            f"cannot expose a {resource.kind}.{resource.group}"
            if resource.group
            else f"cannot expose a {resource.kind}"
        )
    selector = dict(part.partition("=")[::2] for part in call.flag("selector").split(",") if part)
    labels = dict(mapping(obj, "metadata", "labels"))
    if call.has("labels"):
        labels = dict(part.partition("=")[::2] for part in call.flag("labels").split(",") if part)
    service: Object = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": call.flag("name") or text(obj, "metadata", "name"),
            "namespace": session.namespace(call),
            **({"labels": labels} if labels else {}),
        },
        "spec": {"ports": _ports(call, resource, obj), "selector": selector or _selector(resource, obj)},
    }
    if call.has("type"):
        service["spec"]["type"] = call.flag("type")
    if call.has("cluster-ip"):
        service["spec"]["clusterIP"] = call.flag("cluster-ip")
    if call.has("session-affinity"):
        service["spec"]["sessionAffinity"] = call.flag("session-affinity")
    return service


def _selector(resource: Resource, obj: Object) -> dict[str, Any]:
    if resource.kind == "Pod":
        found = mapping(obj, "metadata", "labels")
        if not found:
            raise Failed(
                "couldn't retrieve selectors via --selector flag or introspection: the pod has no labels and "
                "cannot be exposed"
            )
    elif resource.kind in ("Service", "ReplicationController"):
        found = mapping(obj, "spec", "selector")
    else:
        found = mapping(obj, "spec", "selector", "matchLabels")
        if listed(obj, "spec", "selector", "matchExpressions"):
            raise Failed('couldn\'t convert expressions - "matchExpressions" to map-based selector format')
    return dict(found)


def _ports(call: Call, resource: Resource, obj: Object) -> list[dict[str, Any]]:
    holder = obj if resource.kind in ("Pod", "Service") else mapping(obj, "spec", "template")
    if resource.kind == "Service":
        known = [(one.get("port"), text(one, "protocol") or "TCP") for one in listed(obj, "spec", "ports")]
    else:
        known = [
            (port.get("containerPort"), text(port, "protocol") or "TCP")
            for container in listed(holder, "spec", "containers")
            for port in listed(container, "ports")
        ]
    protocol = call.flag("protocol") or (known[0][1] if known else "TCP")
    given_ports = [int(part) for part in call.flag("port").split(",") if part.isdigit()]
    numbers: list[Any] = given_ports or [number for number, _ in known]
    if not numbers:
        raise Failed("couldn't find port via --port flag or introspection")
    target = call.flag("target-port")
    return [
        {
            **({"name": f"port-{i}"} if len(numbers) > 1 else {}),
            "port": number,
            "protocol": protocol,
            "targetPort": (int(target) if target.isdigit() else target) if target else number,
        }
        for i, number in enumerate(numbers, 1)
    ]
