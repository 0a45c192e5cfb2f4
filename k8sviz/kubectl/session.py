"""One kubectl call while it runs: whom it speaks to, the files of its folder, and what it has printed so far."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field

from k8sviz.history import Object
from k8sviz.kubectl.failed import Failed
from k8sviz.kubectl.flags import Call
from k8sviz.kubectl.resources import Resource, named
from k8sviz.kubectl.target import Api, Target
from k8sviz.rules.fields import text

__all__ = ["Files", "Session", "Wanted"]

Files = MutableMapping[str, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a command line names: a resource, and one object's name ('' for all)."""

    resource: Resource
    name: str = ""


@dataclass
class Session:
    """A call's surroundings."""

    target: Target
    files: Files
    home: str
    user: str
    stdin: str = ""
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)
    code: int = 0
    new_home: str = ""

    @property
    def api(self) -> Api:
        """The API."""
        return self.target.api

    def show(self, line: str) -> None:
        """A line on the standard output."""
        self.out.append(line + "\n")

    def warn(self, line: str) -> None:
        """A line on the standard error."""
        self.err.append(line + "\n")

    def fail(self, line: str, code: int = 1) -> None:
        """A line on the standard error, and this exit code at the end."""
        self.warn(line)
        self.code = code

    def namespace(self, call: Call) -> str:
        """The namespace that a call speaks of."""
        return call.flag("namespace") or self.home

    def resource(self, word: str) -> Resource:
        """The resource of a word. Raises Failed."""
        found = named(word)
        if found is None:
            raise Failed(f'the server doesn\'t have a resource type "{word}"')
        return found

    def get(self, wanted: Wanted, namespace: str) -> Object:
        """One object. Raises Refused."""
        found = self.api.get(wanted.resource.kind, wanted.name, namespace if wanted.resource.namespaced else "")
        return typed(found, wanted.resource)

    def list(self, resource: Resource, namespace: str | None, *, labels: str = "", fields: str = "") -> list[Object]:
        """The objects of a resource. Raises Refused."""
        where = namespace if resource.namespaced else None
        return [typed(obj, resource) for obj in self.api.list(resource.kind, where, labels=labels, fields=fields)]

    def read(self, path: str) -> str:
        """A file's text, or the standard input for `-`. Raises Failed."""
        if path == "-":
            return self.stdin
        found = self.files.get(path.removeprefix("./"))
        if found is None:
            raise Failed(f'the path "{path}" does not exist')
        return found


def typed(obj: Object, resource: Resource) -> Object:
    """An object with its apiVersion and kind, which items of lists may lack."""
    if text(obj, "kind") and text(obj, "apiVersion"):
        return obj
    return {"apiVersion": resource.api_version, "kind": resource.kind, **obj}
