"""The form that a field's text has, by the type that has the field: names, keys, ports, addresses, amounts."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Final

from k8sviz.rules.quantity import quantity_or_none
from k8sviz.validate.model import FieldPath, Problem, shown_value
from k8sviz.validate.names import is_label, is_qualified, is_subdomain, is_word, nearest_name
from k8sviz.validate.published import Part, amounts

__all__ = ["FORMS", "amount_problems", "form_problems", "is_data_key", "is_port_name"]

_MOST_PORT: Final = 65535
_DATA_KEY: Final = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_PORT_NAME: Final = re.compile(r"(?=.*[a-z])[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?")
_HEADER: Final = re.compile(r"[-A-Za-z0-9]+")
_KEY_OF: Final = {"name": "subdomain", "key": "data-key"}
_CLASSES: Final = {"storageClassName": "subdomain", "volumeAttributesClassName": "subdomain"}
_REQUIREMENT: Final = {"key": "qualified", "values": "label-value"}

FORMS: Final[dict[str, dict[str, str]]] = {
    "core.v1.PodSpec": {
        "hostname": "label",
        "hostnameOverride": "subdomain",
        "subdomain": "label",
        "serviceAccountName": "subdomain",
        "serviceAccount": "subdomain",
        "nodeName": "subdomain",
        "priorityClassName": "subdomain",
        "runtimeClassName": "subdomain",
    },
    "core.v1.Container": {"name": "label"},
    "core.v1.EphemeralContainer": {"name": "label"},
    "core.v1.Volume": {"name": "label"},
    "core.v1.ConfigMapKeySelector": _KEY_OF,
    "core.v1.SecretKeySelector": _KEY_OF,
    "core.v1.ConfigMapEnvSource": {"name": "subdomain"},
    "core.v1.SecretEnvSource": {"name": "subdomain"},
    "core.v1.ContainerPort": {"name": "port-name"},
    "core.v1.HTTPGetAction": {"port": "port"},
    "core.v1.HTTPHeader": {"name": "header"},
    "core.v1.TCPSocketAction": {"port": "port"},
    "core.v1.PodSchedulingGate": {"name": "qualified"},
    "core.v1.PodAffinityTerm": {"topologyKey": "qualified"},
    "core.v1.TopologySpreadConstraint": {"topologyKey": "qualified"},
    "core.v1.PodReadinessGate": {"conditionType": "qualified"},
    "core.v1.Toleration": {"key": "qualified"},
    "core.v1.HostAlias": {"ip": "address"},
    "core.v1.ServicePort": {"name": "label", "targetPort": "port", "appProtocol": "qualified"},
    "core.v1.ServiceSpec": {"externalIPs": "address"},
    "core.v1.NFSVolumeSource": {"path": "absolute"},
    "core.v1.CSIPersistentVolumeSource": {"driver": "any-subdomain"},
    "core.v1.TopologySelectorLabelRequirement": {"key": "qualified"},
    "apps.v1.StatefulSetSpec": {"serviceName": "label"},
    "core.v1.PersistentVolumeSpec": _CLASSES,
    "core.v1.PersistentVolumeClaimSpec": _CLASSES,
    "storage.v1.StorageClass": {"provisioner": "qualified"},
    "core.v1.NodeSelectorRequirement": _REQUIREMENT,
    "meta.v1.LabelSelectorRequirement": _REQUIREMENT,
}
# what a Service's empty or missing port stands for is filled in
_FILLED: Final = frozenset({"core.v1.ServicePort"})


def form_problems(part: Part) -> Iterator[Problem]:
    """Texts that have not the form that their field wants."""
    for name, form in FORMS.get(part.definition, {}).items():
        value = part.value.get(name)
        path = (*part.path, name)
        if form == "port":
            yield from _port(value, path, part.definition in _FILLED)
        elif isinstance(value, list):
            for i, each in enumerate(value):
                yield from _of_form(each, (*path, i), form)
        else:
            yield from _of_form(value, path, form)


def _of_form(value: object, path: FieldPath, form: str) -> Iterator[Problem]:
    if not isinstance(value, str) or (value == "" and form != "address") or _TESTS[form](value):
        return
    shown, code = {"value": shown_value(value)}, _CODES.get(form, form)
    if code.startswith("name-"):
        shown["instead"] = nearest_name(value, code.removeprefix("name-"))
    yield Problem(path, code, shown)


def _port(value: object, path: FieldPath, filled: bool) -> Iterator[Problem]:
    """A number, or the name of a container's port."""
    if isinstance(value, bool) or (filled and value in (0, "")):
        return
    if isinstance(value, int) and not 1 <= value <= _MOST_PORT:
        yield Problem(path, "port", {"value": str(value)})
    elif isinstance(value, str) and not is_port_name(value):
        yield Problem(path, "port-or-name", {"value": shown_value(value)})


def is_port_name(value: str) -> bool:
    """An IANA service name.

    >>> is_port_name("http-alt"), is_port_name("80"), is_port_name("a--b"), is_port_name("HTTP")
    (True, False, False, False)
    """
    return _PORT_NAME.fullmatch(value) is not None and "--" not in value


def is_data_key(value: str) -> bool:
    """A key of a ConfigMap or Secret.

    >>> is_data_key("tls.crt"), is_data_key("..data"), is_data_key("a/b")
    (True, False, False)
    """
    return _DATA_KEY.fullmatch(value) is not None and value != "." and not value.startswith("..")


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _is_any_subdomain(value: str) -> bool:
    return is_subdomain(value.lower())


def _is_header(value: str) -> bool:
    return _HEADER.fullmatch(value) is not None


def _is_absolute(value: str) -> bool:
    return value.startswith("/")


_TESTS: Final[dict[str, Callable[[str], bool]]] = {
    "label": is_label,
    "subdomain": is_subdomain,
    "any-subdomain": _is_any_subdomain,
    "qualified": is_qualified,
    "label-value": is_word,
    "data-key": is_data_key,
    "port-name": is_port_name,
    "header": _is_header,
    "address": _is_address,
    "absolute": _is_absolute,
}
_CODES: Final = {
    "label": "name-label",
    "subdomain": "name-subdomain",
    "any-subdomain": "name-subdomain",
    "qualified": "label-key",
}


def amount_problems(part: Part) -> Iterator[Problem]:
    """Texts and numbers that are no quantity, where there must be one."""
    for path, value in amounts(part):
        if isinstance(value, str | int | float) and quantity_or_none(value) is None:
            yield Problem(path, "quantity", {"value": shown_value(value)})
