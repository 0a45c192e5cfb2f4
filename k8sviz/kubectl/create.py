"""`kubectl create WHAT` and `kubectl run`: objects from flags (k8s.io/kubectl/pkg/cmd/create)."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from k8sviz.cluster.refused import Refused
from k8sviz.history import Object
from k8sviz.kubectl.apply import create_files, done, dry_run, remembered
from k8sviz.kubectl.failed import Failed, explained
from k8sviz.kubectl.flags import Call, read
from k8sviz.kubectl.session import Session

__all__ = ["create", "run"]

_COMMON: Final = "dry-run=unchanged output,o= save-config field-manager= validate=strict show-managed-fields template= "
_FLAGS: Final = {
    "": _COMMON + "filename,f= recursive,R record=true edit raw= selector,l= windows-line-endings kustomize,k=",
    "configmap": _COMMON + "from-file= from-literal= from-env-file= append-hash",
    "secret generic": _COMMON + "from-file= from-literal= from-env-file= append-hash type=",
    "secret tls": _COMMON + "cert= key= append-hash",
    "secret docker-registry": _COMMON
    + "docker-username= docker-password= docker-email= docker-server= from-file= append-hash",
    "deployment": _COMMON + "image= replicas,r= port=",
    "namespace": _COMMON,
    "serviceaccount": _COMMON,
    "service clusterip": _COMMON + "tcp= clusterip=",
    "service nodeport": _COMMON + "tcp= node-port=",
    "service loadbalancer": _COMMON + "tcp=",
    "service externalname": _COMMON + "external-name= tcp=",
    "role": _COMMON + "verb= resource= resource-name=",
    "clusterrole": _COMMON + "verb= resource= resource-name= non-resource-url= aggregation-rule=",
    "rolebinding": _COMMON + "clusterrole= role= user= group= serviceaccount=",
    "clusterrolebinding": _COMMON + "clusterrole= user= group= serviceaccount=",
    "poddisruptionbudget": _COMMON + "selector= min-available= max-unavailable=",
    "priorityclass": _COMMON + "value= description= global-default preemption-policy=",
    "quota": _COMMON + "hard= scopes=",
    "token": _COMMON + "duration= audience= bound-object-kind= bound-object-name= bound-object-uid=",
    "job": _COMMON + "image= from=",
}
_ALIASES: Final = {
    "cm": "configmap",
    "deploy": "deployment",
    "dep": "deployment",
    "ns": "namespace",
    "sa": "serviceaccount",
    "svc": "service",
    "pdb": "poddisruptionbudget",
    "pc": "priorityclass",
    "resourcequota": "quota",
}
_RUN_FLAGS: Final = _COMMON + (
    "image= restart= port= env= labels,l= command annotations= image-pull-policy= rm stdin,i tty,t attach "
    "expose quiet,q "
    "grace-period= pod-running-timeout= overrides= override-type= privileged leave-stdin-open timeout= wait"
)
_KEY: Final = re.compile(r"[-._a-zA-Z0-9]+")


def create(session: Session, words: list[str]) -> None:
    """`kubectl create …`. Raises Failed, Refused."""
    what, rest = _what(words)
    if what is None:
        call = read("create", words, _FLAGS[""])
        if call.has("raw"):
            raise Failed("create --raw is not there in the built-in kubectl; use create -f")
        if call.words:
            raise Failed(f"Unexpected args: [{' '.join(call.words)}]\nSee 'kubectl create -h' for help and examples")
        create_files(session, call)
        return
    call = read(f"create {what}", rest, _FLAGS[what])
    if len(call.words) != 1:
        if not call.words:
            raise Failed(
                "exactly one NAME is required, got 0\nSee 'kubectl create " + what + " -h' for help and examples"
            )
        raise Failed(
            f"exactly one NAME is required, got {len(call.words)}\nSee 'kubectl create {what} -h' for help and examples"
        )
    if what == "token":
        _token(session, call)
        return
    made = _MAKERS[what](session, call)
    _put(session, call, made, what)


def _what(words: list[str]) -> tuple[str | None, list[str]]:
    """The subcommand, and the words without it; None for `create -f`."""
    plain = [i for i, word in enumerate(words) if not word.startswith("-")]
    for i in plain[:1]:
        first = _ALIASES.get(words[i], words[i])
        if first in _FLAGS:
            return first, words[:i] + words[i + 1 :]
        if first in ("secret", "service") and len(plain) > 1:
            second = words[plain[1]]
            if f"{first} {second}" in _FLAGS:
                return f"{first} {second}", [word for j, word in enumerate(words) if j not in plain[:2]]
    return None, words


def _put(session: Session, call: Call, made: Object, what: str) -> None:
    dry = dry_run(session, call)
    shown = made
    if call.on("save-config"):
        made = remembered(made)
    if dry == "client":
        meta = {key: value for key, value in made["metadata"].items() if key != "namespace" or call.has("namespace")}
        shown = {**made, "metadata": meta}
    else:
        try:
            shown = session.api.create(made, dry_run=dry == "server", user=session.user)
        except Refused as why:
            raise Failed(_creation_failed(why, what)) from None
    done(session, call, shown, "created", dry=dry)


def _creation_failed(why: Refused, what: str) -> str:
    """Each generator has its own words for a refusal."""
    if what.startswith("secret"):
        kind = {"secret tls": "", "secret generic": "", "secret docker-registry": ""}[what]
        return f"error: failed to create secret {kind}{why.message}"
    if what == "configmap":
        return f"error: failed to create configmap: {why.message}"
    if what == "deployment":
        return f"error: failed to create deployment: {why.message}"
    if what == "serviceaccount":
        return f"error: failed to create serviceaccount: {why.message}"
    if what.startswith("service"):
        return f"error: failed to create {what.split()[1]} service: {why.message}".replace("clusterip", "ClusterIP")
    if what == "quota":
        return f"error: failed to create quota: {why.message}"
    return explained(why)


def _meta(session: Session, call: Call, *, namespaced: bool = True) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": call.words[0]}
    return {**meta, "namespace": session.namespace(call)} if namespaced else meta


def _list(call: Call, name: str) -> list[str]:
    return [part for part in call.listed(name) if part]


# -- ConfigMaps and Secrets ------------------------------------------------------------------------


def _data(session: Session, call: Call, kind: str) -> dict[str, str]:
    found: dict[str, str] = {}
    word = "ConfigMap" if kind == "configmap" else "Secret"
    if call.has("from-env-file") and (call.has("from-file") or call.has("from-literal")):
        raise Failed("from-env-file cannot be combined with from-file or from-literal")

    def add(key: str, value: str) -> None:
        _check_key(key, word)
        if key in found:
            raise Failed(
                f'cannot add key "{key}", another key by that name already exists in Data for {word} "{call.words[0]}"'
            )
        found[key] = value

    for pair in call.values("from-file"):
        for key, value in _from_file(session, pair):
            add(key, value)
    for pair in call.values("from-literal"):
        key, equal, value = pair.partition("=")
        if not equal or not key:
            raise Failed(f"invalid literal source {pair}, expected key=value")
        add(key, _unquoted(value))
    for path in call.values("from-env-file"):
        for line in session.read(path).splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                key, _, value = line.lstrip().partition("=")
                add(key, value)
    return found


def _check_key(key: str, word: str) -> None:
    if key in (".", ".."):
        raise Failed(f"\"{key}\" is not a valid key name for a {word}: must not be '{key}'")
    if not _KEY.fullmatch(key) or len(key) > 253:
        raise Failed(
            f'"{key}" is not a valid key name for a {word}: a valid config key must consist of alphanumeric '
            "characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation "
            "is '[-._a-zA-Z0-9]+')"
        )


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


def _from_file(session: Session, pair: str) -> Iterator[tuple[str, str]]:
    if pair.count("=") > 1:
        raise Failed("key names or file paths cannot contain '='")
    key, equal, path = pair.rpartition("=")
    if equal and not path:
        raise Failed(f"file path for key name {key} missing")
    if equal and not key:
        raise Failed(f"key name for file path {path} missing")
    clean = path.removeprefix("./").rstrip("/")
    if clean in session.files:
        yield key or clean.rpartition("/")[2], session.files[clean]
        return
    folder = "" if clean in ("", ".") else f"{clean}/"
    inside = [name for name in sorted(session.files) if name.startswith(folder) and "/" not in name[len(folder) :]]
    if not inside or (not folder and clean not in ("", ".")):
        raise Failed(f"error reading {path}: no such file or directory")
    if key:
        raise Failed("cannot give a key name for a directory path")
    for name in inside:
        own = name[len(folder) :]
        if _KEY.fullmatch(own):
            yield own, session.files[name]


def _config_map(session: Session, call: Call) -> Object:
    made: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _meta(session, call)}
    data = _data(session, call, "configmap")
    return {**made, "data": data} if data else made


def _packed(value: str) -> str:
    return base64.b64encode(value.encode("utf-8", "surrogateescape")).decode()


def _generic(session: Session, call: Call) -> Object:
    data = {key: _packed(value) for key, value in _data(session, call, "secret").items()}
    made: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": _meta(session, call)}
    if data:
        made["data"] = data
    if call.has("type"):
        made["type"] = call.flag("type")
    return made


def _tls(session: Session, call: Call) -> Object:
    if not call.flag("cert") or not call.flag("key"):
        missing = [name for name in ("cert", "key") if not call.flag(name)]
        raise Failed(
            f"{' and '.join(missing)} must be specified" if len(missing) == 1 else "key and cert must be specified"
        )
    data = {"tls.crt": _packed(session.read(call.flag("cert"))), "tls.key": _packed(session.read(call.flag("key")))}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": _meta(session, call),
        "data": data,
    }


def _registry(session: Session, call: Call) -> Object:
    missing = [name for name in ("docker-username", "docker-password") if not call.flag(name)]
    if missing:
        raise Failed(
            "either --from-file or the combination of --docker-username, --docker-password and --docker-server "
            "is required"
        )
    user, password = call.flag("docker-username"), call.flag("docker-password")
    entry: dict[str, str] = {"username": user, "password": password}
    if call.has("docker-email"):
        entry["email"] = call.flag("docker-email")
    entry["auth"] = _packed(f"{user}:{password}")
    config = {"auths": {call.flag("docker-server", "https://index.docker.io/v1/"): entry}}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/dockerconfigjson",
        "metadata": _meta(session, call),
        "data": {".dockerconfigjson": _packed(json.dumps(config, separators=(",", ":")))},
    }


# -- workloads, services ---------------------------------------------------------------------------


def _deployment(session: Session, call: Call) -> Object:
    images = _list(call, "image")
    if not images:
        raise Failed('required flag(s) "image" not set')
    if call.after and len(images) > 1:
        raise Failed("cannot specify multiple --image options and command")
    labels = {"app": call.words[0]}
    containers: list[dict[str, Any]] = []
    for image in images:
        container: dict[str, Any] = {"image": image, "name": _container_name(image), "resources": {}}
        if call.after:
            container["command"] = call.after
        if call.has("port"):
            container["ports"] = [{"containerPort": int(call.flag("port"))}]
        containers.append(container)
    replicas = call.flag("replicas", "1")
    if not replicas.isdigit():
        raise Failed(
            f"--replicas must be greater than or equal to 0, got {replicas}"
            if replicas.lstrip("-").isdigit()
            else f'invalid argument "{replicas}" for "-r, --replicas" flag'
        )
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**_meta(session, call), "labels": labels},
        "spec": {
            "replicas": int(replicas),
            "selector": {"matchLabels": labels},
            "strategy": {},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        },
        "status": {},
    }


def _container_name(image: str) -> str:
    """From `registry/repo/httpd:2.4@sha256:…`: httpd."""
    return re.sub(r"[^-a-z0-9]", "-", image.rpartition("/")[2].partition("@")[0].partition(":")[0].lower())


def _service(kind: str) -> Callable[[Session, Call], Object]:
    def make(session: Session, call: Call) -> Object:
        labels = {"app": call.words[0]}
        ports = []
        for pair in _list(call, "tcp"):
            port, _, target = pair.partition(":")
            number: Any = int(target) if target.isdigit() else target or int(port)
            one = {"name": pair.replace(":", "-"), "port": int(port), "protocol": "TCP", "targetPort": number}
            if call.has("node-port"):
                one["nodePort"] = int(call.flag("node-port"))
            ports.append(one)
        if not ports and kind != "ExternalName" and call.flag("clusterip") != "None":
            raise Failed("at least one tcp port specifier must be provided")
        spec: dict[str, Any] = {"ports": ports, "selector": labels, "type": kind}
        if call.has("clusterip"):
            spec["clusterIP"] = call.flag("clusterip")
        if kind == "ExternalName":
            spec["externalName"] = call.flag("external-name")
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {**_meta(session, call), "labels": labels},
            "spec": spec,
            "status": {"loadBalancer": {}},
        }

    return make


def _plain(api_version: str, kind: str, *, namespaced: bool) -> Callable[[Session, Call], Object]:
    def make(session: Session, call: Call) -> Object:
        return {"apiVersion": api_version, "kind": kind, "metadata": _meta(session, call, namespaced=namespaced)}

    return make


# -- access ----------------------------------------------------------------------------------------


def _role(kind: str) -> Callable[[Session, Call], Object]:
    def make(session: Session, call: Call) -> Object:
        verbs, names = list(dict.fromkeys(_list(call, "verb"))), _list(call, "resource-name")
        if not verbs:
            raise Failed("at least one verb must be specified")
        groups: dict[str, list[str]] = {}
        for word in _list(call, "resource"):
            plain, slash, sub = word.partition("/")
            resource = session.resource(plain)
            groups.setdefault(resource.group, []).append(resource.plural + slash + sub)
        if not groups and not call.has("non-resource-url"):
            raise Failed("at least one resource must be specified")
        rules = [
            {"apiGroups": [group], "resources": found, **({"resourceNames": names} if names else {}), "verbs": verbs}
            for group, found in groups.items()
        ]
        meta = _meta(session, call, namespaced=kind == "Role")
        return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": meta, "rules": rules}

    return make


def _binding(kind: str) -> Callable[[Session, Call], Object]:
    def make(session: Session, call: Call) -> Object:
        role, cluster_role = call.flag("role"), call.flag("clusterrole")
        if bool(role) == bool(cluster_role):
            raise Failed(
                "exactly one of clusterrole or role must be specified"
                if kind == "RoleBinding"
                else "exactly one of clusterrole must be specified"
            )
        group = "rbac.authorization.k8s.io"
        subjects: list[dict[str, str]] = []
        for flag, subject in (("user", "User"), ("group", "Group")):
            subjects += [{"apiGroup": group, "kind": subject, "name": name} for name in _list(call, flag)]
        for pair in _list(call, "serviceaccount"):
            namespace, colon, name = pair.partition(":")
            if not colon or not name:
                raise Failed("serviceaccount must be <namespace>:<name>")
            subjects.append({"kind": "ServiceAccount", "name": name, "namespace": namespace})
        reference = {"apiGroup": group, "kind": "ClusterRole" if cluster_role else "Role", "name": cluster_role or role}
        meta = _meta(session, call, namespaced=kind == "RoleBinding")
        return {"apiVersion": f"{group}/v1", "kind": kind, "metadata": meta, "roleRef": reference, "subjects": subjects}

    return make


def _budget(session: Session, call: Call) -> Object:
    if not call.flag("selector"):
        raise Failed("a selector must be specified")
    if call.has("min-available") == call.has("max-unavailable"):
        raise Failed("one of min-available or max-unavailable must be specified")
    name = "minAvailable" if call.has("min-available") else "maxUnavailable"
    value = call.flag("min-available") or call.flag("max-unavailable")
    labels = dict(part.partition("=")[::2] for part in call.flag("selector").split(","))
    spec = {name: int(value) if value.isdigit() else value, "selector": {"matchLabels": labels}}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": _meta(session, call), "spec": spec}


def _quota(session: Session, call: Call) -> Object:
    hard = dict(part.partition("=")[::2] for part in _list(call, "hard"))
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": _meta(session, call), "spec": {"hard": hard}}


def _priority(session: Session, call: Call) -> Object:
    made: Object = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": _meta(session, call, namespaced=False),
        "value": int(call.flag("value", "0") or 0),
        "preemptionPolicy": call.flag("preemption-policy", "PreemptLowerPriority"),
    }
    if call.on("global-default"):
        made["globalDefault"] = True
    return {**made, "description": call.flag("description")} if call.has("description") else made


def _job(session: Session, call: Call) -> Object:
    container: dict[str, Any] = {"image": call.flag("image"), "name": call.words[0], "resources": {}}
    if call.after:
        container["command"] = call.after
    template = {"metadata": {}, "spec": {"containers": [container], "restartPolicy": "Never"}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": _meta(session, call), "spec": {"template": template}}


def _token(session: Session, call: Call) -> None:
    """A token of an account: its form is right, it is signed by nobody."""
    name, namespace = call.words[0], session.namespace(call)
    session.api.get("ServiceAccount", name, namespace)
    now = int(session.target.now)
    claims = {
        "aud": ["https://kubernetes.default.svc.cluster.local"],
        "exp": now + 3600,
        "iat": now,
        "iss": "https://kubernetes.default.svc.cluster.local",
        "nbf": now,
        "sub": f"system:serviceaccount:{namespace}:{name}",
    }
    parts = [{"alg": "RS256", "kid": "simulated"}, claims]
    packed = [
        _packed(json.dumps(part, separators=(",", ":"))).rstrip("=").replace("+", "-").replace("/", "_")
        for part in parts
    ]
    session.show(".".join([*packed, "simulated"]))


_MAKERS: Final[dict[str, Callable[[Session, Call], Object]]] = {
    "configmap": _config_map,
    "secret generic": _generic,
    "secret tls": _tls,
    "secret docker-registry": _registry,
    "deployment": _deployment,
    "namespace": _plain("v1", "Namespace", namespaced=False),
    "serviceaccount": _plain("v1", "ServiceAccount", namespaced=True),
    "service clusterip": _service("ClusterIP"),
    "service nodeport": _service("NodePort"),
    "service loadbalancer": _service("LoadBalancer"),
    "service externalname": _service("ExternalName"),
    "role": _role("Role"),
    "clusterrole": _role("ClusterRole"),
    "rolebinding": _binding("RoleBinding"),
    "clusterrolebinding": _binding("ClusterRoleBinding"),
    "poddisruptionbudget": _budget,
    "priorityclass": _priority,
    "quota": _quota,
    "job": _job,
}


# -- run -------------------------------------------------------------------------------------------


def run(session: Session, words: list[str]) -> None:
    """`kubectl run NAME --image=…`. Raises Failed, Refused."""
    call = read("run", words, _RUN_FLAGS)
    if not call.words:
        raise Failed("NAME is required for run\nSee 'kubectl run -h' for help and examples")
    if not call.flag("image"):
        raise Failed('required flag(s) "image" not set')
    if call.on("rm") or call.on("stdin") or call.on("attach"):
        raise Failed(
            "run -it, --attach and --rm are not there in the built-in kubectl; run without them, then kubectl "
            "logs or exec"
        )
    name, restart = call.words[0], call.flag("restart", "Always")
    if restart not in ("Always", "OnFailure", "Never"):
        raise Failed(f"invalid restart policy: {restart}\nSee 'kubectl run -h' for help and examples")
    labels = dict(part.partition("=")[::2] for part in call.flag("labels").split(",") if part) or {"run": name}
    container: dict[str, Any] = {"image": call.flag("image"), "name": name, "resources": {}}
    given = call.words[1:] + call.after
    if given:
        container["command" if call.on("command") else "args"] = given
    if call.has("env"):
        container["env"] = [
            dict(zip(("name", "value"), pair.partition("=")[::2], strict=True)) for pair in call.values("env")
        ]
    if call.has("port"):
        container["ports"] = [{"containerPort": int(call.flag("port"))}]
    if call.has("image-pull-policy"):
        container["imagePullPolicy"] = call.flag("image-pull-policy")
    meta: dict[str, Any] = {"name": name, "namespace": session.namespace(call), "labels": labels}
    if call.has("annotations"):
        meta["annotations"] = dict(part.partition("=")[::2] for part in call.listed("annotations"))
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": {"containers": [container], "dnsPolicy": "ClusterFirst", "restartPolicy": restart},
        "status": {},
    }
    _put(session, call, pod, "pod")
    if call.on("expose"):
        service: Object = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": session.namespace(call)},
            "spec": {"ports": [{"port": int(call.flag("port")), "protocol": "TCP"}], "selector": labels},
        }
        _put(session, call, service, "pod")
