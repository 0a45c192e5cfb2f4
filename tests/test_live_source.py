"""The live source against an API server that plays tricks, and redaction: no cluster is needed."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from k8sviz.errors import K8svizError
from k8sviz.history import About, History, Result, Step
from k8sviz.lab import Lab
from k8sviz.secrets.redact import redacted
from k8sviz.sources import live_lab
from k8sviz.sources.follow import Follower, listing
from k8sviz.sources.labs import lab_names, load_lab
from k8sviz.sources.live import connect
from k8sviz.sources.live_lab import LABEL, labelled, writable
from k8sviz.sources.manifests import parse
from k8sviz.sources.record import record_namespace, redact_file
from k8sviz.sources.recording import read, write


def pod(name: str, version: int, uid: str = "", **more: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": "demo", "uid": uid or f"uid-{name}", "resourceVersion": str(version)}
    return {"metadata": {**meta, "managedFields": [{"manager": "x"}]}, **more}


def event(change: str, obj: dict[str, Any]) -> bytes:
    return json.dumps({"type": change, "object": {"apiVersion": "v1", "kind": "Pod", **obj}}).encode() + b"\n"


def gone() -> bytes:
    return (
        json.dumps({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}}).encode() + b"\n"
    )


@dataclass
class Script:
    """What the server answers: lists and watches in turn, the last one for ever; a number is a status."""

    lists: list[Any] = field(default_factory=list)
    watches: list[Any] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        url = urlsplit(handler.path)
        query = {k: v[0] for k, v in parse_qs(url.query).items()}
        kind = url.path.rpartition("/")[2]
        if kind in self.statuses:
            refuse(handler, self.statuses[kind])
        elif kind == "version":
            reply(handler, {"gitVersion": "v1.36.2", "platform": "linux/amd64"})
        elif kind != "pods" and "watch" in query:
            self.hold(handler, [])
        elif kind != "pods":
            reply(handler, {"metadata": {"resourceVersion": "1"}, "items": []})
        else:
            self.asked.append(query)
            self.pods(handler, query)

    def pods(self, handler: BaseHTTPRequestHandler, query: dict[str, str]) -> None:
        turns = self.watches if "watch" in query else self.lists
        turn = turns.pop(0) if turns else []
        if isinstance(turn, int):
            refuse(handler, turn)
        elif "watch" in query:
            self.hold(handler, turn, last=not self.watches)
        else:
            reply(handler, turn)

    def hold(self, handler: BaseHTTPRequestHandler, lines: list[bytes], last: bool = True) -> None:
        """Send lines in chunks; the last watch stays open, others end as the line breaks."""
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for line in lines:
            if not line:
                time.sleep(0.02)
                continue
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            handler.wfile.flush()
        if last:
            self.stop.wait()
        handler.close_connection = True


def reply(handler: BaseHTTPRequestHandler, body: Any, status: int = 200) -> None:
    data = json.dumps(body).encode()
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def refuse(handler: BaseHTTPRequestHandler, status: int) -> None:
    reply(handler, {"kind": "Status", "code": status, "reason": "x", "message": f"no\nway {status}"}, status)


def kubeconfig(path: Path, server: str, context: str = "fake") -> str:
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": context,
                "clusters": [{"name": "c", "cluster": {"server": server}}],
                "users": [{"name": "u", "user": {"token": "t"}}],
                "contexts": [{"name": context, "context": {"cluster": "c", "user": "u", "namespace": "demo"}}],
            }
        )
    )
    return str(path)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[Script], Any]]:
    running: list[tuple[ThreadingHTTPServer, Script]] = []

    def start(script: Script) -> Any:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                script.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        running.append((server, script))
        return connect("fake", kubeconfig(tmp_path / "config", f"http://127.0.0.1:{server.server_address[1]}"))

    yield start
    for server, script in running:
        script.stop.set()
        server.shutdown()
        server.server_close()


def listed(version: int, *items: dict[str, Any], **meta: Any) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": str(version), **meta}, "items": list(items)}


@contextmanager
def following(cluster: Any, **options: Any) -> Iterator[Follower]:
    with Follower(cluster, "demo", kinds=("Pod",), **options).start() as follower:
        yield follower


def told(follower: Follower) -> list[tuple[str, str, str]]:
    return [(e.type, e.object["metadata"]["name"], e.object["metadata"]["resourceVersion"]) for e in follower.history]


def soon(what: Callable[[], Any], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.01)


def test_a_list_and_what_follows(serve: Any) -> None:
    script = Script(
        [listed(5, pod("a", 3))],
        [[event("ADDED", pod("b", 6)), event("MODIFIED", pod("a", 7)), event("DELETED", pod("b", 8))]],
    )
    with following(serve(script)) as follower:
        soon(lambda: len(follower.history) == 4)
        assert told(follower) == [
            ("ADDED", "a", "3"),
            ("ADDED", "b", "6"),
            ("MODIFIED", "a", "7"),
            ("DELETED", "b", "8"),
        ]
        first, *later = follower.history
        assert first.t == 0.0
        assert all(e.t > 0 for e in later)
        assert "managedFields" not in first.object["metadata"]
        assert (first.object["apiVersion"], first.object["kind"]) == ("v1", "Pod")
        assert follower.history.about.server["gitVersion"] == "v1.36.2"
    assert script.asked[1]["resourceVersion"] == "5"
    assert script.asked[1]["allowWatchBookmarks"] == "true"


def test_pages_are_one_list(serve: Any) -> None:
    script = Script([listed(5, pod("a", 3), **{"continue": "more"}), listed(5, pod("b", 4))], [[]])
    with following(serve(script)) as follower:
        assert [name for _, name, _ in told(follower)] == ["a", "b"]
    assert script.asked[1]["continue"] == "more"


def test_a_page_too_old_begins_the_list_anew(serve: Any) -> None:
    script = Script([listed(5, pod("a", 3), **{"continue": "more"}), 410, listed(9, pod("a", 3), pod("c", 8))], [[]])
    with following(serve(script)) as follower:
        assert [name for _, name, _ in told(follower)] == ["a", "c"]


def test_a_broken_line_goes_on_where_it_broke(serve: Any) -> None:
    script = Script(
        [listed(5)],
        [
            [event("ADDED", pod("a", 6)), event("MODIFIED", pod("a", 7))[:40]],  # cut in mid-line
            503,
            [event("MODIFIED", pod("a", 7)), event("BOOKMARK", {"metadata": {"resourceVersion": "50"}})],
            [event("MODIFIED", pod("a", 7)), event("MODIFIED", pod("a", 51))],  # told twice: once is enough
        ],
    )
    with following(serve(script)) as follower:
        soon(lambda: len(follower.history) == 3)
        soon(lambda: not follower.trouble)
        time.sleep(0.1)
        assert told(follower) == [("ADDED", "a", "6"), ("MODIFIED", "a", "7"), ("MODIFIED", "a", "51")]
    assert [q["resourceVersion"] for q in script.asked[1:]] == ["5", "6", "6", "50"]


@pytest.mark.parametrize("how", ["event", "status"])
def test_a_version_that_is_gone_is_listed_again_and_compared(serve: Any, how: str) -> None:
    before = listed(5, pod("same", 1), pod("new-version", 2), pod("went", 3), pod("reborn", 4))
    after = listed(90, pod("same", 1), pod("new-version", 80), pod("reborn", 81, uid="other"), pod("came", 82))
    script = Script([before, after], [[gone()] if how == "event" else 410, []])
    with following(serve(script)) as follower:
        soon(lambda: len(follower.history) >= 9)
        assert sorted(told(follower)[4:]) == [
            ("ADDED", "came", "82"),
            ("ADDED", "reborn", "81"),
            ("DELETED", "reborn", "4"),
            ("DELETED", "went", "3"),
            ("MODIFIED", "new-version", "80"),
        ]
        names = [o["metadata"]["name"] for o in follower.history.at().objects("Pod")]
        assert names == ["came", "new-version", "reborn", "same"]
        assert [change for change, name, _ in told(follower) if name == "reborn"] == ["ADDED", "DELETED", "ADDED"]


def test_what_may_not_be_read_is_noted_and_the_rest_goes_on(serve: Any) -> None:
    script = Script([listed(5, pod("a", 3))], [[]], statuses={"secrets": 403, "volumeattributesclasses": 404})
    with Follower(serve(script), "demo").start() as follower:
        assert follower.history.unread == {"Secret": "forbidden", "VolumeAttributesClass": "absent"}
        assert follower.history.at().missing("Secret") == "unread"
        assert follower.history.at().missing("ConfigMap") == "absent"
        assert follower.history.notes == [
            "you may not read Secret here (403): what hangs on them is unknown",
            "this server does not have VolumeAttributesClass (404)",
        ]


def test_a_lost_line_is_said_and_unsaid(serve: Any) -> None:
    script = Script([listed(5)], [[], 503, 503, 503, []])
    with following(serve(script)) as follower:
        soon(lambda: follower.trouble)
        assert any("no connection just now" in note for note in follower.history.notes)
        soon(lambda: len(script.asked) == 6)
        soon(lambda: not follower.trouble)
        assert follower.history.notes == []


def test_closing_ends_a_watch_that_waits(serve: Any) -> None:
    with following(serve(Script([listed(5)], [[]]))) as follower:
        soon(lambda: follower._feeds[0].stream is not None)
        begun = time.monotonic()
        follower.close()
        assert time.monotonic() - begun < 1
        assert not any(thread.is_alive() for thread in follower._threads)


def test_memory_stays_bounded_while_following(serve: Any) -> None:
    lines = [event("MODIFIED" if i else "ADDED", pod("a", 10 + i, n=i)) for i in range(3000)]
    lines = [row for i in range(0, 3000, 100) for row in (*lines[i : i + 100], b"")]
    with following(serve(Script([listed(5)], [lines])), keep=0.05) as follower:
        soon(lambda: told(follower)[-1:] == [("MODIFIED", "a", "3009")])
        assert follower.changes == 3000
        assert len(follower.history) < 2900  # how many depends on how fast this machine is
        assert [o["n"] for o in follower.history.at().objects("Pod")] == [2999]


def test_a_heartbeat_alone_is_no_change() -> None:
    def node(version: int, beat: str, ready: str = "True") -> dict[str, Any]:
        condition = {"type": "Ready", "status": ready, "lastHeartbeatTime": beat}
        meta = {"name": "n", "uid": "u", "resourceVersion": str(version)}
        return {"metadata": meta, "status": {"conditions": [condition], "images": ["big"]}}

    class Server:
        server = "x"

        def get(self, path: str, **query: Any) -> Any:
            return listed(1, node(1, "a"))

        def version(self) -> dict[str, str]:
            return {}

        def within(self, budget: Any) -> Any:
            return nullcontext()

        def stream(self, path: str, **query: Any) -> Any:
            rows = [
                event("MODIFIED", {"kind": "Node", **node(2, "b")}),
                event("MODIFIED", {"kind": "Node", **node(3, "c", "False")}),
            ]
            return Lines(rows)

    class Lines(list[bytes]):
        def close(self) -> None:
            pass

    with Follower(Server(), "demo", kinds=("Node",)).start() as follower:
        soon(lambda: len(follower.history) >= 2)
    assert [(e.type, e.object["metadata"]["resourceVersion"]) for e in follower.history][:2] == [
        ("ADDED", "1"),
        ("MODIFIED", "3"),
    ]
    assert "images" not in next(iter(follower.history)).object["status"]


# -- one line for people -----------------------------------------------------------------------------


def one_line(error: pytest.ExceptionInfo[K8svizError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def test_no_cluster_at_all_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    for ask in (lambda: Lab("ch06-dynamic", source="live"), connect):
        with pytest.raises(K8svizError, match=r"no live cluster.*make cluster") as error:
            ask()
        one_line(error)


def test_an_unknown_context_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(K8svizError, match="did you mean fake"):
        connect("fak", kubeconfig(tmp_path / "config", "https://127.0.0.1:1"))


def test_a_dead_server_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(K8svizError, match=r"cannot reach the cluster at http://127\.0\.0\.1:9 ") as error:
        listing(connect("fake", kubeconfig(tmp_path / "config", "http://127.0.0.1:9")), "demo")
    assert "refused" in one_line(error)


def test_a_broken_kubeconfig_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("{: [")
    with pytest.raises(K8svizError, match="cannot be used") as error:
        connect(None, str(tmp_path / "config"))
    one_line(error)


@pytest.mark.parametrize(
    ("context", "server", "doubt"),
    [
        ("kind-k8sviz", "https://127.0.0.1:6443", ""),
        ("minikube", "https://192.168.49.2:8443", ""),
        ("dev", "https://localhost:6443", ""),
        ("delivery", "https://127.0.0.1:1", ""),
        ("prod", "https://127.0.0.1:1", "looks like production"),
        ("eu_PRODUCTION_2", "https://127.0.0.1:1", "looks like production"),
        ("live", "https://127.0.0.1:1", "looks like production"),
        ("dev", "https://api.prod.example.com", "looks like production"),
        ("dev", "https://10.1.2.3:6443", "not on this machine"),
        ("dev", "https://k8s.example.com", "not on this machine"),
    ],
)
def test_where_labs_may_write(
    context: str, server: str, doubt: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", kubeconfig(tmp_path / "config", server, context))
    monkeypatch.delenv("K8SVIZ_CONTEXT", raising=False)
    monkeypatch.delenv("K8SVIZ_YES", raising=False)
    with pytest.raises(K8svizError, match="name it"):
        writable()
    if doubt:
        with pytest.raises(K8svizError, match=doubt):
            writable(context)
        monkeypatch.setenv("K8SVIZ_YES", "1")
    assert writable(context).context == context


# -- labels -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lab", lab_names())
def test_labels_change_nothing_but_the_labels_of_cluster_wide_objects(lab: str) -> None:
    spec = load_lab(lab)
    for name in {file for step in spec.steps for file in step.files if file.endswith(".yaml")}:
        text = spec.text(name)
        try:
            before = parse(text)
        except K8svizError:
            assert labelled(text, lab) in (text, labelled(text, lab))
            continue
        for one, other in zip(before, parse(labelled(text, lab)), strict=True):
            wide = one["kind"] in live_lab._MADE_CLUSTER_WIDE
            labels = other["metadata"].get("labels") or {}
            assert (labels.pop(LABEL, None) == lab) is wide
            if not labels:
                one["metadata"].pop("labels", None)
                other["metadata"].pop("labels", None)
            assert one == other


@pytest.mark.parametrize(
    "text",
    [
        "kind: StorageClass\napiVersion: storage.k8s.io/v1\nmetadata: {name: a}\n",
        "kind: StorageClass\napiVersion: storage.k8s.io/v1\nmetadata: {}\n",
        "kind: PersistentVolume\napiVersion: v1\nmetadata:\n  labels:\n    disk: ssd\n  name: a\n",
        "kind: PersistentVolume\napiVersion: v1\nmetadata:\n  labels: {disk: ssd}\n  name: a\n",
        '{"kind": "PersistentVolume", "apiVersion": "v1", "metadata": {"name": "a", "labels": {}}}',
        "# 1\n---\nkind: PersistentVolume\nmetadata: # here\n  name: a\n---\nkind: StorageClass\nmetadata:\n  name: 中",
    ],
)
def test_labels_are_put_in_however_the_manifest_is_written(text: str) -> None:
    import yaml

    documents = [d for d in yaml.safe_load_all(labelled(text, "x")) if d]
    assert documents
    assert all(d["metadata"]["labels"][LABEL] == "x" for d in documents)


# -- recording and redaction -----------------------------------------------------------------------------


def test_a_namespace_is_recorded_as_it_was_followed(serve: Any, tmp_path: Path) -> None:
    script = Script([listed(5, pod("a", 3))], [[event("ADDED", pod("b", 6))]])
    lines: list[str] = []
    path = tmp_path / "r.jsonl"
    changes = record_namespace(serve(script), "demo", path, progress=lines.append, seconds=3.0)
    made = read(path)
    assert changes == 2
    assert made.complete
    assert [e.type for e in made] == ["ADDED", "ADDED"]
    assert made.about.secret_values == "redacted"
    assert made.about.namespace == "demo"
    assert made.about.started_at.endswith("Z")
    assert lines
    with pytest.raises(K8svizError, match="exists already"):
        record_namespace(serve(script), "demo", path, progress=lines.append, seconds=0.1)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJlLXdpdGgtbWFueS1sZXR0ZXJz"
PRIVATE = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7aaaaaaaaaaaaaaaa\n-----END RSA PRIVATE KEY-----\n"
DOCKER = json.dumps(
    {"auths": {"r.example.com": {"username": "me", "password": "Dock3rPass", "auth": b64("me:Dock3rPass")}}}
)
LEAKS = (
    "s3cr3t-pass",
    "hunter22",
    "Dock3rPass",
    "MIIEpAIBAAKCAQEA7",
    "flagpass99",
    "literal-77",
    "c2lnbmF0dXJlLXdpdGgt",
    "envpass-1",
)


def leaky() -> History:
    data = {"password": b64("s3cr3t-pass"), "tls.key": b64(PRIVATE), ".dockerconfigjson": b64(DOCKER)}
    applied = json.dumps({"kind": "Secret", "apiVersion": "v1", "data": data, "stringData": {"word": "hunter22"}})
    meta = {
        "name": "s",
        "namespace": "demo",
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied},
    }
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {**data, "word": b64("hunter22")}}
    env = [{"name": "DB_PASSWORD", "value": "envpass-1"}, {"name": "URL", "value": "http://u:s3cr3t-pass@db"}]
    spec = {"containers": [{"name": "c", "env": env, "args": [f"--token={TOKEN}"]}]}
    user = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "demo"}, "spec": spec}
    history = History(About("x", "x", "demo"))
    history.append(0.0, "ADDED", user)
    files = {
        "s.yaml": "kind: Secret # kept\nstringData:\n  word: hunter22\n  block: |\n    MIIEpAIBAAKCAQEA7\n    b\n",
        "key": PRIVATE,
    }
    history.begin_step(
        Step(1.0, "make", "kubectl create secret generic s --from-literal=a='literal-77' --from-file=key", files)
    )
    history.append(1.1, "ADDED", secret)
    out = f"password: {b64('s3cr3t-pass')}\nAuthorization: Bearer {TOKEN}\n{PRIVATE}literal-77 {b64('hunter22')}\n"
    history.end_step("make", Result(1.2, 0, out, "Dock3rPass"))
    history.begin_step(Step(2.0, "docker", "kubectl create secret docker-registry r --docker-password=flagpass99"))
    history.end_step("docker", Result(2.1, 0))
    return history


def test_nothing_secret_is_left_anywhere(tmp_path: Path) -> None:
    write(leaky(), tmp_path / "in.jsonl")
    redact_file(tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    text = (tmp_path / "out.jsonl").read_text()
    for leak in LEAKS:
        assert leak not in text
        assert b64(leak) not in text
    for word in ("envpass-1", "DB_PASSWORD", "# kept"):
        assert (word in text) is (word not in LEAKS)
    made = read(tmp_path / "out.jsonl")
    assert made.about.secret_values == "redacted"
    assert [s.id for s in made.steps] == ["make", "docker"]
    redact_file(tmp_path / "out.jsonl", tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_text() == text


def test_keys_and_sizes_stay() -> None:
    before, after = leaky().at().get("Secret", "s"), redacted(leaky()).at().get("Secret", "s")
    assert before is not None
    assert after is not None
    sizes = [{k: len(base64.b64decode(v)) for k, v in one["data"].items()} for one in (before, after)]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("lab", lab_names())
def test_a_lab_without_its_secrets_is_still_that_lab(lab: str) -> None:
    recorded = read(load_lab(lab).recording)
    made = redacted(recorded)
    assert [s.id for s in made.steps] == [s.id for s in recorded.steps]
    assert [(e.t, e.type) for e in made] == [(e.t, e.type) for e in recorded]
    assert made.refs() == recorded.refs()
    if lab != "ch07-secret":
        assert [s.command for s in made.steps] == [s.command for s in recorded.steps]
    for secret in recorded.at(recorded.end).objects("Secret"):
        for value in (secret.get("data") or {}).values():
            for step in made.steps:
                assert len(value) < 12 or value not in (step.result.stdout if step.result else "")
