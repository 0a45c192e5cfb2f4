"""What is known of images without a registry: whether one can be pulled, its full name, what it runs by itself.

Data about public images that people try things with; of any other image nothing is known, and that is said.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

__all__ = ["Image", "full_name", "image_id", "known_image", "pull_problem"]


class Image(NamedTuple):
    """What an image runs when the Pod names no command: `listens` on a port, or `shell` and such end at once.

    `stops`: whether it ends by itself when it is asked to (SIGTERM); `known` is False for what is assumed.
    """

    command: tuple[str, ...] = ()
    listens: int = 0
    stops: bool = True
    known: bool = True


_IMAGES: Final[Mapping[str, Image]] = {
    "alpine": Image(("/bin/sh",)),
    "bash": Image(("bash",)),
    "busybox": Image(("sh",), stops=False),
    "curlimages/curl": Image(("curl",), stops=False),
    "debian": Image(("bash",)),
    "ubuntu": Image(("bash",)),
    "python": Image(("python3",)),
    "node": Image(("node",)),
    "nginx": Image(("nginx",), 80),
    "httpd": Image(("httpd-foreground",), 80),
    "redis": Image(("redis-server",), 6379),
    "memcached": Image(("memcached",), 11211),
    "mongo": Image(("mongod",), 27017),
    "mysql": Image(("mysqld",), 3306),
    "postgres": Image(("postgres",), 5432),
    "fortune": Image(("fortuneloop.sh",)),
    "registry.k8s.io/kubectl": Image(("kubectl",), stops=True),
    "registry.k8s.io/pause": Image(("/pause",)),
}
_TAG: Final = re.compile(r"v?\d+(\.\d+)*([.-][a-z0-9.]+)*|latest|stable|edge|alpine|slim|musl|glibc|uclibc", re.ASCII)


def _split(image: str) -> tuple[str, str]:
    name, _, digest = image.partition("@")
    head, slash, tail = name.rpartition("/")
    repository, _, tag = tail.partition(":")
    return head + slash + repository, digest or tag or "latest"


def _short(repository: str) -> str:
    return repository.removeprefix("docker.io/").removeprefix("library/")


def known_image(image: str) -> Image:
    """What an image runs; one that is not known counts as a server that ends when asked.

    >>> known_image("nginx:1.29").listens, known_image("example.com/shop:7").known
    (80, False)
    """
    return _IMAGES.get(_short(_split(image)[0]), Image(known=False))


def full_name(image: str) -> str:
    """The name as the runtime reports it.

    >>> full_name("busybox:1.37"), full_name("luksa/kubia"), full_name("registry.k8s.io/kubectl:v1.36.2")
    ('docker.io/library/busybox:1.37', 'docker.io/luksa/kubia:latest', 'registry.k8s.io/kubectl:v1.36.2')
    """
    repository, tag = _split(image)
    host, slash, _ = repository.partition("/")
    sign = "@" if ":" in tag else ":"
    if slash and ("." in host or ":" in host or host == "localhost"):
        return f"{repository}{sign}{tag}"
    return f"docker.io/{repository if slash else 'library/' + repository}{sign}{tag}"


def image_id(image: str) -> str:
    """An identifier for the image, always the same; it is not the digest of the real one."""
    return "sha256:" + hashlib.sha256(full_name(image).encode()).hexdigest()


def pull_problem(image: str) -> str:
    """Why an image cannot be pulled, as containerd says it; '' when it can, or when that is assumed.

    Official images of Docker Hub that are not known, and tags that look like none, do not exist.

    >>> pull_problem("busybox:1.37"), pull_problem("example.com/shop:7")
    ('', '')
    >>> pull_problem("busyboxx:1.37")[:60]
    'failed to pull and unpack image "docker.io/library/busyboxx:'
    """
    repository, tag = _split(image)
    short, whole = _short(repository), full_name(image)
    if short in _IMAGES:
        if _TAG.fullmatch(tag) or ":" in tag:
            return ""
        return f'failed to pull and unpack image "{whole}": failed to resolve reference "{whole}": {whole}: not found'
    if "/" in short:
        return ""
    return (
        f'failed to pull and unpack image "{whole}": failed to resolve reference "{whole}": pull access denied, '
        "repository does not exist or may require authorization: server message: insufficient_scope: authorization "
        "failed"
    )
