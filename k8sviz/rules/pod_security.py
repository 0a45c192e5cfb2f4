"""What the Pod Security Standards have against a Pod, in the words of the PodSecurity admission plugin.

Rules: k8s.io/pod-security-admission/policy; the checks that Pods of the course can meet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from k8sviz.rules.fields import flag, integer, listed, mapped, mapping, strings, text

__all__ = ["violations"]

JSON = Mapping[str, Any]

_CAPABILITIES: Final = frozenset(
    {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP"}
    | {"SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
)
_VOLUMES: Final = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
)


def violations(pod: JSON, level: str) -> list[str]:
    """What is not allowed at a level (privileged, baseline, restricted), each as the plugin writes it.

    >>> violations({"spec": {"hostNetwork": True, "containers": []}}, "baseline")
    ['host namespaces (hostNetwork=true)']
    """
    if level not in ("baseline", "restricted"):
        return []
    found = list(_baseline(pod))
    return sorted(found + (list(_restricted(pod)) if level == "restricted" else []))


def _containers(pod: JSON) -> list[JSON]:
    return [*listed(pod, "spec", "initContainers"), *listed(pod, "spec", "containers")]


def _named(names: list[str]) -> str:
    word = "container" if len(names) == 1 else "containers"
    return f"{word} " + ", ".join(f'"{name}"' for name in names)


def _baseline(pod: JSON) -> Iterator[str]:
    shared = [name for name in ("hostNetwork", "hostPID", "hostIPC") if flag(pod, "spec", name)]
    if shared:
        yield f"host namespaces ({', '.join(f'{name}=true' for name in shared)})"
    paths = [text(each, "name") for each in listed(pod, "spec", "volumes") if mapped(each, "hostPath") is not None]
    if paths:
        word = "volume" if len(paths) == 1 else "volumes"
        yield f"hostPath volumes ({word} " + ", ".join(f'"{name}"' for name in paths) + ")"
    names = [text(each, "name") for each in _containers(pod) if flag(each, "securityContext", "privileged")]
    if names:
        yield f"privileged ({_named(names)} must not set securityContext.privileged=true)"
    ports = {
        integer(port, "hostPort"): text(each, "name")
        for each in _containers(pod)
        for port in listed(each, "ports")
        if integer(port, "hostPort")
    }
    if ports:
        numbers = ", ".join(map(str, sorted(ports, key=str)))
        yield f"hostPort ({_named(sorted(set(ports.values())))} uses hostPort {numbers})"
    for each in _containers(pod):
        extra = sorted(set(strings(each, "securityContext", "capabilities", "add")) - _CAPABILITIES)
        if extra:
            shown = ", ".join(f'"{name}"' for name in extra)
            yield (
                f'non-default capabilities (container "{text(each, "name")}" must not include {shown} in '
                "securityContext.capabilities.add)"
            )


def _restricted(pod: JSON) -> Iterator[str]:
    kinds = {
        text(each, "name"): kind
        for each in listed(pod, "spec", "volumes")
        for kind, value in each.items()
        if isinstance(value, Mapping) and kind not in _VOLUMES
    }
    for name, kind in kinds.items():
        yield f'restricted volume types (volume "{name}" uses restricted volume type "{kind}")'
    names = [
        text(each, "name")
        for each in _containers(pod)
        if flag(each, "securityContext", "allowPrivilegeEscalation") is not False
    ]
    if names:
        must = "must set securityContext.allowPrivilegeEscalation=false"
        yield f"allowPrivilegeEscalation != false ({_named(names)} {must})"
    names = [
        text(each, "name")
        for each in _containers(pod)
        if "ALL" not in strings(each, "securityContext", "capabilities", "drop")
    ]
    if names:
        yield f'unrestricted capabilities ({_named(names)} must set securityContext.capabilities.drop=["ALL"])'
    whole = mapping(pod, "spec", "securityContext")
    names = [text(each, "name") for each in _containers(pod) if not _of(each, whole, "runAsNonRoot")]
    if names:
        yield f"runAsNonRoot != true (pod or {_named(names)} must set securityContext.runAsNonRoot=true)"
    names = [
        text(each, "name")
        for each in _containers(pod)
        if text(_of(each, whole, "seccompProfile"), "type") not in ("RuntimeDefault", "Localhost")
    ]
    if names:
        yield (
            f'seccompProfile (pod or {_named(names)} must set securityContext.seccompProfile.type to "RuntimeDefault" '
            'or "Localhost")'
        )


def _of(container: JSON, whole: JSON, name: str) -> Any:
    own = mapping(container, "securityContext").get(name)
    return whole.get(name) if own is None else own
