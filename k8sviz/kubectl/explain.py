"""`kubectl explain`: what the API says of a kind and its fields (k8s.io/kubectl/pkg/explain/v2)."""

from __future__ import annotations

import gzip
import json
import textwrap
from functools import cache
from importlib import resources as packaged
from typing import Any, Final, NamedTuple

from k8sviz.kubectl.failed import Failed
from k8sviz.kubectl.flags import Call
from k8sviz.kubectl.resources import Resource
from k8sviz.kubectl.session import Session

__all__ = ["EXPLAIN_FLAGS", "explain"]

EXPLAIN_FLAGS: Final = "recursive,R api-version= output,o="
_WIDTH: Final = 76
_DEEPEST: Final = 12


class _Field(NamedTuple):
    """A field: its type as shown, what is said of it, whether it must be there, the type that it leads to."""

    type: str
    description: str
    required: bool
    leads_to: str
    values: list[Any]


@cache
def _published() -> dict[str, Any]:
    packed = (packaged.files(__package__) / "explanations.json.gz").read_bytes()
    found: dict[str, Any] = json.loads(gzip.decompress(packed))
    return found


def explain(session: Session, call: Call) -> None:
    """Print what the API says. Raises Failed."""
    if not call.words:
        raise Failed(
            'You must specify the type of resource to explain. Use "kubectl api-resources" for a complete list '
            "of supported resources."
        )
    if len(call.words) > 1:
        raise Failed("We accept only this format: explain RESOURCE\nSee 'kubectl explain -h' for help and examples")
    words = call.words[0].split(".")
    resource = session.resource(words[0])
    api_version = call.flag("api-version") or resource.api_version
    name = _published()["kinds"].get(f"{api_version}/{resource.kind}")
    if name is None:
        raise Failed(f'couldn\'t find resource for "{api_version}, Kind={resource.kind}"')
    session.out.append(_head(resource, api_version))
    field: _Field | None = None
    for word in words[1:]:
        found = _type(name)["fields"].get(word) if name else None
        if found is None:
            raise Failed(f'field "{word}" does not exist')
        field = _Field(*found)
        name = field.leads_to
    described: dict[str, Any] = _type(name) if name else {"description": "", "fields": {}}
    if field is not None:
        session.out.append(f"FIELD: {words[-1]} <{field.type}>{_required(field)}\n{_values(field, '')}\n\n")
    session.out.append("DESCRIPTION:\n" + _description(field, described))
    if described["fields"]:
        session.out.append("FIELDS:\n")
        session.out.append(
            _nested(described["fields"], 1, ()) + "\n" if call.on("recursive") else _fields(described["fields"])
        )
    session.out.append("\n")


def _head(resource: Resource, api_version: str) -> str:
    group, _, version = api_version.rpartition("/")
    first = f"GROUP:      {group}\n" if group else ""
    return f"{first}KIND:       {resource.kind}\nVERSION:    {version}\n\n"


def _type(name: str) -> dict[str, Any]:
    found: dict[str, Any] = _published()["types"].get(name, {"description": "", "fields": {}})
    return found


def _required(field: _Field) -> str:
    return " -required-" if field.required else ""


def _values(field: _Field, pad: str) -> str:
    if not field.values:
        return ""
    return (
        f"{pad}enum: "
        + ", ".join(str(one) for one in field.values[:4])
        + (", ...." if len(field.values) > 4 else "")
        + "\n"
    )


def _wrapped(text: str, pad: str) -> str:
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lines += textwrap.wrap(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False) or [""]
    return "\n".join(pad + line for line in lines)


def _description(field: _Field | None, described: dict[str, Any]) -> str:
    said = [one for one in (field.description if field else "", described["description"]) if one]
    if not said:
        return "    <empty>\n"
    return "".join(_wrapped(one, "    ") + "\n" for one in said) + "    \n"


def _fields(fields: dict[str, Any]) -> str:
    shown = []
    for name in sorted(fields):
        field = _Field(*fields[name])
        text = _wrapped(field.description or "<no description>", "    ")
        shown.append(f"  {name}\t<{field.type}>{_required(field)}\n{_values(field, '  ')}{text}\n\n")
    return "".join(shown)


def _nested(fields: dict[str, Any], level: int, seen: tuple[str, ...]) -> str:
    out = []
    for name in sorted(fields):
        field = _Field(*fields[name])
        out.append(f"{'  ' * level}{name}\t<{field.type}>{_required(field)}\n")
        if field.leads_to and field.leads_to not in seen and level < _DEEPEST:
            out.append(_nested(_type(field.leads_to)["fields"], level + 1, (*seen, field.leads_to)))
    return "".join(out)
