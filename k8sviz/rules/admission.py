"""What a Pod is once the API server has admitted it: its containers in order, its defaults, its node, its token volume.

A manifest leaves out what defaulting and admission add; the kubelet's rules read them all the same.
"""

from typing import Any, Literal, NamedTuple

from k8sviz.rules.fields import JSON, flag, integer, listed, mapping, text
from k8sviz.rules.objects import Objects

__all__ = [
    "TOKEN_MOUNT_PATH",
    "PodContainer",
    "Role",
    "admitted",
    "find_container",
    "fs_group",
    "fs_user",
    "in_start_order",
    "mounted_volumes",
    "node_of",
    "resource_text",
    "service_account",
    "with_token_volume",
]

Role = Literal["init", "sidecar", "main", "ephemeral"]

TOKEN_MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path, no secret


class PodContainer(NamedTuple):
    """A container and the part it plays; a sidecar is an init container that is always restarted."""

    container: JSON
    role: Role


def in_start_order(pod: JSON) -> list[PodContainer]:
    """All containers in the order in which they start: init and sidecar, main, ephemeral.

    >>> spec = {"initContainers": [{"name": "fetch"}, {"name": "proxy", "restartPolicy": "Always"}]}
    >>> pod = {"spec": {**spec, "containers": [{"name": "app"}]}}
    >>> [(each.container["name"], each.role) for each in in_start_order(pod)]
    [('fetch', 'init'), ('proxy', 'sidecar'), ('app', 'main')]
    """
    first = [
        PodContainer(found, "sidecar" if text(found, "restartPolicy") == "Always" else "init")
        for found in listed(pod, "spec", "initContainers")
    ]
    main = [PodContainer(found, "main") for found in listed(pod, "spec", "containers")]
    return [*first, *main, *(PodContainer(found, "ephemeral") for found in listed(pod, "spec", "ephemeralContainers"))]


def find_container(pod: JSON, name: str) -> JSON | None:
    """The main or init container of this name (findContainerInPod); None when there is none."""
    known = [*listed(pod, "spec", "containers"), *listed(pod, "spec", "initContainers")]
    return next((found for found in known if text(found, "name") == name), None)


def resource_text(container: JSON, kind: str, resource: str) -> object:
    """A container's limit or request as written; a request that is missing is the limit (SetDefaults_Pod).

    >>> resource_text({"resources": {"limits": {"cpu": "1"}}}, "requests", "cpu")
    '1'
    """
    resources = mapping(container, "resources")
    found = mapping(resources, kind).get(resource)
    return mapping(resources, "limits").get(resource) if found is None and kind == "requests" else found


def node_of(pod: JSON, objects: Objects) -> JSON | None:
    """The Node that the Pod runs on, or the only one there is; None when that cannot be told."""
    name = text(pod, "spec", "nodeName")
    if name:
        return objects.find("Node", "", name)
    nodes = objects.of_kind("Node")
    return nodes[0] if len(nodes) == 1 else None


def service_account(pod: JSON) -> str:
    """The ServiceAccount the Pod runs as: `default` when it names none."""
    return text(pod, "spec", "serviceAccountName") or text(pod, "spec", "serviceAccount") or "default"


def fs_group(pod: JSON) -> int | None:
    """`spec.securityContext.fsGroup`."""
    return integer(pod, "spec", "securityContext", "fsGroup")


def fs_user(pod: JSON) -> int | None:
    """The one user that all containers run as, who then owns the token files; None otherwise (FsUserFrom)."""
    default = integer(pod, "spec", "securityContext", "runAsUser")
    users = []
    for container, role in in_start_order(pod):
        if role != "ephemeral":
            own = integer(container, "securityContext", "runAsUser")
            users.append(default if own is None else own)
    return users[0] if users and all(user == users[0] for user in users) else None


def mounted_volumes(pod: JSON) -> set[str]:
    """The names of the volumes that some container uses; the kubelet sets up no others (GetPodVolumeNames)."""
    names: set[str] = set()
    for container, _ in in_start_order(pod):
        names.update(text(mount, "name") for mount in listed(container, "volumeMounts"))
        names.update(text(device, "name") for device in listed(container, "volumeDevices"))
        for variable in listed(container, "env"):
            names.add(text(variable, "valueFrom", "fileKeyRef", "volumeName"))
    return names - {""}


def admitted(pod: JSON, objects: Objects) -> JSON:
    """The Pod with the token volume that admission adds to every container that mounts nothing at its path.

    Rule: plugin/pkg/admission/serviceaccount. `automountServiceAccountToken: false` of the Pod, or else of its
    ServiceAccount, prevents it.
    """
    account = objects.find("ServiceAccount", objects.namespace_of(pod), service_account(pod))
    return with_token_volume(pod, account)


def with_token_volume(pod: JSON, account: JSON | None, name: str = "kube-api-access") -> JSON:
    """The Pod with its token volume, under this name, unless the Pod or its ServiceAccount says that it wants none."""
    automount = flag(pod, "spec", "automountServiceAccountToken")
    if automount is None:
        automount = flag(account, "automountServiceAccountToken")
    lists = {kind: listed(pod, "spec", kind) for kind in ("initContainers", "containers")}
    lists = {kind: group for kind, group in lists.items() if group}
    if automount is False or not any(_lacks_token(found) for group in lists.values() for found in group):
        return pod
    volumes = [*listed(pod, "spec", "volumes"), _token_volume(name)]
    changed = {kind: [_with_token(found, name) for found in group] for kind, group in lists.items()}
    return {**pod, "spec": {**mapping(pod, "spec"), **changed, "volumes": volumes}}


def _lacks_token(container: JSON) -> bool:
    return all(text(mount, "mountPath") != TOKEN_MOUNT_PATH for mount in listed(container, "volumeMounts"))


def _with_token(container: JSON, volume: str) -> JSON:
    if not _lacks_token(container):
        return container
    mount = {"name": volume, "mountPath": TOKEN_MOUNT_PATH, "readOnly": True}
    return {**container, "volumeMounts": [*listed(container, "volumeMounts"), mount]}


def _token_volume(name: str) -> dict[str, Any]:
    """The volume as admission writes it; its name ends in random letters on a cluster."""
    field = {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}, "path": "namespace"}
    sources: list[dict[str, Any]] = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [field]}},
    ]
    return {"name": name, "projected": {"defaultMode": 0o644, "sources": sources}}
