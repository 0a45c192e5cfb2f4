"""List and watch: a cluster's changes into a History, none lost and none told twice, however often the line breaks.

Each kind is listed once, then watched from the version of that list. A watch that ends is begun again from the last
version seen; where the server no longer knows that version (410 Gone) the kind is listed again, and the difference
to what was known becomes the changes that were missed. What the recording format leaves out is left out here, so
that a recording is what was seen.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import Any, Final, Protocol
from urllib.parse import quote

import msgspec

from k8sviz.errors import K8svizError
from k8sviz.history import About, EventType, History, Object, Result, Step
from k8sviz.kinds import KINDS, Kind
from k8sviz.rules.fields import integer, listed, mapping
from k8sviz.rules.nodes import ready_status
from k8sviz.sources._answers import Budget, LostError, patience, weight
from k8sviz.sources.live import RefusedError
from k8sviz.sources.recording import fits
from k8sviz.stories import FOLLOWED
from k8sviz.words import say

__all__ = ["Follower", "Server", "Tape", "listing"]

_LEASES: Final = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_PAGE: Final = 500  # objects a list's page
_MOST_PAGES: Final = 100
_MOST_OBJECTS: Final = 20_000  # of one kind
_LISTERS: Final = 8  # kinds that are listed at once
_MOST_NEW: Final = 100 * 1024 * 1024  # bytes of memory, about, that changes take until old ones are forgotten
_STALE: Final = 3  # times that a list may have grown too old while it was read
_WATCH: Final = 60  # seconds until a watch is begun again, so that a line that died unseen is noticed
_PATIENT: Final = 30  # tries to come back in quick succession, then slower
_QUICK, _SLOW = 1.0, 5.0  # seconds between two such tries, at most
_ASK_AGAIN: Final = 30.0  # seconds until a kind that could not be read is asked for again
_LEAVE: Final = 0.5  # seconds for the threads to end; what hangs in the network is left behind
_TIDY: Final = 5.0  # seconds between two times of forgetting
_GONE: Final = 410
_UNREAD: Final = (403, 404)  # what may not be read, or is not served; anything else is an error
_TOO_NEW: Final = 504  # the server does not know our version yet: it was set back, or is still filling its cache


class Server(Protocol):
    """As much of a Cluster as following takes."""

    server: str

    def get(self, path: str, **query: Any) -> Any:
        """One answer as JSON."""

    def stream(self, path: str, *, idle: float, **query: Any) -> Any:
        """Lines of a watch, with a `close`."""

    def version(self) -> dict[str, str]:
        """gitVersion and platform."""

    def within(self, budget: Budget) -> AbstractContextManager[None]:
        """What all answers together may take while this lasts."""


class _GoneError(Exception):
    """The server no longer knows the version that we would go on from."""


class Tape(Protocol):
    """What writes down all that happens, in order; a recording's Writer is one."""

    def event(self, t: float, type: str, obj: Object) -> None:  # noqa: A002 - the watch's own word
        """A change."""

    def step(self, step: Step) -> None:
        """A lab's step begins."""

    def result(self, step_id: str, result: Result) -> None:
        """A step ended."""


_Name = tuple[str, str]  # namespace, name


def path_of(kind: Kind, namespace: str) -> str:
    """Where the API serves a kind; namespace '' means all of them."""
    base = "/api/v1" if "/" not in kind.api_version else f"/apis/{kind.api_version}"
    within = f"/namespaces/{namespace}" if kind.namespaced and namespace else ""
    return f"{base}{within}/{kind.plural}"


def _meta(obj: Object) -> dict[str, Any]:
    meta = obj.get("metadata")
    return meta if isinstance(meta, dict) else {}


def _stripped(obj: Object) -> Object:
    """Without what RECORDING-FORMAT leaves out."""
    _meta(obj).pop("managedFields", None)
    if obj.get("kind") == "Node" and isinstance(obj.get("status"), dict):
        obj["status"].pop("images", None)
    return obj


def _beatless(node: Object) -> Object:
    """A Node without what a heartbeat alone changes."""
    status = dict(mapping(node, "status"))
    status["conditions"] = [
        {k: v for k, v in c.items() if k != "lastHeartbeatTime"} for c in listed(status, "conditions")
    ]
    meta = {k: v for k, v in _meta(node).items() if k != "resourceVersion"}
    return {**node, "metadata": meta, "status": status}


@dataclass
class _Feed:
    """One kind: what is known of it, and from which version to go on ('' : it must be listed)."""

    kind: Kind
    path: str
    version: str = ""
    known: dict[_Name, Object] = field(default_factory=dict)
    stream: Any = None


def _listed(server: Server, kind: Kind, path: str) -> tuple[str, list[Object]]:
    """All objects of a kind and the version of that list, page by page."""
    items: list[Object] = []
    token: Any = None
    for _ in range(_MOST_PAGES):
        page = server.get(path, limit=_PAGE, **{"continue": token})
        if not isinstance(page, dict) or "metadata" not in page:
            raise LostError(say("live.no-list", kind=kind.name))
        said = {"apiVersion": kind.api_version, "kind": kind.name}  # a list's items leave it out
        items.extend(_stripped({**said, **item}) for item in listed(page, "items"))
        meta = mapping(page, "metadata")
        token = meta.get("continue")
        if not token:
            return str(meta.get("resourceVersion", "")), items
        if len(items) > _MOST_OBJECTS:
            break
    raise LostError(say("live.too-many-objects", kind=kind.name, count=f"{len(items):,}"))


def _together(
    work: Callable[[_Feed], K8svizError | None], feeds: Sequence[_Feed], budget: Budget
) -> list[K8svizError | None]:
    """What `work` says of each feed, some at once; an exception is raised. Ends when the budget's time does.

    The threads are daemons: neither the end of time nor Ctrl-C waits for an answer of the network.
    """
    waiting, answers = SimpleQueue[_Feed](), SimpleQueue[K8svizError | BaseException | None]()

    def run() -> None:
        with contextlib.suppress(Empty):
            while True:
                feed = waiting.get_nowait()
                try:
                    answers.put(work(feed))
                except BaseException as error:
                    answers.put(error)

    for feed in feeds:
        waiting.put(feed)
    for _ in range(min(_LISTERS, len(feeds))):
        threading.Thread(target=run, name="k8sviz list", daemon=True).start()
    found: list[K8svizError | None] = []
    for _ in feeds:
        try:
            answer = answers.get(timeout=budget.left() + 0.2)
        except Empty:
            budget.left()
            raise LostError(say("live.too-slow", seconds=f"{budget.seconds:g}")) from None
        if answer is not None and not isinstance(answer, K8svizError):
            raise answer
        found.append(answer)
    return found


def _about(server: Server, namespace: str, name: str, title: str) -> About:
    started = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    try:
        version = server.version()
    except RefusedError as error:
        if error.status == 401:
            raise _first_error(server, error) from None
        version = {}
    return About(name, title, namespace, started, version)


class Follower:
    """Follows a namespace (and what is cluster-wide) into `history`, until `close`.

    `keep` is how many seconds of the past stay in memory (None: all); `tape` is told everything in order, on the
    thread that saw it. `changes` counts the changes, `kept_out` by kind the objects that no recording can hold.
    `failure` is why it stopped by itself, if it did.
    """

    def __init__(
        self,
        server: Server,
        namespace: str,
        *,
        kinds: Sequence[str] = FOLLOWED,
        keep: float | None = None,
        tape: Tape | None = None,
        name: str = "",
        title: str = "",
    ) -> None:
        self._server = server
        self._feeds = [_Feed(KINDS[kind], path_of(KINDS[kind], namespace)) for kind in kinds]
        self._keep = keep
        self._tape = tape
        self._named = (namespace, name, title)
        self._lock = threading.Condition(threading.RLock())
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []
        self._began = self._last = self._tidied = time.monotonic()
        self._lost: dict[str, str] = {}
        self._notes: list[str] = []
        self._new = 0  # bytes of memory, about, that changes have taken since the last forgetting
        self.changes = 0
        self.kept_out: dict[str, int] = {}
        self.failure = ""
        self.history = History(About(namespace=namespace))

    # -- what a caller asks ------------------------------------------------------------------------

    def start(self) -> Follower:
        """List everything, then follow it. Raises K8svizError where the server cannot be reached or lets nobody in."""
        namespace, name, title = self._named
        self._began = time.monotonic()
        self.history.about = _about(self._server, namespace, name, title)
        self._list_all()
        for feed in self._feeds:
            thread = threading.Thread(target=self._follow, args=(feed,), name=f"k8sviz {feed.kind.name}", daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def use_tape(self, tape: Tape) -> None:
        """What is to write all down; before `start`."""
        self._tape = tape

    def now(self) -> float:
        """Seconds since the History began."""
        return time.monotonic() - self._began

    def begin_step(self, step: Step) -> None:
        """A lab's step is about to run."""
        with self._lock:
            self.history.begin_step(step)
            if self._tape is not None:
                self._tape.step(step)

    def end_step(self, step_id: str, result: Result) -> None:
        """It ended."""
        with self._lock:
            self.history.end_step(step_id, result)
            if self._tape is not None:
                self._tape.result(step_id, result)

    def idle(self) -> float:
        """Seconds since the last change."""
        return time.monotonic() - self._last

    def wait(self, seen: int, timeout: float | None = None) -> int:
        """Wait until more than `seen` changes have come, or `timeout` seconds, or the end; how many there are."""
        with self._lock:
            self._lock.wait_for(lambda: self.changes > seen or self._closed.is_set(), timeout)
            return self.changes

    @property
    def trouble(self) -> str:
        """Why nothing new comes just now, or ''."""
        with self._lock:
            return next(iter(self._lost.values()), "")

    @property
    def closed(self) -> bool:
        """Whether it has stopped for good."""
        return self._closed.is_set()

    def close(self) -> None:
        """Stop following; the History stays. Returns when no thread will add to it any more."""
        self._closed.set()
        with self._lock:
            self._lock.notify_all()
            streams = [feed.stream for feed in self._feeds if feed.stream is not None]
        for stream in streams:
            stream.close()
        end = time.monotonic() + _LEAVE
        for thread in self._threads:
            thread.join(timeout=max(0.0, end - time.monotonic()))

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- listing -----------------------------------------------------------------------------------

    def _list_all(self) -> None:
        budget = Budget(patience())
        with self._server.within(budget):
            answers = _together(self._first, self._feeds, budget)
        for error in answers:
            if error is not None and not (isinstance(error, RefusedError) and error.status in _UNREAD):
                raise _first_error(self._server, error)
        self._note()

    def _first(self, feed: _Feed) -> K8svizError | None:
        try:
            self._list(feed, 0.0)
        except RefusedError as error:
            if error.status in _UNREAD:
                self._unread(feed, error)
            return error
        except LostError as error:
            return error
        return None

    def _list(self, feed: _Feed, t: float | None = None) -> None:
        """List a kind, and tell what has changed since it was known."""
        for left in reversed(range(_STALE)):
            try:
                version, items = _listed(self._server, feed.kind, feed.path)
                break
            except RefusedError as error:
                if error.status != _GONE or not left:  # else a page's token was too old: begin again
                    raise
        items = [obj for obj in items if self._fits(feed, obj)]
        found = {_name(obj): obj for obj in items}
        with self._lock:
            for name in [name for name in feed.known if name not in found]:
                self._tell("DELETED", feed.known.pop(name), t)
            for obj in items:
                self._take(feed, "MODIFIED", obj, t)
            feed.version = version
            self._read_again(feed)

    # -- watching ----------------------------------------------------------------------------------

    def _follow(self, feed: _Feed) -> None:
        """A kind's thread. When something unexpected ends it, following ends: half of a cluster is no cluster."""
        try:
            self._keep_watching(feed)
        except Exception as error:
            self._stop(say("live.thread-died", kind=feed.kind.name, why=type(error).__name__))
            raise

    def _stop(self, why: str) -> None:
        """End by itself, for the first reason that there is."""
        with self._lock:
            self.failure = self.failure or why
            self._closed.set()
            self._lock.notify_all()

    def _keep_watching(self, feed: _Feed) -> None:
        failures = 0
        while not self._closed.is_set():
            pause = 0.0
            try:
                if not feed.version:
                    self._list(feed)
                self._watch(feed)
                failures = 0
            except _GoneError:
                feed.version = ""
                failures += 1
                pause = _backoff(failures) if failures > 1 else 0.0
            except RefusedError as error:
                failures += 1
                pause = self._refused(feed, error, failures)
            except LostError as error:
                failures += 1
                pause = _backoff(failures)
                self._trouble(feed, str(error))
            self._closed.wait(pause)

    def _refused(self, feed: _Feed, error: RefusedError, failures: int) -> float:
        """What to do about a refusal; seconds to wait."""
        if error.status == _GONE or (error.status == _TOO_NEW and failures >= 3):
            feed.version = ""
            return 0.0 if failures < 3 else _backoff(failures)
        if error.status in _UNREAD:
            self._unread(feed, error)
            self._note()
            return _ASK_AGAIN
        self._trouble(feed, str(error))
        return max(error.after, _backoff(failures))

    def _watch(self, feed: _Feed) -> None:
        began = time.monotonic()
        seconds = _WATCH + random.randrange(_WATCH // 4)  # noqa: S311 - so that not all begin again at once
        stream = self._server.stream(
            feed.path,
            idle=seconds + 15.0,
            watch=1,
            allowWatchBookmarks="true",
            resourceVersion=feed.version,
            timeoutSeconds=seconds,
        )
        with self._lock:
            feed.stream = stream
            self._trouble(feed, "")
        try:
            for line in stream:
                if self._closed.is_set():
                    return
                if line.strip():
                    self._line(feed, line)
        finally:
            stream.close()
            feed.stream = None
        if time.monotonic() - began < 1:  # a server that ends watches at once is not to be hammered
            self._closed.wait(0.2)

    def _line(self, feed: _Feed, line: bytes) -> None:
        try:
            row = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise LostError(say("live.not-json")) from None
        if not isinstance(row, dict) or not isinstance(row.get("object"), dict):
            raise LostError(say("live.not-json"))
        obj, change = row["object"], row.get("type")
        if change == "ERROR":
            code = integer(obj, "code") or 500
            if code == _GONE:
                raise _GoneError
            raise RefusedError(code, str(obj.get("reason", "")), str(obj.get("message", "")))
        with self._lock:
            if change in ("ADDED", "MODIFIED", "DELETED") and self._fits(feed, obj):
                self._new += weight(line)
                self._take(feed, change, _stripped(obj), None)
            feed.version = str(_meta(obj).get("resourceVersion") or feed.version)

    # -- telling -----------------------------------------------------------------------------------

    def _fits(self, feed: _Feed, obj: Object) -> bool:
        """Whether an object is one of this kind that a recording can hold; another one is kept out and noted."""
        if obj.get("kind") == feed.kind.name and fits(obj):
            return True
        with self._lock:
            self.kept_out[feed.kind.name] = self.kept_out.get(feed.kind.name, 0) + 1
            self._note()
        return False

    def _take(self, feed: _Feed, change: EventType, obj: Object, t: float | None) -> None:
        """One object as list or watch has it: tell it, unless it is known."""
        name = _name(obj)
        before = feed.known.get(name)
        if change == "DELETED":
            if feed.known.pop(name, None) is not None:
                self._tell(change, obj, t)
            return
        if before is not None and _meta(before).get("uid") != _meta(obj).get("uid"):
            self._tell("DELETED", before, t)
            before = None
        if before is not None and _meta(before).get("resourceVersion") == _meta(obj).get("resourceVersion"):
            return
        feed.known[name] = obj
        if before is not None and feed.kind.name == "Node" and _beatless(before) == _beatless(obj):
            return
        self._tell("ADDED" if before is None else "MODIFIED", obj, t)
        if feed.kind.name == "Node" and ready_status(obj) == "Unknown":
            self._tell_lease(name[1], t)

    def _tell_lease(self, node: str, t: float | None) -> None:
        """When a node that fell silent was last heard of: a Node's own lastHeartbeatTime is minutes old by rights."""
        try:
            lease = self._server.get(f"{_LEASES}/{quote(node, safe='')}")
        except K8svizError:  # who may not read it does without
            return
        if isinstance(lease, dict):
            self._tell("ADDED", {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", **_stripped(lease)}, t)

    def _tell(self, change: EventType, obj: Object, t: float | None) -> None:
        with self._lock:
            if self._closed.is_set():
                return
            t = round(self.now(), 3) if t is None else t
            self.history.append(t, change, obj)
            if self._tape is not None:
                try:
                    self._tape.event(t, change, obj)
                except OSError as error:  # the disk is full
                    self._stop(error.strerror or str(error))
            self.changes += 1
            self._last = time.monotonic()
            if self._keep is not None and self._last - self._tidied > min(_TIDY, self._keep):
                self._tidied = self._last
                self.history.forget(t - self._keep)
                self._new = 0
            if self._new > _MOST_NEW:
                self._stop(say("live.too-many-changes"))
            self._lock.notify_all()

    def _unread(self, feed: _Feed, error: RefusedError) -> None:
        with self._lock:
            self.history.unread[feed.kind.name] = "absent" if error.status == 404 else "forbidden"

    def _read_again(self, feed: _Feed) -> None:
        if self.history.unread.pop(feed.kind.name, None):
            self._note()

    def _trouble(self, feed: _Feed, why: str) -> None:
        with self._lock:
            if self._lost.get(feed.kind.name, "") == why:
                return
            if why:
                self._lost[feed.kind.name] = why
            else:
                self._lost.pop(feed.kind.name, None)
            self._note()
            self._lock.notify_all()

    def _note(self) -> None:
        """Put what is missing into the History's notes, in place of what they said before."""
        with self._lock:
            others = [note for note in self.history.notes if note not in self._notes]
            self._notes = list(_notes(self.history.unread, self.kept_out, self.trouble))
            self.history.notes[:] = others + self._notes


def _name(obj: Object) -> _Name:
    meta = _meta(obj)
    return str(meta.get("namespace", "")), str(meta.get("name", ""))


def _notes(unread: Mapping[str, str], kept_out: Mapping[str, int], trouble: str) -> Iterator[str]:
    for why in ("forbidden", "absent"):
        kinds = [kind for kind, reason in unread.items() if reason == why]
        if kinds:
            yield say(f"live.{why}", kinds=", ".join(sorted(kinds)))
    for kind, count in sorted(kept_out.items()):
        yield say("live.kept-out", kind=kind, count=count)
    if trouble:
        yield say("live.lost", why=trouble)


def _backoff(failures: int) -> float:
    most = _QUICK if failures < _PATIENT else _SLOW
    return float(min(most, 0.05 * 2 ** min(failures, 10)) * random.uniform(0.7, 1.0))  # noqa: S311 - jitter


def _first_error(server: Server, error: K8svizError) -> K8svizError:
    if isinstance(error, RefusedError) and error.status == 401:
        return K8svizError(say("live.unauthorized", server=server.server))
    return error


def listing(server: Server, namespace: str, *, kinds: Sequence[str] = FOLLOWED, title: str = "") -> History:
    """What the cluster holds now, as a History at 0 s; nothing is followed. Raises K8svizError as `start` does."""
    once = Follower(server, namespace, kinds=kinds)
    once.history.about = _about(server, namespace, "", title)
    once._list_all()
    return once.history
