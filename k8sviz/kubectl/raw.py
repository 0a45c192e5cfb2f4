"""`kubectl get --raw`: a request's path, answered as the API server writes it."""

from __future__ import annotations

import json
import re
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from k8sviz.cluster.refused import Refused
from k8sviz.cluster.wire import as_sent
from k8sviz.history import Object
from k8sviz.kubectl.failed import Failed
from k8sviz.kubectl.resources import Resource, resources
from k8sviz.kubectl.session import Session
from k8sviz.rules.fields import listed, text

__all__ = ["VERSION", "answer", "raw"]

VERSION: Final = {"major": "1", "minor": "36", "gitVersion": "v1.36.2", "platform": "linux/amd64"}
_PATH: Final = re.compile(r"/(?:api/v1|apis/([^/]+)/([^/]+))(?:/namespaces/([^/]+))?/([^/]+)(?:/([^/]+))?(?:/(.*))?")


def raw(session: Session, path: str) -> None:
    """Print the answer to a path. Raises Refused, Failed."""
    session.out.append(answer(session, path))


def answer(session: Session, path: str, *, pretty: bool = False) -> str:
    """What the API server sends for a path; on one line, unless `pretty` as curl asks for it.

    Raises Refused, Failed.
    """
    parts = urlsplit(path)
    if parts.path.rstrip("/") in ("/version", "/api", "/healthz", "/readyz", "/livez"):
        return _fixed(parts.path.rstrip("/"))
    found = _PATH.fullmatch(parts.path.rstrip("/") + ("/" if parts.path.endswith("/proxy/") else ""))
    resource = _resource(f"{found[1]}/{found[2]}" if found[1] else "v1", found[4]) if found else None
    if not found or resource is None:
        raise Refused(404, "NotFound", "the server could not find the requested resource")
    namespace, name, rest = found[3], unquote(found[5] or ""), found[6] or ""
    if rest == "proxy" or rest.startswith("proxy/"):
        return _proxied(session, name, namespace or "", rest.removeprefix("proxy"))
    if rest and rest != "status":
        raise Failed(f"/{rest} is not answered by the built-in kubectl")
    if name:
        return _written(as_sent(session.api.get(resource.kind, name, namespace or "")), pretty=pretty)
    query = parse_qs(parts.query)
    labels, fields = query.get("labelSelector", [""])[0], query.get("fieldSelector", [""])[0]
    items = session.list(resource, namespace, labels=labels, fields=fields)
    version = max((text(item, "metadata", "resourceVersion") for item in items), default="", key=lambda v: int(v or 0))
    bare = [as_sent({key: item[key] for key in item if key not in ("apiVersion", "kind")}) for item in items]
    whole = {
        "kind": f"{resource.kind}List",
        "apiVersion": resource.api_version,
        "metadata": {"resourceVersion": version},
        "items": bare,
    }
    return _written(whole, pretty=pretty)


def _fixed(path: str) -> str:
    if path == "/version":
        return json.dumps(VERSION, indent=2)
    if path == "/api":
        address = {"clientCIDR": "0.0.0.0/0", "serverAddress": "172.18.0.2:6443"}
        return json.dumps(
            {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [address]}, indent=2
        )
    return "ok"


def _resource(api_version: str, plural: str) -> Resource | None:
    return next((one for one in resources() if one.plural == plural and one.api_version == api_version), None)


def _written(obj: Object, *, pretty: bool) -> str:
    if pretty:
        return json.dumps(obj, indent=2, ensure_ascii=False)
    return json.dumps(obj, separators=(",", ":"), ensure_ascii=False) + "\n"


def _proxied(session: Session, name: str, namespace: str, path: str) -> str:
    """What the program in a Pod answers to an HTTP request, through the API server."""
    pod_name, _, port = name.partition(":")
    pod = session.api.get("Pod", pod_name, namespace)
    containers = listed(pod, "spec", "containers")
    url = f"http://localhost:{port or 80}{path or '/'}"
    code, out, _ = session.target.execute(pod, text(containers[0], "name"), ["wget", "-qO-", url])
    if code:
        raise Refused(503, "ServiceUnavailable", "the server is currently unable to handle the request")
    return out
