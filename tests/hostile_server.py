"""An API server that means harm, a mode each; `python -m tests.hostile_server MODE` serves one."""

from __future__ import annotations

import functools
import gzip
import json
import socket
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["MODES", "Hostile", "kubeconfig"]

PLURALS = {
    "pods": "Pod",
    "events": "Event",
    "configmaps": "ConfigMap",
    "secrets": "Secret",
    "services": "Service",
    "nodes": "Node",
    "deployments": "Deployment",
    "replicasets": "ReplicaSet",
}
NASTY = "\x1b[2J\x1b]0;evil\x07\u202e<script>alert(1)</script>\n\r\x00"


def pod(number: int, name: str = "", **more: Any) -> dict[str, Any]:
    meta = {"name": name or f"p{number}", "namespace": "demo", "uid": f"u{number}", "resourceVersion": str(number)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [{"name": "m"}]}, **more}


class Ask:
    """One request: what is asked, and ways to answer."""

    def __init__(self, handler: BaseHTTPRequestHandler, stop: threading.Event) -> None:
        url = urlsplit(handler.path)
        self.handler, self.stop = handler, stop
        self.path = url.path
        self.plural = url.path.rpartition("/")[2]
        self.query = {key: values[0] for key, values in parse_qs(url.query).items()}
        self.watch = "watch" in self.query
        self.head_only = self.plural in ("version",)

    def head(self, status: int = 200, **headers: str) -> None:
        self.handler.send_response(status)
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()

    def send(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.head(status, **{"Content_Type": "application/json", "Content_Length": str(len(body)), **headers})
        self.handler.wfile.write(body)

    def json(self, value: Any, status: int = 200, **headers: str) -> None:
        self.send(json.dumps(value).encode(), status, **headers)

    def listed(self, items: list[Any], version: str = "1", **meta: Any) -> None:
        kind = PLURALS.get(self.plural, "Role")
        self.json(
            {
                "kind": f"{kind}List",
                "apiVersion": "v1",
                "metadata": {"resourceVersion": version, **meta},
                "items": items,
            }
        )

    def chunk(self, data: bytes) -> None:
        self.handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.handler.wfile.flush()

    def endless(self, piece: bytes, pause: float = 0.0, first: bytes = b"") -> None:
        """Send pieces in chunks until nobody listens."""
        self.head(Transfer_Encoding="chunked", Content_Type="application/json")
        if first:
            self.chunk(first)
        while not self.stop.is_set():
            self.chunk(piece)
            if pause:
                self.stop.wait(pause)

    def hold(self) -> None:
        self.head(Transfer_Encoding="chunked")
        self.stop.wait(60)

    def normal(self) -> None:
        """As a server that means well answers: an empty namespace in which nothing happens."""
        if self.plural == "version":
            self.json({"gitVersion": "v1.36.2", "platform": "linux/amd64"})
        elif self.watch:
            self.hold()
        elif "/namespaces/" in self.path and self.plural == "demo":
            self.json({"kind": "Namespace", "metadata": {"name": "demo"}})
        else:
            self.listed([pod(1)] if self.plural == "pods" else [])

    def change(self, kind: str, obj: Any) -> bytes:
        return json.dumps({"type": kind, "object": obj}).encode() + b"\n"


def on(plural: str, *, watch: bool) -> Callable[[Callable[[Ask], None]], Callable[[Ask], None]]:
    """A mode that means harm with one kind's list or watch only, so that the rest is reached."""

    def decorate(harm: Callable[[Ask], None]) -> Callable[[Ask], None]:
        def mode(ask: Ask) -> None:
            (harm if ask.plural == plural and ask.watch == watch else Ask.normal)(ask)

        return mode

    return decorate


@on("pods", watch=False)
def endless_list(ask: Ask) -> None:
    ask.endless(json.dumps(pod(1)).encode() + b",", first=b'{"metadata":{},"items":[')


def endless_pages(ask: Ask) -> None:
    if ask.watch or ask.plural == "version":
        ask.normal()
    else:
        ask.listed([], **{"continue": "more"})


@on("pods", watch=False)
def endless_full_pages(ask: Ask) -> None:
    start = int(ask.query.get("continue", "0"))
    ask.listed([pod(start + i) for i in range(500)], **{"continue": str(start + 500)})


@on("pods", watch=True)
def endless_line(ask: Ask) -> None:
    ask.endless(b"x" * 65536, first=b'{"type":"ADDED","object":{"kind":"Pod","x":"')


def slow_drip(ask: Ask) -> None:
    ask.endless(b" ", pause=0.3, first=b'{"items":[')


def slow_head(ask: Ask) -> None:
    for _ in range(1000):
        ask.handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: " if not _ else b"x")
        ask.handler.wfile.flush()
        if ask.stop.wait(0.3):
            return


def silent(ask: Ask) -> None:
    ask.stop.wait(60)


def busy(ask: Ask) -> None:
    ask.json({"kind": "Status", "code": 429, "message": "too many requests"}, 429, Retry_After="86400")


def failing(ask: Ask) -> None:
    ask.json({"kind": "Status", "code": 500, "message": f"etcd{NASTY} is gone"}, 500)


@on("pods", watch=False)
def failing_for_one_kind(ask: Ask) -> None:
    ask.send(b"<html>gateway</html>", 502, Content_Type="text/html")


@on("pods", watch=False)
def wrong_json(ask: Ask) -> None:
    ask.send(b'{"items": [{]}')


def wrong_types(ask: Ask) -> None:
    if ask.watch:
        ask.normal()
    else:
        ask.json({"metadata": [1], "items": [1, None, "x", {"metadata": {"name": 5}}, {"metadata": {"name": ["a"]}}]})


@on("pods", watch=False)
def huge_object(ask: Ask) -> None:
    ask.listed([pod(1, x="y" * 40_000_000)])


@on("pods", watch=False)
def many_values(ask: Ask) -> None:
    ask.send(b'{"metadata":{},"items":[' + b"{}," * 9_000_000 + b"{}]}")


def redirecting(ask: Ask) -> None:
    host = ask.handler.headers.get("Host", "")
    other = f"http://localhost:{host.rpartition(':')[2]}/stolen"
    ask.handler.server.followed = "/stolen" in ask.path  # type: ignore[attr-defined]
    ask.send(b"", 307, Location=other)


def wrong_content_type(ask: Ask) -> None:
    ask.send(b"\x0ak8s\x00\x0a\x0c", 200, Content_Type="application/vnd.kubernetes.protobuf")


def closed(ask: Ask) -> None:
    ask.handler.connection.shutdown(socket.SHUT_RDWR)


@on("pods", watch=False)
def half_closed(ask: Ask) -> None:
    ask.head(Content_Length="1000000")
    ask.handler.wfile.write(b'{"items": [')
    ask.handler.wfile.flush()
    ask.handler.connection.shutdown(socket.SHUT_RDWR)


@functools.cache
def bomb() -> bytes:
    """300 MB of nothing."""
    piece = gzip.compress(b" " * 3_000_000, 1)
    return piece * 100  # gzip's members follow each other


@on("pods", watch=False)
def gzip_bomb(ask: Ask) -> None:
    ask.send(bomb(), Content_Encoding="gzip")


@on("pods", watch=False)
def deep_json(ask: Ask) -> None:
    ask.send(b'{"items":[{"a":' + b'{"a":' * 1_000_000 + b"1" + b"}" * 1_000_002 + b"]}")


@on("pods", watch=True)
def wrong_kinds(ask: Ask) -> None:
    ask.head(Transfer_Encoding="chunked")
    for i in range(50):
        ask.chunk(ask.change("ADDED", {**pod(100 + i), "kind": "Secret"}))
        ask.chunk(ask.change("MODIFIED", {**pod(200 + i), "metadata": {"name": i, "uid": [1]}}))
        ask.chunk(ask.change("BOOKMARK", {"kind": 5}))
        ask.chunk(ask.change("SOMETHING", {"kind": "Pod"}))
    ask.chunk(ask.change("ADDED", pod(999, name="fits")))
    ask.stop.wait(60)


@on("pods", watch=True)
def duplicates(ask: Ask) -> None:
    ask.endless(ask.change("MODIFIED", pod(1)) * 50)


@on("pods", watch=True)
def flood(ask: Ask) -> None:
    ask.head(Transfer_Encoding="chunked")
    number = 10
    while not ask.stop.is_set():
        ask.chunk(b"".join(ask.change("ADDED", pod(number + i, x="y" * 2000)) for i in range(200)))
        number += 200


@on("pods", watch=True)
def going_back(ask: Ask) -> None:
    ask.head(Transfer_Encoding="chunked")
    for i in range(2000, 0, -1):
        ask.chunk(ask.change("MODIFIED", {**pod(1), "metadata": {**pod(1)["metadata"], "resourceVersion": str(i)}}))
    ask.stop.wait(60)


def gone_for_ever(ask: Ask) -> None:
    if ask.plural == "version":
        ask.normal()
    else:
        ask.json({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}, 410)


@on("pods", watch=True)
def gone_watches(ask: Ask) -> None:
    ask.head(Transfer_Encoding="chunked")
    ask.chunk(ask.change("ERROR", {"kind": "Status", "code": 410, "reason": "Expired"}))
    ask.chunk(b"")


def hostile_strings(ask: Ask) -> None:
    if ask.watch:
        ask.normal()
    elif ask.plural == "version":
        ask.json({"gitVersion": NASTY, "platform": NASTY})
    elif ask.plural == "pods":
        message = {"waiting": {"reason": NASTY, "message": NASTY}}
        status = {"phase": NASTY, "containerStatuses": [{"name": NASTY, "state": message}]}
        ask.listed([pod(1, name=NASTY, status=status), pod(2, status={"phase": "Running"})], version=NASTY)
    else:
        ask.listed([])


@on("pods", watch=False)
def garbled_chunks(ask: Ask) -> None:
    ask.head(Transfer_Encoding="chunked")
    ask.handler.wfile.write(b"fffffffffffffffffff\r\n{}\r\nzz\r\n")
    ask.handler.wfile.flush()


MODES: dict[str, Callable[[Ask], None]] = {
    mode: globals()[mode]
    for mode in (
        "endless_list",
        "endless_pages",
        "endless_full_pages",
        "endless_line",
        "slow_drip",
        "slow_head",
        "silent",
        "busy",
        "failing",
        "failing_for_one_kind",
        "wrong_json",
        "wrong_types",
        "huge_object",
        "many_values",
        "redirecting",
        "wrong_content_type",
        "closed",
        "half_closed",
        "gzip_bomb",
        "deep_json",
        "wrong_kinds",
        "duplicates",
        "flood",
        "going_back",
        "gone_for_ever",
        "gone_watches",
        "hostile_strings",
        "garbled_chunks",
    )
}


class Hostile:
    """A server of one mode; a context manager. `address` is where it is."""

    def __init__(self, mode: str) -> None:
        stop = self.stop = threading.Event()
        answer = MODES[mode]

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                try:
                    answer(Ask(self, stop))
                except OSError:  # nobody listens any more
                    self.close_connection = True

            def log_message(self, *_: Any) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.server.followed = False  # type: ignore[attr-defined]
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Hostile:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.server.shutdown()
        self.server.server_close()


def kubeconfig(path: Path, server: str, context: str = "fake") -> str:
    """A kubeconfig for the server; returns its path."""
    user = {"name": "u", "user": {"token": "t"}}
    named = {"name": context, "context": {"cluster": "c", "user": "u", "namespace": "demo"}}
    clusters = [{"name": "c", "cluster": {"server": server}}]
    whole = {"clusters": clusters, "users": [user], "contexts": [named], "current-context": context}
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **whole}))
    return str(path)


def main() -> None:
    """Serve one mode until Ctrl-C."""
    with Hostile(sys.argv[1]) as hostile:
        print("export KUBECONFIG=" + kubeconfig(Path(f"/tmp/hostile-{sys.argv[1]}.json"), hostile.address))
        while True:
            time.sleep(1)


if __name__ == "__main__":
    main()
