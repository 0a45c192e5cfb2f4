"""What keeps a container from starting, in the kubelet's words: volumes that it cannot mount, values that are missing.

What is missing is found by `rules/files` and `rules/environment`.
"""

from __future__ import annotations

from typing import Any, Final

from k8sviz.cluster.kubelet.disks import Disks
from k8sviz.history import Object
from k8sviz.rules.admission import mounted_volumes
from k8sviz.rules.environment import environment
from k8sviz.rules.fields import listed, mapped, text
from k8sviz.rules.files import container_files, volume_files
from k8sviz.rules.objects import Objects
from k8sviz.rules.reasons import Reason

__all__ = ["config_trouble", "volume_troubles"]

_GIT: Final = (
    "git-repo volume plugin has been disabled; if necessary, it may be re-enabled by enabling the feature-gate "
    "`GitRepoVolumeDriver`"
)
_HOST_TYPES: Final = {
    "Directory": "directory",
    "File": "file",
    "Socket": "socket file",
    "CharDevice": "character device",
}


def volume_troubles(disks: Disks, pod: Object) -> list[tuple[str, str]]:
    """(volume, what is wrong) of each volume in use that cannot be set up now."""
    used = mounted_volumes(pod)
    objects = disks.objects(pod)
    found = []
    for volume in listed(pod, "spec", "volumes"):
        name = text(volume, "name")
        if name not in used:
            continue
        if mapped(volume, "gitRepo") is not None:
            found.append((name, _GIT))
        elif mapped(volume, "hostPath") is not None:
            words = _host_path(disks, pod, volume)
            if words:
                found.append((name, words))
        else:
            problems = volume_files(volume, pod, objects).problems
            if problems:
                found.append((name, _volume_words(problems[0])))
    return found


def _host_path(disks: Disks, pod: Object, volume: Any) -> str:
    kind, path = text(volume, "hostPath", "type"), text(volume, "hostPath", "path")
    if kind not in _HOST_TYPES:
        return ""
    node = disks.host(text(pod, "spec", "nodeName")).find(path.strip("/"))
    if node is not None and node.is_folder == (kind == "Directory"):
        return ""
    return f"hostPath type check failed: {path} is not a {_HOST_TYPES[kind]}"


def _not_found(problem: Reason) -> str:
    """The words for an object that is not there; '' for any other problem."""
    kind = {"config-map-not-found": "configmap", "secret-not-found": "secret"}.get(problem.code)
    return f'{kind} "{problem.facts["name"]}" not found' if kind else ""


def _as_data(problem: Reason) -> str:
    return f"{problem.code}: {', '.join(f'{key} {value}' for key, value in problem.facts.items())}"


def _volume_words(problem: Reason) -> str:
    if problem.code == "key-not-found":
        word = "secret" if problem.facts.get("kind") == "Secret" else "config"
        return f"references non-existent {word} key: {problem.facts['key']}"
    return _not_found(problem) or _as_data(problem)


def config_trouble(pod: Object, container: Any, objects: Objects) -> str:
    """Why a container cannot be made from what its Pod says; '' when it can."""
    namespace = text(pod, "metadata", "namespace")
    problems = (*environment(pod, container, objects).problems, *container_files(pod, container, objects).problems)
    for problem in problems:
        facts = problem.facts
        if problem.code == "key-not-found":
            kind = facts.get("kind") or "ConfigMap"
            return f"couldn't find key {facts.get('key', '')} in {kind} {namespace}/{facts.get('name', '')}"
        if problem.code != "volume-not-found":
            return _not_found(problem) or _as_data(problem)
    return ""
