"""What kubectl says of itself and of the API: version, api-resources, auth can-i, config, cluster-info."""

from __future__ import annotations

from typing import Final

from k8sviz.kubectl.failed import Failed
from k8sviz.kubectl.flags import Call, read
from k8sviz.kubectl.json_text import indented
from k8sviz.kubectl.raw import VERSION
from k8sviz.kubectl.resources import resources
from k8sviz.kubectl.session import Session
from k8sviz.kubectl.tabwriter import table
from k8sviz.kubectl.yaml_text import to_yaml
from k8sviz.rules.access import can

__all__ = ["API_FLAGS", "VERSION_FLAGS", "api_resources", "api_versions", "auth", "cluster_info", "config", "version"]

API_FLAGS: Final = (
    "api-group= namespaced=true verbs= output,o= no-headers sort-by= cached categories= show-managed-fields"
)
VERSION_FLAGS: Final = "client output,o= short"
_CAN_FLAGS: Final = "all-namespaces,A list quiet,q subresource= no-headers"
_CLIENT: Final = "v1.36.4"
_KUSTOMIZE: Final = "v5.8.1"
_ADMIN: Final = "kubernetes-admin"


def version(session: Session, call: Call) -> None:
    """`kubectl version`. Raises Failed."""
    output = call.flag("output")
    if output in ("yaml", "json"):
        found = {"clientVersion": {**VERSION, "gitVersion": _CLIENT}, "kustomizeVersion": _KUSTOMIZE}
        if not call.on("client"):
            found["serverVersion"] = dict(VERSION)
        session.out.append(to_yaml(found) if output == "yaml" else indented(found))
        return
    if output:
        raise Failed("--output must be 'yaml' or 'json'")
    session.show(f"Client Version: {_CLIENT}")
    session.show(f"Kustomize Version: {_KUSTOMIZE}")
    if not call.on("client"):
        session.show(f"Server Version: {VERSION['gitVersion']}")


def api_resources(session: Session, call: Call) -> None:
    """`kubectl api-resources`. Raises Failed."""
    output = call.flag("output")
    if output not in ("", "wide", "name"):
        raise Failed(f"--output {output} is not available")
    found = [
        one
        for one in resources()
        if (not call.has("api-group") or one.group == call.flag("api-group"))
        and (not call.has("namespaced") or one.namespaced is call.on("namespaced"))
    ]
    found.sort(key=lambda one: (one.group, one.plural))
    if call.flag("sort-by") in ("name", "kind"):
        found.sort(key=lambda one: one.plural if call.flag("sort-by") == "name" else one.kind)
    if output == "name":
        for one in found:
            session.show(one.full)
        return
    head = ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"]
    rows = [] if call.on("no-headers") else [head]
    rows += [[one.plural, ",".join(one.short), one.api_version, str(one.namespaced).lower(), one.kind] for one in found]
    session.out.append(table(rows))


def api_versions(session: Session, _: Call) -> None:
    """`kubectl api-versions`."""
    for one in sorted({one.api_version for one in resources()}):
        session.show(one)


def auth(session: Session, words: list[str]) -> None:
    """`kubectl auth can-i VERB TYPE` and `auth whoami`. Raises Failed."""
    what = words[0] if words else ""
    if what == "whoami":
        call = read("auth whoami", words[1:], "output,o=")
        session.out.append(table([["ATTRIBUTE", "VALUE"], ["Username", call.flag("as") or session.user or _ADMIN]]))
        return
    if what != "can-i":
        raise Failed(f'unknown command "{what}" for "kubectl auth": can-i and whoami are there')
    call = read("auth can-i", words[1:], _CAN_FLAGS)
    if call.on("list"):
        raise Failed("auth can-i --list is not there in the built-in kubectl; ask for one verb and type")
    if not 2 <= len(call.words) <= 3:
        raise Failed(
            "you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth "
            "can-i -h' for help and examples."
        )
    verb, target = call.words[:2]
    word, _, name = target.partition("/")
    known = session.resource(word) if word != "*" else None
    sub = call.flag("subresource")
    plural = (known.plural if known else "*") + (f"/{sub}" if sub else "")
    namespace = "" if call.on("all-namespaces") or (known and not known.namespaced) else session.namespace(call)
    subject = call.flag("as") or session.user
    if known and not known.namespaced and not call.on("quiet"):
        session.warn(
            f"Warning: resource '{known.plural}' is not namespace scoped"
            + (f" in group '{known.group}'" if known.group else "")
            + "\n"
        )
    allowed = (
        subject in (_ADMIN, "")
        or can(_grants(session), subject, verb, plural, name, known.group if known else "", namespace).allowed
    )
    if not call.on("quiet"):
        session.show("yes" if allowed else "no")
    if not allowed:
        session.code = 1


def _grants(session: Session) -> list[object]:
    return [
        obj for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding") for obj in session.api.list(kind)
    ]


def config(session: Session, words: list[str]) -> None:
    """`kubectl config view`, `current-context` and `get-contexts`. Raises Failed."""
    what = words[0] if words else ""
    name, cluster = "kubernetes-admin@k8sviz", "k8sviz"
    if what == "current-context":
        session.show(name)
    elif what == "get-contexts":
        session.out.append(
            table([["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"], ["*", name, cluster, _ADMIN, session.home]])
        )
    elif what == "view":
        call = read("config view", words[1:], "output,o= minify raw flatten template= merge=true")
        whole = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "preferences": {},
            "clusters": [
                {
                    "name": cluster,
                    "cluster": {"certificate-authority-data": "DATA+OMITTED", "server": "https://172.18.0.2:6443"},
                }
            ],
            "contexts": [{"name": name, "context": {"cluster": cluster, "namespace": session.home, "user": _ADMIN}}],
            "users": [
                {"name": _ADMIN, "user": {"client-certificate-data": "DATA+OMITTED", "client-key-data": "DATA+OMITTED"}}
            ],
        }
        form, _, template = call.flag("output", "yaml").partition("=")
        if form == "jsonpath":
            from k8sviz.kubectl.jsonpath import fill

            session.out.append(fill(template, whole))
        else:
            session.out.append(indented(whole) if form == "json" else to_yaml(whole))
    elif what == "set-context":
        call = read("config set-context", words[1:], "current cluster= user=")
        if call.has("namespace"):
            session.new_home = call.flag("namespace")
        session.show(f'Context "{name}" modified.')
    else:
        raise Failed(
            f'unknown command "{what}" for "kubectl config": view, current-context, get-contexts and '
            f"set-context are there"
        )


def cluster_info(session: Session, _: Call) -> None:
    """`kubectl cluster-info`."""
    session.show("Kubernetes control plane is running at https://172.18.0.2:6443")
    session.show("")
    session.show("To further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.")
