"""What descriptions say of containers and volumes, in Pods and in templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from k8sviz.kubectl.columns import access_modes
from k8sviz.kubectl.describe.writer import Writer, whole
from k8sviz.kubectl.times import date
from k8sviz.rules.downward import field_value
from k8sviz.rules.fields import flag, integer, listed, mapped, mapping, strings, text
from k8sviz.rules.objects import Objects
from k8sviz.rules.quantity import divide_for_downward_api, quantity_or_none

__all__ = ["containers", "pod_template", "tolerations", "volume_source", "volumes"]

JSON = Mapping[str, Any]


def pod_template(w: Writer, template: JSON) -> None:
    """A Pod template, as workloads show it (DescribePodTemplate)."""
    spec = mapping(template, "spec")
    w.line(0, "Pod Template:")
    w.labels("  Labels", mapping(template, "metadata", "labels"))
    if mapping(template, "metadata", "annotations"):
        w.annotations("  Annotations", mapping(template, "metadata", "annotations"))
    if text(spec, "serviceAccountName"):
        w.field("Service Account", text(spec, "serviceAccountName"), 1)
    if listed(spec, "initContainers"):
        containers(w, "Init Containers", listed(spec, "initContainers"), (), None, "  ")
    containers(w, "Containers", listed(spec, "containers"), (), None, "  ")
    volumes(w, listed(spec, "volumes"), "  ")
    if text(spec, "priorityClassName"):
        w.field("Priority Class Name", text(spec, "priorityClassName"), 1)
    w.labels("  Node-Selectors", mapping(spec, "nodeSelector"))
    tolerations(w, listed(spec, "tolerations"), "  ")


def tolerations(w: Writer, found: Sequence[JSON], indent: str = "") -> None:
    """Tolerations, one a line."""
    lines = []
    for one in sorted(found, key=lambda one: text(one, "key")):
        said = text(one, "key")
        said += f"={text(one, 'value')}" if text(one, "value") else ""
        said += f":{text(one, 'effect')}" if text(one, "effect") else ""
        if text(one, "operator") == "Exists" and not text(one, "value"):
            said += " op=Exists" if said else "op=Exists"
        seconds = integer(one, "tolerationSeconds")
        lines.append(said if seconds is None else f"{said} for {seconds}s")
    w.several(f"{indent}Tolerations", lines)


def containers(
    w: Writer, label: str, found: Sequence[JSON], statuses: Sequence[JSON], pod: JSON | None, indent: str = ""
) -> None:
    """Containers, with their states where there are any (describeContainers)."""
    by_name = {text(status, "name"): status for status in statuses}
    w.line(0, f"{indent}{label}:" + ("" if found else " <none>"))
    for container in found:
        status = by_name.get(text(container, "name"))
        w.line(1, f"{' ' if indent else ''}{text(container, 'name')}:")
        if status is not None:
            w.field("Container ID", text(status, "containerID"), 2)
        w.field("Image", text(container, "image"), 2)
        if status is not None:
            w.field("Image ID", text(status, "imageID"), 2)
        _ports(w, container)
        _command(w, container)
        if status is not None:
            _state(w, "State", mapping(status, "state"))
            if mapped(status, "lastState", "terminated") is not None:
                _state(w, "Last State", mapping(status, "lastState"))
            w.field("Ready", "True" if flag(status, "ready") else "False", 2)
            w.field("Restart Count", whole(status, "restartCount"), 2)
        _resources(w, container)
        for name, probe in (
            ("Liveness", "livenessProbe"),
            ("Readiness", "readinessProbe"),
            ("Startup", "startupProbe"),
        ):
            if mapped(container, probe) is not None:
                w.field(name, _probe(mapping(container, probe)), 2)
        _environment(w, container, pod)
        _mounts(w, container)


def _ports(w: Writer, container: JSON) -> None:
    for title, field in (("Port", "containerPort"), ("Host Port", "hostPort")):
        said = []
        for port in listed(container, "ports"):
            one = f"{whole(port, field)}/{text(port, 'protocol') or 'TCP'}"
            said.append(f"{one} ({text(port, 'name')})" if text(port, "name") else one)
        w.field(f"{title}s" if len(said) > 1 else title, ", ".join(said) or "<none>", 2)


def _command(w: Writer, container: JSON) -> None:
    for title, field in (("Command", "command"), ("Args", "args")):
        words = strings(container, field)
        if words:
            w.line(2, f"{title}:")
            for word in words:
                for line in word.split("\n"):
                    w.line(3, line)


def _state(w: Writer, title: str, state: JSON) -> None:
    running, waiting, ended = (mapped(state, name) for name in ("running", "waiting", "terminated"))
    if running is not None:
        w.field(title, "Running", 2)
        w.field("Started", date(text(running, "startedAt")), 3)
    elif ended is not None:
        w.field(title, "Terminated", 2)
        for name in ("reason", "message"):
            if text(ended, name):
                w.field(name.capitalize(), text(ended, name), 3)
        w.field("Exit Code", whole(ended, "exitCode"), 3)
        if whole(ended, "signal"):
            w.field("Signal", whole(ended, "signal"), 3)
        w.field("Started", date(text(ended, "startedAt")), 3)
        w.field("Finished", date(text(ended, "finishedAt")), 3)
    else:
        w.field(title, "Waiting", 2)
        if waiting is not None and text(waiting, "reason"):
            w.field("Reason", text(waiting, "reason"), 3)


def _resources(w: Writer, container: JSON) -> None:
    for title in ("Limits", "Requests"):
        found = mapping(container, "resources", title.lower())
        if found:
            w.line(2, f"{title}:")
            for name in sorted(found):
                w.field(name, quantity_or_none(found[name]), 3)


def _probe(probe: JSON) -> str:
    counts = f"#success={integer(probe, 'successThreshold') or 1} #failure={integer(probe, 'failureThreshold') or 3}"
    rest = f"delay={whole(probe, 'initialDelaySeconds')}s timeout={integer(probe, 'timeoutSeconds') or 1}s "
    rest += f"period={integer(probe, 'periodSeconds') or 10}s {counts}"
    if mapped(probe, "exec") is not None:
        return f"exec [{' '.join(strings(probe, 'exec', 'command'))}] {rest}"
    http, tcp, grpc = (mapped(probe, name) for name in ("httpGet", "tcpSocket", "grpc"))
    if http is not None:
        scheme = (text(http, "scheme") or "HTTP").lower()
        path = text(http, "path")
        slash = "" if path[:1] in ("/", "") else "/"
        return f"http-get {scheme}://{text(http, 'host')}:{http.get('port', '')}{slash}{path} {rest}"
    if tcp is not None:
        return f"tcp-socket {text(tcp, 'host')}:{tcp.get('port', '')} {rest}"
    if grpc is not None:
        return f"grpc <pod>:{whole(grpc, 'port')} {text(grpc, 'service')} {rest}"
    return f"unknown {rest}"


def _optional(source: JSON) -> str:
    return "true" if flag(source, "optional") else "false"


def _environment(w: Writer, container: JSON, pod: JSON | None) -> None:
    sources = listed(container, "envFrom")
    if sources:
        w.line(2, "Environment Variables from:")
        for one in sources:
            kind = "ConfigMap" if mapped(one, "configMapRef") is not None else "Secret"
            ref = mapping(one, "configMapRef" if kind == "ConfigMap" else "secretRef")
            prefix = f" with prefix '{text(one, 'prefix')}'" if text(one, "prefix") else ""
            w.line(3, f"{text(ref, 'name')}\t{kind}{prefix}\tOptional: {_optional(ref)}")
    found = listed(container, "env")
    w.line(2, "Environment:" + ("" if found else "\t<none>"))
    for one in found:
        source = mapped(one, "valueFrom")
        if source is None:
            for i, line in enumerate(text(one, "value").split("\n")):
                w.line(3, f"\t{line}" if i else f"{text(one, 'name')}:\t{line}")
        else:
            w.line(3, f"{text(one, 'name')}:\t{_source(source, container, pod)}")


def _source(source: JSON, container: JSON, pod: JSON | None) -> str:
    field, amount = mapped(source, "fieldRef"), mapped(source, "resourceFieldRef")
    if field is not None:
        path = text(field, "fieldPath")
        found = field_value(path, pod, Objects()) if pod is not None else ""
        value = found if isinstance(found, str) else ""
        return f"{value} ({text(field, 'apiVersion') or 'v1'}:{path})"
    if amount is not None:
        return f"{_amount(amount, container)} ({text(amount, 'resource')})"
    for name, kind in (("secretKeyRef", "in secret"), ("configMapKeyRef", "of config map")):
        ref = mapped(source, name)
        if ref is not None:
            said = f"<set to the key '{text(ref, 'key')}' {kind} '{text(ref, 'name')}'>"
            return f"{said}\tOptional: {_optional(ref)}"
    return ""


def _amount(ref: JSON, container: JSON) -> str:
    kind, _, resource = text(ref, "resource").partition(".")
    found = quantity_or_none(mapping(container, "resources", kind).get(resource))
    divisor = quantity_or_none(ref.get("divisor")) if ref.get("divisor") not in (None, "0", 0) else None
    value = 0 if found is None else divide_for_downward_api(resource, found, divisor)
    return "node allocatable" if not value and kind == "limits" else str(value)


def _mounts(w: Writer, container: JSON) -> None:
    found = sorted(listed(container, "volumeMounts"), key=lambda one: text(one, "mountPath"))
    w.line(2, "Mounts:" + ("" if found else "\t<none>"))
    for one in found:
        flags = "ro" if flag(one, "readOnly") else "rw"
        flags += f',path="{text(one, "subPath")}"' if text(one, "subPath") else ""
        w.line(3, f"{text(one, 'mountPath')} from {text(one, 'name')} ({flags})")
    devices = sorted(listed(container, "volumeDevices"), key=lambda one: text(one, "devicePath"))
    if devices:
        w.line(2, "Devices:" + ("" if found else "\t<none>"))
        for one in devices:
            w.line(3, f"{text(one, 'devicePath')} from {text(one, 'name')}")


_TYPES: Final[dict[str, tuple[str, tuple[tuple[str, str], ...]]]] = {
    "hostPath": ("HostPath (bare host directory volume)", (("Path", "path"), ("HostPathType", "type"))),
    "emptyDir": (
        "EmptyDir (a temporary directory that shares a pod's lifetime)",
        (("Medium", "medium"), ("SizeLimit", "sizeLimit")),
    ),
    "gitRepo": (
        "GitRepo (a volume that is pulled from git when the pod is created)",
        (("Repository", "repository"), ("Revision", "revision")),
    ),
    "secret": ("Secret (a volume populated by a Secret)", (("SecretName", "secretName"), ("Optional", "optional"))),
    "configMap": ("ConfigMap (a volume populated by a ConfigMap)", (("Name", "name"), ("Optional", "optional"))),
    "nfs": (
        "NFS (an NFS mount that lasts the lifetime of a pod)",
        (("Server", "server"), ("Path", "path"), ("ReadOnly", "readOnly")),
    ),
    "persistentVolumeClaim": (
        "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
        (("ClaimName", "claimName"), ("ReadOnly", "readOnly")),
    ),
    "local": ("LocalVolume (a persistent volume backed by local storage on a node)", (("Path", "path"),)),
    "csi": (
        "CSI (a Container Storage Interface (CSI) volume source)",
        (("Driver", "driver"), ("FSType", "fsType"), ("VolumeHandle", "volumeHandle"), ("ReadOnly", "readOnly")),
    ),
    "image": ("Image (a container image or OCI artifact)", (("Reference", "reference"), ("PullPolicy", "pullPolicy"))),
}
_EMPTY: Final = {"type": "<none>", "sizeLimit": "<unset>", "optional": "false", "readOnly": "false"}


def volumes(w: Writer, found: Sequence[JSON], indent: str = "") -> None:
    """A Pod's volumes (describeVolumes)."""
    w.line(0, f"{indent}Volumes:" + ("" if found else "\t<none>"))
    for volume in found:
        w.line(1, f"{' ' if indent else ''}{text(volume, 'name')}:")
        volume_source(w, volume)


def volume_source(w: Writer, holder: JSON) -> None:
    """What a volume is made of."""
    for name, (title, fields) in _TYPES.items():
        source = mapped(holder, name)
        if source is not None:
            w.field("Type", title, 2)
            for label, field in fields:
                value = source.get(field, _EMPTY.get(field, ""))
                w.field(label, str(value).lower() if isinstance(value, bool) else value, 2)
            return
    if mapped(holder, "projected") is not None:
        _projected(w, mapping(holder, "projected"))
    elif mapped(holder, "downwardAPI") is not None:
        w.field("Type", "DownwardAPI (a volume populated by information about the pod)", 2)
        w.line(2, "Items:")
        for item in listed(holder, "downwardAPI", "items"):
            said = text(item, "fieldRef", "fieldPath") or text(item, "resourceFieldRef", "resource")
            w.line(3, f"{said} -> {text(item, 'path')}")
    elif mapped(holder, "ephemeral") is not None:
        _ephemeral(w, mapping(holder, "ephemeral", "volumeClaimTemplate"))
    else:
        w.line(1, "<unknown>")


def _projected(w: Writer, projected: JSON) -> None:
    w.field("Type", "Projected (a volume that contains injected data from multiple sources)", 2)
    for source in listed(projected, "sources"):
        for name, title in (("secret", "SecretName"), ("configMap", "ConfigMapName")):
            if mapped(source, name) is not None:
                w.field(title, text(source, name, "name"), 2)
                w.field("Optional", _optional(mapping(source, name)), 2)
        if mapped(source, "downwardAPI") is not None:
            w.field("DownwardAPI", "true", 2)
        if mapped(source, "serviceAccountToken") is not None:
            w.field("TokenExpirationSeconds", whole(source, "serviceAccountToken", "expirationSeconds"), 2)


def _ephemeral(w: Writer, template: JSON) -> None:
    said = "EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)"
    w.field("Type", said, 2)
    w.field("StorageClass", text(template, "spec", "storageClassName"), 2)
    w.field("Volume", "", 2)
    w.labels("Labels", mapping(template, "metadata", "labels"), "    ")
    w.labels("Annotations", mapping(template, "metadata", "annotations"), "    ")
    w.field("Capacity", "", 2)
    w.field("Access Modes", access_modes(()), 2)
    if text(template, "spec", "volumeMode"):
        w.field("VolumeMode", text(template, "spec", "volumeMode"), 2)
