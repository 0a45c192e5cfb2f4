"""What kubectl's words are said to: anything that answers as an API server does.

The simulated cluster is one; a moment of a recording, of manifests or of a live cluster is another, which may only be
looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn, Protocol

from k8sviz.cluster.api import PatchType, Propagation
from k8sviz.cluster.refused import Refused, bad_request, not_found
from k8sviz.errors import K8svizError
from k8sviz.history import Object, Snapshot
from k8sviz.kinds import KINDS
from k8sviz.rules.availability import epoch
from k8sviz.rules.field_selectors import field_selector, matches_fields
from k8sviz.rules.fields import text
from k8sviz.rules.selectors import labels_of, matches_all, parse_selector
from k8sviz.words import say

__all__ = ["Api", "Moment", "Target"]


class Api(Protocol):
    """Requests as the API server takes them. Each raises Refused, with its words, when it does not do it."""

    def get(self, kind: str, name: str, namespace: str = "") -> Object:
        """One object."""

    def list(self, kind: str, namespace: str | None = None, *, labels: str = "", fields: str = "") -> list[Object]:
        """The objects of a kind, by name; None for all namespaces."""

    def create(self, obj: Object, *, dry_run: bool = False, user: str = "") -> Object:
        """Create it."""

    def replace(self, obj: Object, *, subresource: str = "", dry_run: bool = False) -> Object:
        """Put it in the place of the one that is there."""

    def patch(
        self,
        kind: str,
        name: str,
        namespace: str,
        patch: Any,
        *,
        type: PatchType = "strategic",  # noqa: A002 - kubectl's own word
        subresource: str = "",
        dry_run: bool = False,
    ) -> Object:
        """Change a part; `type` is strategic, merge or json."""

    def delete(
        self,
        kind: str,
        name: str,
        namespace: str = "",
        *,
        grace: int | None = None,
        propagation: Propagation = "Background",
        uid: str = "",
        resource_version: str = "",
        dry_run: bool = False,
    ) -> Object | None:
        """Ask for its end."""


class Target(Protocol):
    """An API, what time it is there, and what runs there."""

    @property
    def api(self) -> Api:
        """The API."""

    @property
    def now(self) -> float:
        """Seconds since 1970."""

    def run(self, seconds: float) -> None:
        """Let time pass."""

    def run_until(self, test: Callable[[], bool], seconds: float, /) -> bool:
        """Let time pass until a test holds, at most that long; whether it holds."""

    def subscribe(self, watcher: Callable[[str, Object], object], /) -> Callable[[], None]:
        """Tell of every change from now on; what is returned ends that."""

    def evict(self, pod: Object, grace: int | None = None) -> None:
        """Ask for a Pod's eviction. Raises Refused, with 429 where a budget forbids it."""

    def execute(self, pod: Object, container: str, argv: Sequence[str], stdin: str = "") -> tuple[int, str, str]:
        """Run a command in a container: exit code, output, errors."""

    def logs(self, pod: Object, container: str, *, previous: bool = False) -> str:
        """What a container wrote."""


class Moment:
    """A Snapshot as a Target: what asks is answered, what changes is refused and told where it can be done."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        start = epoch(snapshot.about.started_at) or 0.0
        self.now = start + min(snapshot.t, snapshot.history.end)

    @property
    def api(self) -> Moment:
        """Itself."""
        return self

    def get(self, kind: str, name: str, namespace: str = "") -> Object:
        """One object. Raises Refused."""
        found = self._snapshot.get(kind, name, namespace or None)
        if found is None:
            raise not_found(kind, name)
        return found

    def list(self, kind: str, namespace: str | None = None, *, labels: str = "", fields: str = "") -> list[Object]:
        """The objects of a kind. Raises Refused for a field that the kind cannot be asked for."""
        if kind not in KINDS:
            return []
        found = [
            obj
            for obj in self._snapshot.objects(kind)
            if namespace is None or not KINDS[kind].namespaced or text(obj, "metadata", "namespace") == namespace
        ]
        if labels:
            wanted = parse_selector(labels)
            found = [obj for obj in found if matches_all(wanted, labels_of(obj))]
        if not fields:
            return found
        try:
            terms = field_selector(kind, fields)
        except K8svizError as error:
            raise bad_request(str(error)) from None
        return [obj for obj in found if matches_fields(terms, obj)]

    def create(self, *_: Any, **__: Any) -> NoReturn:
        """Refused, as every change is."""
        raise Refused(405, "MethodNotAllowed", say("kubectl.only-looks"))

    replace = patch = delete = create

    def run(self, seconds: float) -> None:
        """Nothing passes."""

    def run_until(self, test: Callable[[], bool], _: float, /) -> bool:
        """Nothing passes: whether it holds."""
        return test()

    def subscribe(self, _: Callable[[str, Object], object], /) -> Callable[[], None]:
        """Nothing changes."""
        return lambda: None

    def evict(self, *_: Any, **__: Any) -> NoReturn:
        """Refused, as every change is."""
        raise Refused(405, "MethodNotAllowed", say("kubectl.only-looks"))

    def execute(self, *_: Any, **__: Any) -> NoReturn:
        """Refused: nothing runs in a moment."""
        raise Refused(405, "MethodNotAllowed", say("kubectl.nothing-runs"))

    logs = execute
