"""A cluster, asked in plain JSON: the one place that knows the kubernetes client.

Only the client's configuration and its connections are used (kubeconfig, exec plugins, certificates, proxies); its
generated models would give two shapes for one thing, and cost time for every object.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from k8sviz.errors import K8svizError, nearest
from k8sviz.rules.fields import listed, text
from k8sviz.sources._answers import Budget, LostError, body, limit_heads, lines, patience, retry_after, weight
from k8sviz.words import say

__all__ = [
    "Cluster",
    "LostError",
    "NoConfigError",
    "RefusedError",
    "Stream",
    "connect",
    "contexts",
    "kubeconfig",
    "require_namespace",
]

_CONNECT: Final = 5.0  # seconds to reach the server
_TOO_MANY: Final = 429
_AGAIN: Final = 3  # times that a request is sent when the server has too much to do
_MOST_WAIT: Final = 30.0  # seconds, whatever a server's Retry-After says


class RefusedError(K8svizError):
    """The server's answer was a refusal: `status` is HTTP's number, `reason` the API's word.

    `after` are the seconds after which it may be asked again, 0 where it does not say.
    """

    def __init__(self, status: int, reason: str, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.after = after


class NoConfigError(K8svizError):
    """There is no kubeconfig at all."""


class Stream:
    """The lines of one watch; `close` may be called from another thread and ends it."""

    def __init__(self, response: Any) -> None:
        self._response = response
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        """Whole lines. Raises LostError when the connection breaks, or a line is too long."""
        try:
            yield from lines(self._response)
        except LostError:
            raise
        except Exception as error:
            if not self._closed:
                raise LostError(_plain(error)) from None

    def close(self) -> None:
        """End the watch, also one that waits in another thread."""
        self._closed = True
        shutdown = getattr(self._response, "shutdown", None)
        try:
            if shutdown is not None:
                shutdown()
            self._response.close()
        except Exception:  # noqa: S110 - it was closed already, or the other thread is just closing it
            pass


class Cluster:
    """A connection to one API server. May be used from several threads."""

    def __init__(self, api: Any, context: str, namespace: str) -> None:
        self._api = api
        self._lock = threading.Lock()
        self.context = context
        self.namespace = namespace  # the context's own, where a command names none
        self.server: str = api.configuration.host
        self.also_called: tuple[str, ...] = ()  # the kubeconfig's names of the cluster and the user
        self._budget: Budget | None = None
        limit_heads(api.rest_client.pool_manager)

    @contextlib.contextmanager
    def within(self, budget: Budget) -> Iterator[None]:
        """What is asked while this lasts stays within one budget together, the outermost, whichever thread asks."""
        before = self._budget
        self._budget = before or budget
        try:
            yield
        finally:
            self._budget = before

    def get(self, path: str, **query: Any) -> Any:
        """What the server answers to a GET, as JSON. Raises RefusedError or LostError."""
        return self._asked("GET", path, query)

    def delete(self, path: str, **query: Any) -> Any:
        """Ask the server to delete one object. Raises RefusedError or LostError."""
        return self._asked("DELETE", path, query)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Create one object. Raises RefusedError or LostError."""
        return self._asked("POST", path, {}, json.dumps(body).encode())

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Change one object by a JSON merge patch. Raises RefusedError or LostError."""
        return self._asked("PATCH", path, {}, json.dumps(body).encode(), "application/merge-patch+json")

    def _asked(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        data: bytes | None = None,
        kind: str = "application/json",
    ) -> Any:
        budget = self._budget or Budget(patience())
        for again in range(_AGAIN, 0, -1):
            try:
                return self._answer(budget, method, path, query, data, kind)
            except RefusedError as error:
                if error.status != _TOO_MANY or again == 1:
                    raise
                time.sleep(min(max(error.after, 0.2), budget.left()))
        raise AssertionError

    def _answer(
        self, budget: Budget, method: str, path: str, query: Mapping[str, Any], data: bytes | None, kind: str
    ) -> Any:
        try:
            response = self._request(method, path, query, budget.left(), data, kind)
        except LostError:
            budget.left()  # the time that is over is told rather than how the connection ended
            raise
        try:
            found = body(response, budget.left())
        except LostError:
            response.close()
            raise
        except Exception as error:
            budget.left()
            raise LostError(_plain(error)) from None
        finally:
            response.release_conn()
        budget.left()
        budget.take(weight(found))
        return _decoded(found)

    def stream(self, path: str, *, idle: float, **query: Any) -> Stream:
        """The lines of a watch; `idle` seconds without a byte count as a broken connection.

        Raises RefusedError or LostError.
        """
        return Stream(self._request("GET", path, query, idle))

    def version(self) -> dict[str, str]:
        """The server's version and platform, as a recording's header has them."""
        found = self.get("/version")
        return {key: str(found.get(key, "")) for key in ("gitVersion", "platform")}

    def close(self) -> None:
        """Let go of all connections."""
        self._api.rest_client.pool_manager.clear()

    def _headers(self, kind: str) -> dict[str, str]:
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "k8sviz",
            "Content-Type": kind,
        }
        with self._lock:  # a token may be renewed just now
            for setting in self._api.configuration.auth_settings().values():
                if setting["in"] == "header" and setting["value"]:
                    headers[setting["key"]] = setting["value"]
        return headers

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        answer: float,
        data: bytes | None = None,
        kind: str = "application/json",
    ) -> Any:
        import urllib3

        asked = urlencode({key: value for key, value in query.items() if value not in (None, "")})
        try:
            response = self._api.rest_client.pool_manager.request(
                method,
                self.server + path + (f"?{asked}" if asked else ""),
                headers=self._headers(kind),
                body=data,
                preload_content=False,
                retries=False,
                redirect=False,  # who redirects gets no credentials
                timeout=urllib3.Timeout(connect=min(_CONNECT, answer), read=answer),
            )
        except Exception as error:
            raise LostError(say("live.unreachable", server=self.server, why=_plain(error))) from None
        if response.status < 300:
            return response
        try:
            told = _decoded(body(response, min(answer, 2.0)))
        except (LostError, urllib3.exceptions.HTTPError, OSError):
            told = {}
        finally:
            response.close()
        raise _refusal(response, told if isinstance(told, dict) else {})


def _refusal(response: Any, told: Mapping[str, Any]) -> RefusedError:
    """What a status that is no success says; those that are not about one object are told as such."""
    status = response.status
    message = " ".join(str(told.get("message") or response.reason or f"HTTP {status}").split())[:500]
    after = retry_after(response.headers, _MOST_WAIT)
    if status < 400:
        message = say("live.redirected", status=status)
    elif status == _TOO_MANY:
        message = say("live.too-many", why=message)
    elif status >= 500:
        message = say("live.failed", status=status, why=message)
    return RefusedError(status, str(told.get("reason", "")), message, after)


def _decoded(data: bytes) -> Any:
    import msgspec

    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise LostError(say("live.not-json")) from None


def _plain(error: Exception) -> str:
    """A network error in few words: the innermost reason, without addresses of Python objects."""
    inner: Any = error
    while getattr(inner, "reason", None) is not None and isinstance(inner.reason, Exception):
        inner = inner.reason
    text = str(inner).rpartition(">: ")[2] or str(inner)
    return " ".join(text.split())[:200] or type(inner).__name__


def _config() -> Any:
    try:
        from kubernetes import client, config
    except ImportError as error:
        raise K8svizError(say("live.no-client", why=error)) from None
    return client, config


def contexts(config_file: str | None = None) -> tuple[list[str], str]:
    """The contexts of the kubeconfig (None: KUBECONFIG, or ~/.kube/config), and the current one ('' for none).

    Raises K8svizError, one line that says what to do, where there is no usable kubeconfig.
    """
    _, config = _config()
    try:
        found, current = config.list_kube_config_contexts(_file(config_file))
    except Exception as error:
        raise _no_config(error) from None
    return [str(c["name"]) for c in found], str((current or {}).get("name", ""))


def kubeconfig(context: str, namespace: str) -> str:
    """A kubeconfig that only says which context and namespace are meant; put before the user's own in KUBECONFIG.

    kubectl takes a context from the first file that has it, and its cluster and user from whichever file has those.
    """
    _, config = _config()
    found, _ = config.list_kube_config_contexts(_file(None))
    meant = next((dict(c["context"]) for c in found if c["name"] == context), {})
    entry = {"name": context, "context": {**meant, "namespace": namespace}}
    return json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": context, "contexts": [entry]})


def _file(config_file: str | None) -> str:
    """Asked each time: the client remembers KUBECONFIG as it was when it was imported."""
    return config_file or os.environ.get("KUBECONFIG") or "~/.kube/config"


def _no_config(error: Exception) -> K8svizError:
    path = _file(None)
    if "No configuration found" in str(error):
        return NoConfigError(say("live.no-cluster", path=path))
    return K8svizError(say("live.bad-config", path=path, why=" ".join(str(error).split())[:200]))


def connect(context: str | None = None, config_file: str | None = None) -> Cluster:
    """The cluster of a kubeconfig's context (None: the current one; inside a Pod, the Pod's own cluster).

    Nothing is sent yet. Raises K8svizError, one line that says what to do.
    """
    client, config = _config()
    settings = client.Configuration()
    if context is None and not (config_file or _has_config()) and os.environ.get("KUBERNETES_SERVICE_HOST"):
        config.load_incluster_config(client_configuration=settings)
        return _cluster(client, settings, "in-cluster", _own_namespace())
    file = _file(config_file)
    names, current = contexts(file)
    if context is not None and context not in names:
        raise K8svizError(say("live.no-context", context=context, known=nearest(context, names)))
    chosen = context or current
    try:
        config.load_kube_config(file, context=chosen or None, client_configuration=settings)
    except Exception as error:
        raise _no_config(error) from None
    found: dict[str, Any] = next((c for c in config.list_kube_config_contexts(file)[0] if c["name"] == chosen), {})
    place: Mapping[str, Any] = found.get("context") or {}
    cluster = _cluster(client, settings, chosen, place.get("namespace") or "default")
    cluster.also_called = tuple(str(place.get(key) or "") for key in ("cluster", "user"))
    return cluster


def _cluster(client: Any, settings: Any, context: str, namespace: str) -> Cluster:
    settings.connection_pool_maxsize = 64  # one connection a kind stays open
    settings.retries = False
    if not settings.verify_ssl:  # the kubeconfig says so; a warning at each request tells nobody anything
        import urllib3

        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return Cluster(client.ApiClient(settings), context, namespace)


def _has_config() -> bool:
    named = os.environ.get("KUBECONFIG")
    places = named.split(os.pathsep) if named else ["~/.kube/config"]
    return any(os.path.exists(os.path.expanduser(place)) for place in places)  # noqa: PTH110, PTH111


def require_namespace(cluster: Cluster, name: str) -> None:
    """Raise K8svizError, naming those that are there, when the cluster says that it has no such namespace."""
    try:
        cluster.get(f"/api/v1/namespaces/{quote(name, safe='')}")
    except RefusedError as error:
        if error.status != 404:  # who may not read it may still know its name
            return
        known = nearest(name, _namespaces(cluster))
        raise K8svizError(say("live.no-namespace", namespace=name, context=cluster.context, known=known)) from None


def _namespaces(cluster: Cluster) -> list[str]:
    try:
        found = cluster.get("/api/v1/namespaces")
    except RefusedError:
        return []
    return [text(one, "metadata", "name") for one in listed(found, "items")]


def _own_namespace() -> str:
    try:
        with open("/var/run/secrets/kubernetes.io/serviceaccount/namespace", encoding="utf-8") as file:
            return file.read().strip() or "default"
    except OSError:
        return "default"
