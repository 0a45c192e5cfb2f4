"""`kubectl set`: image, env, resources, serviceaccount, of whatever holds a Pod template."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final

from k8sviz.cluster.refused import Refused
from k8sviz.history import Object
from k8sviz.kubectl.apply import done, dry_run, record_warning
from k8sviz.kubectl.change import chosen
from k8sviz.kubectl.failed import Failed, explained
from k8sviz.kubectl.flags import Call, read
from k8sviz.kubectl.session import Session, Wanted
from k8sviz.rules.fields import listed, mapping, text

__all__ = ["set_fields"]

_COMMON: Final = (
    "filename,f= recursive,R all selector,l= local dry-run=unchanged output,o= record=true field-manager= "
    "show-managed-fields template= kustomize,k= "
)
_FLAGS: Final = {
    "image": _COMMON,
    "env": _COMMON + "containers,c= env,e= from= prefix= list resolve overwrite=true keys=",
    "resources": _COMMON + "containers,c= limits= requests=",
    "serviceaccount": _COMMON,
    "selector": _COMMON + "resource-version=",
    "subject": _COMMON,
}
_ALIASES: Final = {"sa": "serviceaccount"}
_VERBS: Final = {
    "image": "image updated",
    "env": "env updated",
    "resources": "resource requirements updated",
    "serviceaccount": "serviceaccount updated",
}
Change = Callable[[dict[str, Any]], None]


def set_fields(session: Session, words: list[str]) -> None:
    """`kubectl set WHAT …`. Raises Failed, Refused."""
    what = _ALIASES.get(words[0], words[0]) if words else ""
    if what not in _VERBS:
        raise Failed(
            f'unknown command "{" ".join(words[:1])}" for "kubectl set": image, env, resources and '
            f"serviceaccount are there"
        )
    call = read(f"set {what}", words[1:], _FLAGS[what])
    dry = dry_run(session, call)
    record_warning(session, call)
    names, change = _planned(session, call, what)
    for one in chosen(session, call, names):
        try:
            _set_one(session, call, one, change, what, dry)
        except Refused as refused:
            session.fail(explained(refused))


def _planned(session: Session, call: Call, what: str) -> tuple[list[str], Change]:
    """Which words name objects, and what is to be done to their Pod spec."""
    if what == "serviceaccount":
        if len(call.words) < (1 if call.has("filename") else 2):
            raise Failed("serviceaccount is required")
        account = call.words[-1]
        return call.words[:-1], lambda spec: spec.update(serviceAccountName=account, serviceAccount=account)
    if what == "resources":
        if not call.has("limits") and not call.has("requests"):
            raise Failed("you must specify an update to requests or limits (in the form of --requests/--limits)")
        return call.words, lambda spec: _resources(call, spec)
    pairs = [word for word in call.words if "=" in word or (what == "env" and word.endswith("-"))]
    names = [word for word in call.words if word not in pairs]
    if what == "image":
        if not pairs:
            raise Failed("at least one image update is required")
        images = dict(pair.partition("=")[::2] for pair in pairs)
        return names, lambda spec: _images(images, spec)
    pairs += call.values("env")
    if call.has("from"):
        pairs = []
    elif not pairs and not call.on("list"):
        raise Failed("at least one environment variable must be provided")
    return names, lambda spec: _environment(session, call, pairs, spec)


def _containers(spec: dict[str, Any], pattern: str, *, init: bool = False) -> list[dict[str, Any]]:
    lists = ("containers", "initContainers") if init else ("containers",)
    return [one for name in lists for one in spec.get(name) or [] if fnmatch.fnmatchcase(one.get("name", ""), pattern)]


def _images(images: dict[str, str], spec: dict[str, Any]) -> None:
    for name, image in images.items():
        found = _containers(spec, name, init=True)
        if not found:
            raise Failed(f'unable to find container named "{name}"')
        for container in found:
            container["image"] = image


def _resources(call: Call, spec: dict[str, Any]) -> None:
    found = _containers(spec, call.flag("containers", "*"))
    if not found:
        raise Failed(f"unable to find container named {call.flag('containers')}")
    for container in found:
        for kind in ("limits", "requests"):
            if call.has(kind):
                amounts = dict(part.partition("=")[::2] for part in call.flag(kind).split(",") if part)
                held = container.setdefault("resources", {}).setdefault(kind, {})
                for name, amount in amounts.items():
                    if amount == "0":
                        held.pop(name, None)
                    else:
                        held[name] = amount


def _environment(session: Session, call: Call, pairs: list[str], spec: dict[str, Any]) -> None:
    found = _containers(spec, call.flag("containers", "*"))
    if not found:
        raise Failed(f"unable to find container named {call.flag('containers')}")
    new = _from(session, call) if call.has("from") else []
    new += [{"name": name, "value": value} for name, equal, value in (pair.partition("=") for pair in pairs) if equal]
    removed = {pair[:-1] for pair in pairs if pair.endswith("-") and "=" not in pair}
    for container in found:
        held = [one for one in container.get("env") or [] if one.get("name") not in removed]
        for variable in new:
            at = next((i for i, one in enumerate(held) if one.get("name") == variable["name"]), None)
            if at is None:
                held.append(variable)
            elif call.on("overwrite", default=True):
                held[at] = variable
        if held:
            container["env"] = held
        else:
            container.pop("env", None)


def _from(session: Session, call: Call) -> list[dict[str, Any]]:
    kind, _, name = call.flag("from").partition("/")
    resource = session.resource(kind)
    if resource.kind not in ("ConfigMap", "Secret"):
        raise Failed("unsupported resource specified in --from")
    obj = session.get(Wanted(resource, name), session.namespace(call))
    ref = "configMapKeyRef" if resource.kind == "ConfigMap" else "secretKeyRef"
    keys = call.listed("keys") or sorted(mapping(obj, "data"))
    return [
        {
            "name": call.flag("prefix") + key.upper().replace("-", "_").replace(".", "_"),
            "valueFrom": {ref: {"name": name, "key": key}},
        }
        for key in keys
    ]


def _set_one(session: Session, call: Call, one: Wanted, change: Change, what: str, dry: str) -> None:
    namespace = session.namespace(call)
    obj = session.get(one, namespace)
    new = deepcopy(obj)
    spec = new.get("spec", {}) if one.resource.kind == "Pod" else mapping(new, "spec", "template").get("spec")
    if not isinstance(spec, dict):
        raise Failed(f"{one.resource.plural}/{one.name} does not have a pod template")
    if what == "env" and call.on("list"):
        _list(session, one, spec)
        return
    change(spec)
    if new == obj:
        if what in ("image", "env") and call.flag("output"):
            done(session, call, obj, _VERBS[what], dry=dry)
        return
    if dry != "client":
        new = session.api.replace(_bare(new), dry_run=dry == "server")
    done(session, call, new, _VERBS[what], dry=dry)


def _bare(obj: Object) -> Object:
    """Without a version: kubectl sends a patch, which asks for none."""
    return {**obj, "metadata": {key: value for key, value in obj["metadata"].items() if key != "resourceVersion"}}


def _list(session: Session, one: Wanted, spec: dict[str, Any]) -> None:
    for container in listed(spec, "containers"):
        session.show(f"# {one.resource.plural}/{one.name}, container {text(container, 'name')}")
        for variable in listed(container, "env"):
            source = mapping(variable, "valueFrom")
            name = text(variable, "name")
            for ref, word in (("configMapKeyRef", "configmap"), ("secretKeyRef", "secret")):
                if ref in source:
                    session.show(f"# {name} from {word} {text(source, ref, 'name')}, key {text(source, ref, 'key')}")
            if not source:
                session.show(f"{name}={text(variable, 'value')}")
