"""The files that a container finds under its mounts, each with where it comes from and whether a change reaches it.

Rules (Kubernetes v1.36): pkg/volume/{configmap,secret,downwardapi,projected}, pkg/volume/util (atomic_writer.go,
nested_volumes.go), pkg/volume/volume_linux.go (fsGroup), pkg/kubelet/kubelet_pods.go (makeMounts). What the image
holds, and what programs write, is not among them; the two annotations that the kubelet adds on the node are left out.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from k8sviz.rules.admission import fs_group, fs_user, in_start_order, mounted_volumes
from k8sviz.rules.downward import field_value, resource_value
from k8sviz.rules.environment import environment
from k8sviz.rules.expansion import expand, references
from k8sviz.rules.fields import JSON, flag, integer, listed, mapped, mapping, text
from k8sviz.rules.objects import Objects
from k8sviz.rules.reasons import Reason

__all__ = [
    "DEFAULT_MODE",
    "ContainerFiles",
    "File",
    "Mount",
    "Source",
    "VolumeFiles",
    "container_files",
    "empty_folders",
    "mode_text",
    "volume_files",
    "volume_problems",
]

Update = Literal["live", "frozen"]

DEFAULT_MODE = 0o644
_TOKEN_MODE = 0o600
_READ_GROUP = 0o440
_KUBELET_KINDS = ("configMap", "secret", "downwardAPI", "projected")
_NOT_FOUND = {"ConfigMap": "config-map-not-found", "Secret": "secret-not-found"}
_DATA = "..data"
_LONGEST_PATH, _LONGEST_NAME = 4096, 255
# /etc/hosts comes from the kubelet, the others from containerd
_RUNTIME_FILES = ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf")
_TERMINATION_LOG = "/dev/termination-log"


@dataclass(frozen=True, slots=True)
class Source:
    """What a file's content is made of. Fields that do not apply are empty.

    `kind`, `name` and `key` name a key of a ConfigMap or Secret; `path` is a field or resource of the Pod; `kind` is
    else ServiceAccountToken, ClusterTrustBundle or PodCertificate, whose content is not known.
    """

    kind: str
    name: str = ""
    key: str = ""
    path: str = ""
    container: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file as the container finds it, symbolic links followed.

    `uid` and `gid` own it: root, but for a token's user and the Pod's fsGroup. `content` is None when it is not known
    before the Pod runs. `update` tells whether a change of the source reaches
    the file: `live` in a mount of the whole volume, `frozen` under a subPath.
    """

    mode: int
    content: bytes | None
    source: Source
    volume: str = ""
    update: Update = "live"
    read_only: bool = True
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True)
class VolumeFiles:
    """A volume's files by path inside it. `known` is False where something else than the kubelet fills the volume.

    `folders` are those that the kubelet makes for other volumes that are mounted inside this one.
    """

    files: Mapping[str, File] = field(default_factory=dict)
    problems: tuple[Reason, ...] = ()
    skipped: tuple[Reason, ...] = ()
    known: bool = True
    folders: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount of a container. `hides` are the files of an outer mount that it covers; `known` as in VolumeFiles."""

    path: str
    volume: str
    kind: str
    sub_path: str = ""
    read_only: bool = False
    known: bool = True
    is_file: bool = False
    hides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContainerFiles:
    """What a container finds: files by absolute path, sorted; its mounts, outer ones first; what prevents its start."""

    files: Mapping[str, File] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    problems: tuple[Reason, ...] = ()


def empty_folders(found: ContainerFiles) -> list[Mount]:
    """Mounts at which a container finds an empty folder, since their subPath is not in the volume.

    Rule: pkg/kubelet/kubelet_pods.go (makeMounts) makes a subPath that is not there, as a folder.
    """
    return [
        mount
        for mount in found.mounts
        if mount.sub_path
        and mount.kind in _KUBELET_KINDS
        and mount.known
        and not mount.is_file
        and not any(path.startswith(f"{mount.path}/") for path in found.files)
    ]


def mode_text(mode: int) -> str:
    """Permission bits as octal text, as `stat -c %a` prints them.

    >>> mode_text(288)
    '440'
    """
    return format(mode & 0o7777, "o")


def volume_files(volume: JSON, pod: JSON, objects: Objects) -> VolumeFiles:
    """The files of one entry of `spec.volumes`, by path inside the volume.

    Modes are the item's, else the volume's `defaultMode`, else 0644; `fsGroup` adds read for user and group.

    >>> from k8sviz.rules.objects import Objects
    >>> objects = Objects([{"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a.conf": "on"}}])
    >>> files = volume_files({"configMap": {"name": "c"}}, {"kind": "Pod"}, objects).files
    >>> files["a.conf"].content, mode_text(files["a.conf"].mode)
    (b'on', '644')
    """
    kind = _volume_kind(volume)
    if kind not in _KUBELET_KINDS:
        return VolumeFiles(known=kind == "emptyDir")
    definition = mapping(volume, kind)
    writer = _Writer(text(volume, "name"), definition, pod, objects)
    if kind == "projected":
        for source in listed(definition, "sources"):
            writer.take(source)
    elif kind == "secret":
        writer.take({kind: {**definition, "name": text(definition, "secretName")}})
    else:
        writer.take({kind: definition})
    return writer.volume()


def volume_problems(pod: JSON, objects: Objects) -> tuple[Reason, ...]:
    """What keeps every container of the Pod from starting: volumes in use that the kubelet cannot set up."""
    used = mounted_volumes(pod)
    found: list[Reason] = []
    for volume in listed(pod, "spec", "volumes"):
        if text(volume, "name") in used:
            found += volume_files(volume, pod, objects).problems
    return tuple(found)


def container_files(pod: JSON, container: JSON, objects: Objects) -> ContainerFiles:
    """The files under all mounts of a container: an inner mount covers what an outer one has at its path.

    >>> from k8sviz.rules.objects import Objects
    >>> objects = Objects([{"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1", "b": "2"}}])
    >>> pod = {"kind": "Pod", "spec": {"volumes": [{"name": "v", "configMap": {"name": "c"}}]}}
    >>> container = {"volumeMounts": [{"name": "v", "mountPath": "/etc/a.conf", "subPath": "a"}]}
    >>> {path: file.update for path, file in container_files(pod, container, objects).files.items()}
    {'/etc/a.conf': 'frozen'}
    """
    tree = _Tree(text(container, "name"))
    volumes = {text(volume, "name"): volume for volume in listed(pod, "spec", "volumes")}
    for entry in sorted(listed(container, "volumeMounts"), key=_depth):
        volume = volumes.get(text(entry, "name"))
        if volume is None:
            tree.fail("volume-not-found", volume=text(entry, "name"), path=_mount_path(entry))
            continue
        sub_path = _sub_path(entry, pod, container, objects)
        if isinstance(sub_path, Reason):
            tree.problems.append(sub_path)
        else:
            tree.mount(entry, volume, volume_files(volume, pod, objects), sub_path)
    tree.mount_own_files(container)
    return tree.container_files()


def _volume_kind(volume: JSON) -> str:
    """The volume's type; a volume of none is an emptyDir (SetDefaults_Volume)."""
    return next((key for key, value in volume.items() if isinstance(value, Mapping)), "emptyDir")


def _mount_path(entry: JSON) -> str:
    return posixpath.normpath("/" + text(entry, "mountPath").lstrip("/"))


def _depth(entry: JSON) -> int:
    """How deep a mount lies: the runtime makes outer mounts first."""
    return _mount_path(entry).rstrip("/").count("/")


def _mount_points(volume: str, pod: JSON) -> frozenset[str]:
    """The folders that the kubelet makes in its volume for others mounted inside it (MakeNestedMountpoints).

    They are made for all containers at once, at the volume's root whatever the subPath, and before the files.
    """
    found: set[str] = set()
    for container, _ in in_start_order(pod):
        paths = {_mount_path(entry): text(entry, "name") for entry in listed(container, "volumeMounts")}
        for outer in [path for path, name in paths.items() if name == volume]:
            inner = {path.removeprefix(f"{outer}/") for path in paths if path.startswith(f"{outer}/")}
            found |= {path for path in inner if not inner & _folders([path])}
    return frozenset(found | _folders(found))


def _sub_path(entry: JSON, pod: JSON, container: JSON, objects: Objects) -> str | Reason | None:
    """The subPath of a mount, empty for none; None when it is not known; the Reason why it cannot be."""
    facts = {"container": text(container, "name"), "path": _mount_path(entry)}
    sub_path: str | None = text(entry, "subPath")
    expression = text(entry, "subPathExpr")
    if expression:
        values = environment(pod, container, objects).all_values()
        lacking = [name for name in references(expression) if values.get(name, "") == ""]
        if lacking:
            return Reason("sub-path-variable-not-found", {**facts, "variable": ", ".join(lacking)})
        sub_path = expand(expression, values)
    if sub_path and (sub_path.startswith("/") or ".." in sub_path.split("/")):
        return Reason("sub-path-not-inside", {**facts, "sub_path": sub_path})
    return sub_path


class _Writer:
    """Collects the files of one volume as the kubelet's volume plugins do."""

    def __init__(self, name: str, definition: JSON, pod: JSON, objects: Objects) -> None:
        self.name, self.pod, self.objects = name, pod, objects
        self.namespace = objects.namespace_of(pod)
        default = integer(definition, "defaultMode")
        self.default_mode = DEFAULT_MODE if default is None else default
        self.group = fs_group(pod)
        self.files: dict[str, File] = {}
        self.problems: list[Reason] = []
        self.skipped: list[Reason] = []

    def volume(self) -> VolumeFiles:
        folders = _mount_points(self.name, self.pod)
        self.check_paths(folders)
        # a folder that is there already keeps its place: no link to the files of that name is made
        visible = {path: file for path, file in self.files.items() if path.partition("/")[0] not in folders}
        files = {} if self.problems else dict(sorted(visible.items()))
        return VolumeFiles(files, tuple(self.problems), tuple(self.skipped), folders=folders)

    def take(self, source: JSON) -> None:
        """One source of a projected volume, or the only one of another."""
        for kind, take in (
            ("secret", self.take_secret),
            ("configMap", self.take_config_map),
            ("downwardAPI", self.take_downward),
            ("serviceAccountToken", self.take_token),
            ("clusterTrustBundle", self.take_bundle),
            ("podCertificate", self.take_certificate),
        ):
            definition = mapped(source, kind)
            if definition is not None:
                take(definition)
                return

    def take_config_map(self, definition: JSON) -> None:
        name = text(definition, "name")
        data: Mapping[str, bytes | None] | None = self.objects.config_map(self.namespace, name)
        if data is None and name == "kube-root-ca.crt":
            # the cluster keeps this one in every namespace
            data = {"ca.crt": None}
        self.take_keys("ConfigMap", name, data, definition)

    def take_secret(self, definition: JSON) -> None:
        name = text(definition, "name")
        self.take_keys("Secret", name, self.objects.secret(self.namespace, name), definition)

    def take_keys(self, kind: str, name: str, data: Mapping[str, bytes | None] | None, definition: JSON) -> None:
        optional = bool(flag(definition, "optional"))
        if data is None:
            self.missing(Reason(_NOT_FOUND[kind], self.facts(name=name)), optional)
            return
        items = listed(definition, "items")
        if not items:
            for key, content in data.items():
                self.write(key, content, Source(kind, name, key), None)
        for item in items:
            key = text(item, "key")
            if key in data:
                self.write(text(item, "path"), data[key], Source(kind, name, key), integer(item, "mode"))
            else:
                self.missing(Reason("key-not-found", self.facts(kind=kind, name=name, key=key)), optional)

    def take_downward(self, definition: JSON) -> None:
        for item in listed(definition, "items"):
            value, source = self.shown(item)
            if isinstance(value, Reason):
                self.problems.append(Reason(value.code, self.facts(**value.facts)))
            else:
                content = None if value is None else value.encode("utf-8", "replace")
                self.write(text(item, "path"), content, source, integer(item, "mode"))

    def shown(self, item: JSON) -> tuple[str | Reason | None, Source]:
        """What an item of a downwardAPI volume shows."""
        field_ref, resource_ref = mapped(item, "fieldRef"), mapping(item, "resourceFieldRef")
        if field_ref is not None:
            path = text(field_ref, "fieldPath")
            return field_value(path, self.pod, self.objects, in_volume=True), Source("Pod", path=path)
        value, refused = resource_value(resource_ref, self.pod, None, self.objects)
        of = Source("Pod", path=text(resource_ref, "resource"), container=text(resource_ref, "containerName"))
        return refused or value, of

    def take_token(self, definition: JSON) -> None:
        self.write_private(text(definition, "path"), Source("ServiceAccountToken"))

    def take_bundle(self, definition: JSON) -> None:
        name = text(definition, "name") or text(definition, "signerName")
        self.write_private(text(definition, "path"), Source("ClusterTrustBundle", name))

    def take_certificate(self, definition: JSON) -> None:
        for part in ("credentialBundlePath", "keyPath", "certificateChainPath"):
            if text(definition, part):
                source = Source("PodCertificate", text(definition, "signerName"), part.removesuffix("Path"))
                self.write_private(text(definition, part), source)

    def write_private(self, path: str, source: Source) -> None:
        """A file that only the Pod's one user, or its fsGroup, may read."""
        user = fs_user(self.pod)
        private = self.group is not None or user is not None
        self.write(path, None, source, _TOKEN_MODE if private else None, user or 0)

    def write(self, path: str, content: bytes | None, source: Source, mode: int | None, uid: int = 0) -> None:
        if not _is_inside(path):
            self.problems.append(Reason("path-not-inside", self.facts(path=path)))
            return
        bits = (self.default_mode if mode is None else mode) & 0o777
        if self.group is not None:
            # the kubelet hands the files to the group, read-only as these volumes are
            bits |= _READ_GROUP
        self.files[posixpath.normpath(path)] = File(bits, content, source, self.name, uid=uid, gid=self.group or 0)

    def check_paths(self, mount_points: frozenset[str]) -> None:
        """One path cannot be a file, or the link to the files, and a folder."""
        folders = _folders(self.files) | {"."}
        for path in sorted((folders & self.files.keys()) | (mount_points & {_DATA})):
            self.problems.append(Reason("path-is-file-and-folder", self.facts(path=path)))

    def missing(self, reason: Reason, optional: bool) -> None:
        (self.skipped if optional else self.problems).append(reason)

    def facts(self, **facts: str) -> dict[str, str]:
        return {"volume": self.name, "namespace": self.namespace, **facts}


def _is_inside(path: str) -> bool:
    """Whether the kubelet's writer takes this path (validatePath in atomic_writer.go)."""
    names = path.split("/")
    if not path or path.startswith("/") or len(path) > _LONGEST_PATH:
        return False
    return not names[0].startswith("..") and all(name != ".." and len(name) <= _LONGEST_NAME for name in names)


def _folders(paths: Iterable[str]) -> set[str]:
    """The folders that lie on the way to these paths."""
    found: set[str] = set()
    for path in paths:
        parent = posixpath.dirname(path)
        while parent not in ("", "/") and parent not in found:
            found.add(parent)
            parent = posixpath.dirname(parent)
    return found


class _Tree:
    """A container's files while its mounts are made, outer ones first."""

    def __init__(self, container: str) -> None:
        self.container = container
        self.files: dict[str, File] = {}
        self.folders: set[str] = set()
        self.mounts: list[Mount] = []
        self.problems: list[Reason] = []

    def container_files(self) -> ContainerFiles:
        return ContainerFiles(dict(sorted(self.files.items())), tuple(self.mounts), tuple(self.problems))

    def fail(self, code: str, **facts: str) -> None:
        self.problems.append(Reason(code, {"container": self.container, **facts}))

    def mount(self, entry: JSON, volume: JSON, content: VolumeFiles, sub_path: str | None) -> None:
        """Make one mount; a `sub_path` of None is not known."""
        path, kind, name = _mount_path(entry), _volume_kind(volume), text(volume, "name")
        inside = _below(content, sub_path or "")
        if inside is None:
            self.fail("sub-path-below-file", path=path, sub_path=sub_path or "", volume=name)
            return
        is_file = "" in inside.files
        if not self.has_room(path, is_file):
            return
        read_only = bool(flag(entry, "readOnly")) or kind in _KUBELET_KINDS
        known = content.known and sub_path is not None
        hidden = self.hide(path)
        if known:
            self.put(path, inside, frozen=bool(sub_path), read_only=read_only)
        self.mounts.append(Mount(path, name, kind, sub_path or "", read_only, known, is_file, hidden))

    def mount_own_files(self, container: JSON) -> None:
        """The files that the kubelet and the runtime mount into every container: they need room, and hide others."""
        mounted = {mount.path for mount in self.mounts}
        for path in (*_RUNTIME_FILES, text(container, "terminationMessagePath") or _TERMINATION_LOG):
            if path not in mounted and self.has_room(path, is_file=True):
                self.hide(path)

    def hide(self, path: str) -> tuple[str, ...]:
        """Take away what lies at a path, since something is mounted there; returns the files."""
        below = f"{path.rstrip('/')}/"
        hidden = tuple(sorted(found for found in self.files if found == path or found.startswith(below)))
        for found in hidden:
            del self.files[found]
        self.folders = {found for found in self.folders if not found.startswith(below)}
        return hidden

    def put(self, path: str, inside: VolumeFiles, *, frozen: bool, read_only: bool) -> None:
        update: Update = "frozen" if frozen else "live"
        for below, file in inside.files.items():
            at = posixpath.join(path, below) if below else path
            self.files[at] = replace(file, update=update, read_only=read_only)
        self.folders |= {posixpath.join(path, below) for below in inside.folders}

    def has_room(self, path: str, is_file: bool) -> bool:
        """Whether the mount point can be: the runtime can make none in a mount that is read-only."""
        outer = self.outer(path)
        if outer is None or not outer.read_only or not outer.known:
            return True
        is_folder = path in self.folders or path in _folders(self.files)
        if path not in self.files and not is_folder:
            self.fail("mount-point-read-only", path=path, outer=outer.path, volume=outer.volume)
            return False
        if is_folder == is_file:
            self.fail("mount-point-differs", path=path, outer=outer.path, volume=outer.volume)
            return False
        return True

    def outer(self, path: str) -> Mount | None:
        """The innermost mount made so far that the path lies in."""
        around = [mount for mount in self.mounts if path.startswith(f"{mount.path.rstrip('/')}/")]
        return max(around, key=lambda mount: len(mount.path), default=None)


def _below(content: VolumeFiles, sub_path: str) -> VolumeFiles | None:
    """What is below a subPath; the key `""` is the subPath itself as a file; None when it leads through a file.

    A subPath that is not there becomes an empty folder, which the kubelet makes.
    """
    parts = [part for part in sub_path.split("/") if part not in ("", ".")]
    if parts[:1] == [_DATA]:  # the files are links into this folder, so it is a way to them too
        parts, content = parts[1:], VolumeFiles(content.files)
    wanted = "/".join(parts)
    if not wanted:
        return content
    if wanted in content.files:
        return VolumeFiles({"": content.files[wanted]})
    if any(parent in content.files for parent in _folders([wanted])):
        return None
    below = f"{wanted}/"
    files = {path.removeprefix(below): file for path, file in content.files.items() if path.startswith(below)}
    folders = frozenset(path.removeprefix(below) for path in content.folders if path.startswith(below))
    return VolumeFiles(files, folders=folders)
