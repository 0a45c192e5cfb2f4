"""The forms of names, as the API server checks them (k8s.io/apimachinery/pkg/util/validation)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from k8sviz.validate.model import FieldPath, Problem, shown_value

__all__ = [
    "is_label",
    "is_qualified",
    "is_subdomain",
    "is_word",
    "key_problems",
    "label_problems",
    "name_problem",
    "nearest_name",
    "object_name_problem",
]

_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_WORD: Final = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_LONGEST_LABEL: Final = 63
_LONGEST_NAME: Final = 253
_LABELLED: Final = frozenset({"Namespace", "Service", "StatefulSet"})  # their names become labels of DNS names
_RBAC: Final = frozenset({"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"})


def is_label(value: str) -> bool:
    """A DNS-1123 label: what containers, volumes and ports are called.

    >>> is_label("web-server"), is_label("web.server"), is_label("Web"), is_label("-a")
    (True, False, False, False)
    """
    return len(value) <= _LONGEST_LABEL and _LABEL.fullmatch(value) is not None


def is_subdomain(value: str) -> bool:
    """A DNS-1123 subdomain: what most objects are called.

    >>> is_subdomain("kube-root-ca.crt"), is_subdomain("demo_pvc")
    (True, False)
    """
    return len(value) <= _LONGEST_NAME and _SUBDOMAIN.fullmatch(value) is not None


def is_qualified(value: str) -> bool:
    """A label's or annotation's key: a name, with or without a domain and a slash before it.

    >>> is_qualified("app.kubernetes.io/name"), is_qualified("app"), is_qualified("a/b/c"), is_qualified("my app")
    (True, True, False, False)
    """
    domain, slash, name = value.rpartition("/")
    fits = len(name) <= _LONGEST_LABEL and _WORD.fullmatch(name) is not None
    return fits and (not slash or is_subdomain(domain))


def is_word(value: str) -> bool:
    """A label's value: nothing, or a word.

    >>> is_word(""), is_word("a_B.c"), is_word("a b"), is_word("-a")
    (True, True, False, False)
    """
    return not value or (len(value) <= _LONGEST_LABEL and _WORD.fullmatch(value) is not None)


def name_problem(value: object, path: FieldPath, form: str = "label") -> Iterator[Problem]:
    """A Problem if a name is not of this form: `label` or `subdomain`."""
    if not isinstance(value, str) or value == "":
        return
    if not (is_label(value) if form == "label" else is_subdomain(value)):
        yield Problem(path, f"name-{form}", {"value": shown_value(value), "instead": nearest_name(value, form)})


def object_name_problem(kind: str, name: str, path: FieldPath) -> Iterator[Problem]:
    """A Problem if an object of this kind may not be called so."""
    if kind in _RBAC:
        if name in (".", "..") or "/" in name or "%" in name:
            yield Problem(path, "name-path", {"value": shown_value(name)})
    else:
        yield from name_problem(name, path, "label" if kind in _LABELLED else "subdomain")


def label_problems(labels: object, path: FieldPath) -> Iterator[Problem]:
    """Problems of a mapping of labels, or of a selector that names some."""
    if not isinstance(labels, Mapping):
        return
    yield from key_problems(labels, path)
    for key, value in labels.items():
        if isinstance(value, str) and not is_word(value):
            yield Problem((*path, key), "label-value", {"value": shown_value(value)})


def key_problems(keys: Mapping[str, Any], path: FieldPath) -> Iterator[Problem]:
    """Problems of the keys of labels or annotations; in those of annotations the case of letters does not matter."""
    for key in keys:
        if not is_qualified(key.lower() if path[-1] == "annotations" else key):
            yield Problem((*path, key), "label-key", {"value": shown_value(key)}, at_key=True)


def nearest_name(value: str, form: str) -> str:
    """The nearest name that would do: `label` or `subdomain`.

    >>> nearest_name("My_Web.", "label")
    'my-web'
    """
    allowed = r"[^a-z0-9-]" if form == "label" else r"[^a-z0-9.-]"
    plain = re.sub(allowed, "-", value.lower())[: _LONGEST_LABEL if form == "label" else _LONGEST_NAME]
    return plain.strip("-.") or "name"
