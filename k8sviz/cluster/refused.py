"""What the API server answers when it does not do what was asked: a Status, as an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8sviz.errors import K8svizError
from k8sviz.kinds import KINDS

__all__ = ["Refused", "already_exists", "bad_request", "conflict", "forbidden", "invalid", "not_found", "resource"]


class Refused(K8svizError):  # noqa: N818 - it is an answer
    """A Status of the API server: HTTP code, reason, message and details, each worded as the real one's.

    >>> error = not_found("Deployment", "kubia")
    >>> error.code, error.reason, str(error)
    (404, 'NotFound', 'deployments.apps "kubia" not found')
    """

    def __init__(self, code: int, reason: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details: dict[str, Any] = dict(details or {})

    def status(self) -> dict[str, Any]:
        """The Status object that the API server sends."""
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": self.details,
            "code": self.code,
        }


def _group(kind: str) -> str:
    api, slash, _ = KINDS[kind].api_version.partition("/") if kind in KINDS else ("", "", "")
    return api if slash else ""


def resource(kind: str) -> str:
    """A kind's resource with its group, as messages name it: `deployments.apps`, `pods`."""
    plural = KINDS[kind].plural if kind in KINDS else kind.lower()
    return f"{plural}.{_group(kind)}" if _group(kind) else plural


def _details(kind: str, name: str) -> dict[str, Any]:
    plural = KINDS[kind].plural if kind in KINDS else kind.lower()
    found = {"name": name, "group": _group(kind), "kind": plural}
    return {field: value for field, value in found.items() if value}


def not_found(kind: str, name: str) -> Refused:
    """404: there is no such object (NewNotFound)."""
    return Refused(404, "NotFound", f'{resource(kind)} "{name}" not found', _details(kind, name))


def already_exists(kind: str, name: str) -> Refused:
    """409: the name is taken (NewAlreadyExists)."""
    return Refused(409, "AlreadyExists", f'{resource(kind)} "{name}" already exists', _details(kind, name))


def conflict(kind: str, name: str, why: str = "") -> Refused:
    """409: the object is no longer the one that the request speaks of (NewConflict)."""
    changed = "the object has been modified; please apply your changes to the latest version and try again"
    message = f'Operation cannot be fulfilled on {resource(kind)} "{name}": {why or changed}'
    return Refused(409, "Conflict", message, _details(kind, name))


def forbidden(kind: str, name: str, why: str) -> Refused:
    """403: admission or authorization says no (NewForbidden)."""
    subject = f'{resource(kind)} "{name}"' if name else resource(kind)
    return Refused(403, "Forbidden", f"{subject} is forbidden: {why}", _details(kind, name))


def bad_request(message: str) -> Refused:
    """400: the request cannot be read (NewBadRequest)."""
    return Refused(400, "BadRequest", message)


def invalid(kind: str, name: str, causes: list[dict[str, str]]) -> Refused:
    """422: validation found something; each cause has `reason`, `message`, `field` (NewInvalid).

    >>> cause = {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.selector"}
    >>> str(invalid("Deployment", "kubia", [cause]))
    'Deployment.apps "kubia" is invalid: spec.selector: Required value'
    """
    group = f".{_group(kind)}" if _group(kind) else ""
    lines = [f"{cause['field']}: {cause['message']}" if cause["field"] else cause["message"] for cause in causes]
    lines = list(dict.fromkeys(lines))
    said = lines[0] if len(lines) == 1 else "[" + ", ".join(lines) + "]"
    details = {"name": name, **({"group": _group(kind)} if _group(kind) else {}), "kind": kind, "causes": causes}
    return Refused(422, "Invalid", f'{kind}{group} "{name}" is invalid: {said}', details)
