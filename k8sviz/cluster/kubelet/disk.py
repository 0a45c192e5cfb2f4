"""Files without a disk: what containers find and write, a Disk for each volume and each container's own layer.

A View is what one container sees: its layer, with volumes mounted over it. Errors are OSError, worded as libc does.
"""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

__all__ = ["Disk", "Mounted", "Node", "View", "oserror", "published"]

_MOST_BYTES: Final = 64 << 20  # on one Disk
_MOST_LINKS: Final = 16


@dataclass(slots=True)
class Node:
    """A file (`data`), a folder (`data` is None) or a link (`link`); `t` is when it was changed, in seconds."""

    data: bytes | None = None
    link: str = ""
    mode: int = 0o644
    t: float = 0.0

    @property
    def is_folder(self) -> bool:
        """Whether others may lie in it."""
        return self.data is None and not self.link


def oserror(code: int, path: str) -> OSError:
    """The error that libc gives.

    >>> oserror(errno.ENOENT, "/x").strerror
    'No such file or directory'
    """
    return OSError(code, os.strerror(code), path)


class Disk:
    """Nodes by path, without a slash at the start; '' is the root."""

    def __init__(self, *, mode: int = 0o755, t: float = 0.0) -> None:
        self.nodes: dict[str, Node] = {"": Node(mode=mode, t=t)}
        self.size = 0

    def find(self, path: str) -> Node | None:
        """What lies at a path, links not followed."""
        return self.nodes.get(path)

    def names(self, folder: str) -> list[str]:
        """What lies in a folder, sorted."""
        prefix = f"{folder}/" if folder else ""
        return sorted(
            path[len(prefix) :]
            for path in self.nodes
            if path and path.startswith(prefix) and "/" not in path[len(prefix) :]
        )

    def put(self, path: str, node: Node) -> None:
        """Set what lies at a path, with the folders above it. Raises OSError when the Disk is full."""
        old = self.nodes.get(path)
        self.size += len(node.data or b"") - len(old.data or b"" if old else b"")
        if self.size > _MOST_BYTES:
            raise oserror(errno.ENOSPC, path)
        parent = posixpath.dirname(path)
        while parent not in self.nodes:
            self.nodes[parent] = Node(mode=0o755, t=node.t)
            parent = posixpath.dirname(parent)
        self.nodes[path] = node

    def remove(self, path: str) -> None:
        """Take away what lies at a path, and all in it."""
        for each in [each for each in self.nodes if each == path or each.startswith(f"{path}/")]:
            self.size -= len(self.nodes.pop(each).data or b"")


def published(files: Mapping[str, tuple[bytes, int]], stamp: str, t: float) -> Disk:
    """A volume that the kubelet fills: a folder named by the time, and links to it that change at once (AtomicWriter).

    >>> disk = published({"app/a.conf": (b"on", 0o644)}, "..2026_11_23_10_05_34.1415", 0.0)
    >>> disk.names(""), disk.find("app").link
    (['..2026_11_23_10_05_34.1415', '..data', 'app'], '..data/app')
    """
    disk = Disk(mode=0o777, t=t)
    disk.put(stamp, Node(mode=0o755, t=t))
    disk.put("..data", Node(link=stamp, mode=0o777, t=t))
    for path, (data, mode) in sorted(files.items()):
        disk.put(f"{stamp}/{path}", Node(data, mode=mode, t=t))
        first = path.split("/", 1)[0]
        disk.put(first, Node(link=f"..data/{first}", mode=0o777, t=t))
    return disk


class Mounted(NamedTuple):
    """A Disk, or a part of one, at a path of a container; `kind` is the volume's."""

    path: str
    disk: Disk
    inside: str = ""
    read_only: bool = False
    kind: str = ""
    size: str = ""


@dataclass(slots=True)
class View:
    """What a container sees. `mounts` may be exchanged when a volume is filled anew."""

    layer: Disk
    mounts: dict[str, Mounted] = field(default_factory=dict)
    read_only: bool = False

    def mount(self, mounted: Iterable[Mounted]) -> None:
        """Mount these, or what they are now, at their paths."""
        for each in mounted:
            self.mounts[each.path] = each

    def _place(self, path: str) -> tuple[Disk, str, bool]:
        best = ""
        for mount in self.mounts:
            if (path == mount or path.startswith(mount.rstrip("/") + "/")) and len(mount) > len(best):
                best = mount
        if not best:
            return self.layer, path.strip("/"), self.read_only
        found = self.mounts[best]
        rest = path[len(best) :].strip("/")
        inside = "/".join(part for part in (found.inside, rest) if part)
        return found.disk, inside, found.read_only

    def mounted(self, path: str) -> bool:
        """Whether a path lies in a volume, and not in the container's own layer."""
        return self._place(path)[0] is not self.layer

    def absolute(self, path: str, folder: str = "/") -> str:
        """A path as the kernel reads it: from `folder` when it is not absolute."""
        found = posixpath.normpath(posixpath.join(folder, path))
        return "/" + found.lstrip("/")

    def follow(self, path: str) -> str:
        """The path that a path leads to, links followed. Raises OSError for too many of them."""
        for _ in range(_MOST_LINKS):
            parts, at = path.strip("/").split("/"), ""
            for i, part in enumerate(parts):
                at += f"/{part}"
                disk, inside, _ = self._place(at)
                node = disk.find(inside)
                if node is not None and node.link:
                    path = posixpath.normpath(posixpath.join(posixpath.dirname(at), node.link, *parts[i + 1 :]))
                    break
            else:
                return path
        raise oserror(errno.ELOOP, path)

    def find(self, path: str, *, links: bool = True) -> Node | None:
        """What lies at an absolute path; with `links` what it leads to."""
        if links:
            path = self.follow(path)
        else:
            parent = posixpath.dirname(path)
            path = posixpath.join(self.follow(parent), posixpath.basename(path)) if path != "/" else path
        if any(mount.startswith(path.rstrip("/") + "/") for mount in self.mounts) and path not in self.mounts:
            disk, inside, _ = self._place(path)
            return disk.find(inside) or Node(mode=0o755)
        disk, inside, _ = self._place(path)
        return disk.find(inside)

    def names(self, path: str) -> list[str]:
        """What lies in a folder. Raises OSError."""
        node = self.find(path)
        if node is None:
            raise oserror(errno.ENOENT, path)
        if not node.is_folder:
            raise oserror(errno.ENOTDIR, path)
        path = self.follow(path)
        disk, inside, _ = self._place(path)
        prefix = path.rstrip("/") + "/"
        over = {mount[len(prefix) :].split("/")[0] for mount in self.mounts if mount.startswith(prefix)}
        return sorted({*disk.names(inside), *over})

    def read(self, path: str) -> bytes:
        """A file's content. Raises OSError."""
        node = self.find(path)
        if node is None:
            raise oserror(errno.ENOENT, path)
        if node.data is None:
            raise oserror(errno.EISDIR, path)
        return node.data

    def write(self, path: str, data: bytes, t: float, *, append: bool = False) -> None:
        """Write a file, or add to it. Raises OSError."""
        path = self.follow(path)
        disk, inside, read_only = self._place(path)
        old = disk.find(inside)
        if read_only:
            raise oserror(errno.EROFS, path)
        if old is not None and old.data is None:
            raise oserror(errno.EISDIR, path)
        parent = self.find(posixpath.dirname(path))
        if parent is None:
            raise oserror(errno.ENOENT, path)
        if not parent.is_folder:
            raise oserror(errno.ENOTDIR, path)
        before = old.data or b"" if old is not None and append else b""
        disk.put(inside, Node(before + data, mode=old.mode if old else 0o644, t=t))

    def make_folder(self, path: str, t: float, *, parents: bool = False) -> None:
        """Make a folder. Raises OSError."""
        path = self.follow(path)
        found = self.find(path)
        if found is not None:
            if parents and found.is_folder:
                return
            raise oserror(errno.EEXIST, path)
        if not parents and self.find(posixpath.dirname(path)) is None:
            raise oserror(errno.ENOENT, path)
        disk, inside, read_only = self._place(path)
        if read_only:
            raise oserror(errno.EROFS, path)
        disk.put(inside, Node(mode=0o755, t=t))

    def remove(self, path: str, *, folders: bool = False) -> None:
        """Remove a file, or a folder with all in it. Raises OSError."""
        node = self.find(path, links=False)
        if node is None:
            raise oserror(errno.ENOENT, path)
        if node.is_folder and not folders:
            raise oserror(errno.EISDIR, path)
        if path in self.mounts:
            raise oserror(errno.EBUSY, path)
        parent = self.follow(posixpath.dirname(path))
        disk, inside, read_only = self._place(posixpath.join(parent, posixpath.basename(path)))
        if read_only:
            raise oserror(errno.EROFS, path)
        disk.remove(inside)
