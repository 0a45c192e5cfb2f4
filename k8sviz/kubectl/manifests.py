"""Reads `-f`: files and folders of the session, or standard input (k8s.io/cli-runtime/pkg/resource)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from k8sviz.history import Object
from k8sviz.kubectl.failed import Failed
from k8sviz.kubectl.flags import Call
from k8sviz.kubectl.json_text import compact
from k8sviz.kubectl.resources import Resource, of_kind
from k8sviz.kubectl.session import Session, Wanted
from k8sviz.rules.fields import mapping, text
from k8sviz.sources.manifests import ManifestError, documents

__all__ = ["Given", "given", "named_in_files"]

_SUFFIXES: Final = (".json", ".yaml", ".yml")
_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Given:
    """An object that a file holds, in its namespace, and the file's name as kubectl words it."""

    object: Object
    resource: Resource
    source: str

    @property
    def name(self) -> str:
        """Its name."""
        return text(self.object, "metadata", "name")

    @property
    def namespace(self) -> str:
        """Its namespace; '' for what has none."""
        return text(self.object, "metadata", "namespace") if self.resource.namespaced else ""


def given(session: Session, call: Call) -> tuple[list[Given], list[str]]:
    """The objects of `-f`, and what is wrong with others of them. Raises Failed for files that cannot be read."""
    found: list[Given] = []
    wrong: list[str] = []
    for path in call.listed("filename"):
        for name, content in _texts(session, path, recursive=call.on("recursive")):
            for obj in _objects(content, name):
                problem, one = _resolved(session, call, obj, name)
                if one is not None:
                    found.append(one)
                elif problem:
                    wrong.append(problem)
                if len(found) > _MOST:
                    raise Failed(f"more than {_MOST} objects at once")
    return found, wrong


def named_in_files(session: Session, call: Call) -> list[Wanted]:
    """What `-f` names, for commands that only need names. Raises Failed."""
    found, wrong = given(session, call)
    if wrong:
        raise Failed(wrong[0])
    return [Wanted(one.resource, one.name) for one in found]


def _texts(session: Session, path: str, *, recursive: bool) -> Iterator[tuple[str, str]]:
    if path == "-":
        yield "STDIN", session.stdin
        return
    if path.startswith(("http://", "https://")):
        raise Failed(f'unable to read URL "{path}": the built-in kubectl reads files only')
    clean = path.removeprefix("./").rstrip("/")
    if clean in session.files:
        yield path, session.files[clean]
        return
    folder = "" if clean in (".", "") else f"{clean}/"
    inside = [
        name
        for name in sorted(session.files)
        if name.startswith(folder) and name.endswith(_SUFFIXES) and (recursive or "/" not in name[len(folder) :])
    ]
    if not inside:
        raise Failed(f'the path "{path}" does not exist')
    for name in inside:
        yield name, session.files[name]


def _objects(content: str, name: str) -> Iterator[Any]:
    try:
        found = [value for value, _ in documents(content, name)]
    except ManifestError as error:
        reason = str(error).partition(": ")[2] or str(error)
        raise Failed(f"error parsing {name}: error converting YAML to JSON: yaml: {reason}") from None
    for value in found:
        if isinstance(value, dict) and text(value, "kind").endswith("List") and isinstance(value.get("items"), list):
            yield from value["items"]
        else:
            yield value


def _resolved(session: Session, call: Call, obj: Any, source: str) -> tuple[str, Given | None]:
    if not isinstance(obj, dict):
        raise Failed(f"error parsing {source}: error converting YAML to JSON: yaml: a manifest is a map of fields")
    kind, api_version = text(obj, "kind"), text(obj, "apiVersion")
    if not kind:
        raise Failed(f"unable to decode \"{source}\": Object 'Kind' is missing in '{compact(obj)}'")
    meta = mapping(obj, "metadata")
    resource = of_kind(kind, api_version)
    if resource is None:
        where = text(meta, "namespace")
        return (
            f'resource mapping not found for name: "{text(meta, "name")}" namespace: "{where}" from "{source}": '
            f'no matches for kind "{kind}" in version "{api_version}"\nensure CRDs are installed first'
        ), None
    if not resource.namespaced:
        return "", Given(obj, resource, source)
    own, asked = text(meta, "namespace"), call.flag("namespace")
    if own and asked and own != asked:
        raise Failed(
            f'the namespace from the provided object "{own}" does not match the namespace "{asked}". You must pass '
            f"'--namespace={own}' to perform this operation."
        )
    placed = {**obj, "metadata": {**meta, "namespace": own or session.namespace(call)}}
    return "", Given(placed, resource, source)
