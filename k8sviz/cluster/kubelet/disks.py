"""The volumes of all Pods: what is in them, where it is kept, and when the kubelet fills them anew."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from k8sviz.cluster.kubelet.api_server import TOKEN
from k8sviz.cluster.kubelet.disk import Disk, Mounted, Node, View, published
from k8sviz.history import Object
from k8sviz.rules.admission import mounted_volumes
from k8sviz.rules.expansion import expand
from k8sviz.rules.fields import flag, listed, mapped, mapping, text
from k8sviz.rules.files import File, volume_files
from k8sviz.rules.objects import Objects
from k8sviz.rules.quantity import quantity_or_none

if TYPE_CHECKING:
    from k8sviz.cluster.cluster import Cluster
    from k8sviz.cluster.kubelet.container import Container
    from k8sviz.cluster.kubelet.worker import Worker

__all__ = ["Disks"]

_FILLED: Final = ("configMap", "secret", "downwardAPI", "projected")
_IN_MEMORY: Final = ("secret", "projected", "downwardAPI")
_READ: Final = ("ConfigMap", "Secret", "Service", "ServiceAccount")
_HOST_FOLDERS: Final = (
    *("bin", "boot", "dev", "etc", "home", "lib", "mnt", "opt", "proc", "root", "run", "sbin", "srv", "sys", "tmp"),
    *("usr", "usr/bin", "usr/lib", "usr/share", "var", "var/lib", "var/lib/kubelet", "var/log", "var/run", "var/tmp"),
)
_LAYER: Final[dict[str, bytes | None]] = {
    **dict.fromkeys(("bin", "dev", "etc", "home", "lib", "proc", "root", "sys", "tmp", "usr", "usr/bin", "usr/sbin")),
    **dict.fromkeys(("usr/share", "var", "var/log", "var/spool", "var/www", "run", "sbin")),
    **dict.fromkeys(f"etc/network/{name}" for name in ("if-down.d", "if-post-down.d", "if-pre-up.d", "if-up.d")),
    "etc/network": None,
    "etc/group": b"root:x:0:\n",
    "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\n",
    "etc/shadow": b"root:*::0:99999:7:::\n",
    "proc/sys/kernel/random/uuid": b"",
}


class Disks:
    """What is kept where: on nodes, in volumes of the network, in volumes that live as long as their Pod."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._api = cluster.api
        self._hosts: dict[str, Disk] = {}
        self._volumes: dict[str, Disk] = {}  # by the uid of the PersistentVolume
        self._pods: dict[str, dict[str, Mounted]] = {}  # by the Pod's uid and the volume's name
        self._layer: dict[str, Node] = {}

    @property
    def _now(self) -> float:
        return self._cluster.clock.start.timestamp() + self._cluster.clock.now

    def objects(self, pod: Object) -> Objects:
        """The objects that a Pod can be given something of."""
        namespace = text(pod, "metadata", "namespace")
        found: list[Object] = []
        for kind in _READ:
            found += self._api.list(kind, namespace)
        kubernetes = self._api.find("Service", "kubernetes", "default")
        if kubernetes is not None and namespace != "default":
            found.append(kubernetes)
        node = self._api.find("Node", text(pod, "spec", "nodeName"))
        return Objects([*found, *([node] if node is not None else [])], namespace=namespace)

    def host(self, node: str) -> Disk:
        """The disk of a node."""
        if node not in self._hosts:
            self._hosts[node] = Disk()
            for path in _HOST_FOLDERS:
                self._hosts[node].put(path, Node(mode=0o755))
        return self._hosts[node]

    # -- volumes ---------------------------------------------------------------------------------------

    def fill(self, pod: Object) -> None:
        """Set up the volumes that a Pod uses."""
        used = mounted_volumes(pod)
        objects = self.objects(pod)
        known = self._pods.setdefault(text(pod, "metadata", "uid"), {})
        for volume in listed(pod, "spec", "volumes"):
            name = text(volume, "name")
            if name in used and name not in known:
                known[name] = self._volume(pod, volume, objects)

    def refill(self, pod: Object, views: list[tuple[Any, View]]) -> bool:
        """Fill the Pod's volumes anew where what they are made of has changed; whether any has."""
        objects = self.objects(pod)
        known = self._pods.get(text(pod, "metadata", "uid"), {})
        changed = False
        for volume in listed(pod, "spec", "volumes"):
            name = text(volume, "name")
            if name not in known or known[name].kind not in _FILLED:
                continue
            files = volume_files(volume, pod, objects)
            if files.problems or _contents(known[name].disk) == _plain(files.files, pod):
                continue
            known[name] = known[name]._replace(disk=self._published(pod, files.files, known[name].disk))
            changed = True
        if changed:
            for container, view in views:
                whole = [each for each in listed(container, "volumeMounts") if not _sub_path(each, {})]
                view.mount(self._mounted(pod, each, {}) for each in whole if text(each, "name") in known)
        return changed

    def forget(self, uid: str) -> None:
        """A Pod is gone, and what lived with it."""
        self._pods.pop(uid, None)

    def remove(self, volume: Object) -> None:
        """A PersistentVolume is gone; what a provisioner made is removed with it."""
        self._volumes.pop(text(volume, "metadata", "uid"), None)
        path = text(volume, "spec", "hostPath", "path").strip("/")
        if path and text(volume, "spec", "persistentVolumeReclaimPolicy") == "Delete":
            for host in self._hosts.values():
                host.remove(path)

    def _volume(self, pod: Object, volume: Any, objects: Objects) -> Mounted:
        kind = next((key for key, value in volume.items() if isinstance(value, dict)), "emptyDir")
        if kind in _FILLED:
            found = volume_files(volume, pod, objects)
            size = self._memory(pod) if kind in _IN_MEMORY else ""
            return Mounted("", self._published(pod, found.files), read_only=True, kind=kind, size=size)
        if kind == "hostPath":
            return self._on_host(pod, text(volume, "hostPath", "path"), kind)
        if kind in ("persistentVolumeClaim", "ephemeral"):
            return self._persistent(pod, volume)
        if mapped(volume, "emptyDir") is not None and text(volume, "emptyDir", "medium") == "Memory":
            limit = quantity_or_none(mapping(volume, "emptyDir").get("sizeLimit"))
            size = f"{limit.value() // 1024}k" if limit is not None else self._memory(pod)
            return Mounted("", Disk(mode=0o777, t=self._now), kind=kind, size=size)
        return Mounted("", Disk(mode=0o777, t=self._now), kind=kind)

    def _memory(self, pod: Object) -> str:
        """The size of a file system in memory: the Pod's limit, or all of the node's."""
        limits = [
            quantity_or_none(mapping(each, "resources", "limits").get("memory"))
            for each in listed(pod, "spec", "containers")
        ]
        if limits and all(limit is not None for limit in limits):
            return f"{sum(limit.value() for limit in limits if limit is not None) // 1024}k"
        node = self._api.find("Node", text(pod, "spec", "nodeName"))
        found = quantity_or_none(mapping(node, "status", "allocatable").get("memory"))
        return f"{found.value() // 1024}k" if found is not None else "1024k"

    def _published(self, pod: Object, files: Any, before: Disk | None = None) -> Disk:
        moment = self._cluster.clock.start + timedelta(seconds=self._cluster.clock.now)
        stamp = f"..{moment:%Y_%m_%d_%H_%M_%S}.{self._cluster.clock.random.randrange(10**9, 4 * 10**9)}"
        disk = published(_plain(files, pod), stamp, self._now)
        for path, node in disk.nodes.items():
            old = before.find(path) if before is not None else None
            if node.link and path != "..data" and old is not None:
                node.t = old.t  # the link stays, what it leads to changes
        return disk

    def _on_host(self, pod: Object, path: str, kind: str, node: str = "") -> Mounted:
        host, inside = self.host(node or text(pod, "spec", "nodeName")), path.strip("/")
        if host.find(inside) is None:
            host.put(inside, Node(mode=0o777 if kind != "hostPath" else 0o755, t=self._now))
        return Mounted("", host, inside, kind=kind)

    def _persistent(self, pod: Object, volume: Any) -> Mounted:
        namespace = text(pod, "metadata", "namespace")
        own = f"{text(pod, 'metadata', 'name')}-{text(volume, 'name')}"
        claim = self._api.find(
            "PersistentVolumeClaim", text(volume, "persistentVolumeClaim", "claimName") or own, namespace
        )
        found = self._api.find("PersistentVolume", text(claim, "spec", "volumeName"))
        path = text(found, "spec", "hostPath", "path") or text(found, "spec", "local", "path")
        read_only = bool(flag(volume, "persistentVolumeClaim", "readOnly"))
        if path:
            return self._on_host(pod, path, "persistentVolumeClaim")._replace(read_only=read_only)
        uid = text(found, "metadata", "uid")
        disk = self._volumes.setdefault(uid, Disk(mode=0o777, t=self._now))
        return Mounted("", disk, kind="persistentVolumeClaim", read_only=read_only)

    # -- what a container sees -------------------------------------------------------------------------

    def view(self, worker: Worker, container: Container, variables: Mapping[str, str]) -> View:
        """A new layer with the container's volumes over it."""
        pod = worker.pod
        layer = Disk(t=self._now)
        if not self._layer:
            for path, data in _LAYER.items():
                layer.put(path, Node(data, mode=0o755 if data is None else 0o644, t=self._now))
            self._layer = dict(layer.nodes)
        layer.nodes = dict(self._layer)
        chance = self._cluster.clock.random
        random_id = uuid.UUID(int=chance.getrandbits(128), version=4)
        layer.put("proc/sys/kernel/random/uuid", Node(f"{random_id}\n".encode(), mode=0o444, t=self._now))
        layer.put("etc/hostname", Node(f"{worker.hostname}\n".encode(), t=self._now))
        layer.put("etc/hosts", Node(self._hosts_file(worker), t=self._now))
        view = View(layer, read_only=bool(flag(container.spec, "securityContext", "readOnlyRootFilesystem")))
        entries = sorted(listed(container.spec, "volumeMounts"), key=lambda each: text(each, "mountPath").count("/"))
        view.mount(self._mounted(pod, each, variables) for each in entries)
        return view

    def _mounted(self, pod: Object, entry: Any, variables: Mapping[str, str]) -> Mounted:
        found = self._pods.get(text(pod, "metadata", "uid"), {}).get(text(entry, "name"))
        path = "/" + text(entry, "mountPath").strip("/")
        if found is None:
            return Mounted(path, Disk(mode=0o777, t=self._now))
        read_only = found.read_only or bool(flag(entry, "readOnly"))
        sub = _sub_path(entry, variables)
        if not sub:
            return found._replace(path=path, read_only=read_only)
        if found.kind in _FILLED:
            return Mounted(path, _frozen(found.disk, sub), read_only=True, kind=found.kind)
        inside = "/".join(part for part in (found.inside, sub.strip("/")) if part)
        if found.disk.find(inside) is None:
            found.disk.put(inside, Node(mode=0o750, t=self._now))
        return found._replace(path=path, inside=inside, read_only=read_only)

    def _hosts_file(self, worker: Worker) -> bytes:
        subdomain, namespace = text(worker.pod, "spec", "subdomain"), text(worker.pod, "metadata", "namespace")
        names = worker.hostname
        if subdomain:
            names = f"{worker.hostname}.{subdomain}.{namespace}.svc.cluster.local\t{worker.hostname}"
        head = "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
        ipv6 = "fe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n"
        return f"{head}{ipv6}{worker.ip}\t{names}\n".encode()


def _sub_path(entry: Any, variables: Mapping[str, str]) -> str:
    return text(entry, "subPath") or expand(text(entry, "subPathExpr"), variables) or ""


def _token(pod: Object) -> bytes:
    """What stands in for the token of a Pod's account."""
    account = text(pod, "spec", "serviceAccountName") or "default"
    return f"{TOKEN}system:serviceaccount:{text(pod, 'metadata', 'namespace')}:{account}".encode()


def _plain(files: Any, pod: Object) -> dict[str, tuple[bytes, int]]:
    found: dict[str, tuple[bytes, int]] = {}
    for path, file in files.items():
        data = file.content if isinstance(file, File) else None
        found[path] = (_token(pod) if data is None else data, file.mode)
    return found


def _contents(disk: Disk) -> dict[str, tuple[bytes, int]]:
    """The files of a volume that the kubelet filled, as it would be given them."""
    data = disk.find("..data")
    prefix = f"{data.link}/" if data is not None else ""
    return {
        path.removeprefix(prefix): (node.data, node.mode)
        for path, node in disk.nodes.items()
        if node.data is not None and path.startswith(prefix)
    }


def _frozen(disk: Disk, sub: str) -> Disk:
    """A part of a volume as it is now, which no later change reaches."""
    view = View(disk)
    start = view.follow("/" + sub.strip("/")).strip("/")
    copy = Disk()
    for path, node in disk.nodes.items():
        if path == start or path.startswith(f"{start}/"):
            copy.nodes[path[len(start) :].strip("/")] = node
    return copy
