"""What the API server answers to GET from inside a Pod: lists and objects, to whom its rules allow it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from k8sviz.cluster.authorization import authorize
from k8sviz.cluster.refused import Refused
from k8sviz.cluster.wire import as_sent
from k8sviz.kinds import KINDS

if TYPE_CHECKING:
    from k8sviz.cluster.api import API

__all__ = ["TOKEN", "answer"]

TOKEN: Final = "token-of:"  # noqa: S105 - what stands in for a ServiceAccount's token
_ANONYMOUS: Final = "system:anonymous"


def answer(api: API, path: str, header: str, *, user: str = "") -> tuple[int, str]:
    """Status and body, as JSON with two spaces."""
    if not user:
        name = header.partition("Bearer ")[2].strip()
        user = name.removeprefix(TOKEN) if name.startswith(TOKEN) else _ANONYMOUS
    try:
        found = _asked(api, path.partition("?")[0], user)
    except Refused as refused:
        return refused.code, json.dumps(refused.status(), indent=2)
    return 200, json.dumps(found, indent=2)


def _asked(api: API, path: str, user: str) -> dict[str, Any]:
    parts = path.strip("/").split("/")
    head = 2 if parts[0] == "api" else 3
    version, rest = "/".join(parts[1:head]), parts[head:]
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    kind = next(
        (each for each in KINDS.values() if rest and each.plural == rest[0] and each.api_version == version), None
    )
    if kind is None:
        raise Refused(404, "NotFound", "the server could not find the requested resource")
    if len(rest) > 1:
        authorize(api, user, "get", kind, rest[1], namespace)
        return as_sent(api.get(kind.name, rest[1], namespace))
    authorize(api, user, "list", kind, "", namespace)
    items = [
        as_sent({key: obj[key] for key in obj if key not in ("kind", "apiVersion")})
        for obj in api.list(kind.name, namespace or None)
    ]
    meta = {"resourceVersion": api.version}
    return {"kind": f"{kind.name}List", "apiVersion": version, "metadata": meta, "items": items}
