"""Kubernetes' published schemas: which kinds there are, which fields they have, and of what type.

The file `kubernetes.json` holds the API server's own OpenAPI (tools/schemas.py wrote it); jsonschema does the work.
What the schemas cannot say, they leave to `rules`: they know no enumeration, no name's form, no field's partner.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import functools
import json
import re
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from importlib import resources
from typing import Any, Final, NamedTuple

from k8sviz.validate.model import FieldPath, Problem, field_text, shown_value
from k8sviz.validate.sound import Sound
from k8sviz.words import say

__all__ = [
    "Part",
    "amounts",
    "empty_required",
    "go_field",
    "kinds",
    "own_groups",
    "parts",
    "schema_problems",
    "unstable",
    "version",
    "without_nulls",
]

_DEFS: Final = "#/$defs/"
_DEEPEST_HINT: Final = 9
_MOST_NAMED: Final = 10
_BOUNDS: Final = {"int32": 2**31, "int64": 2**63}
# required in the schema, yet an empty one is taken
_MAY_BE_EMPTY: Final = frozenset({"value", "endpoints", "selector", "template", "metadata", "spec"})
_UNASKED: Final = "value"  # required in the schema, yet the API server does not ask for it
_OWN_KEYS: Final = frozenset(
    {"data", "stringData", "binaryData", "labels", "annotations", "matchLabels", "nodeSelector"}
)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


class Part(NamedTuple):
    """A piece of an object that the schemas have a name for (`core.v1.PodSpec`), and where it is."""

    definition: str
    path: FieldPath
    value: Mapping[str, Any]


@functools.cache
def _published() -> dict[str, Any]:
    with (resources.files(__package__) / "kubernetes.json").open("rb") as file:
        found: dict[str, Any] = json.load(file)
    return found


def version() -> str:
    """The version of Kubernetes whose schemas these are.

    >>> version()
    '1.36'
    """
    return str(_published()["version"])


@functools.cache
def kinds() -> dict[tuple[str, str], str]:
    """The definition's name by apiVersion and kind."""
    pairs = {tuple(key.rsplit("/", 1)): name for key, name in _published()["kinds"].items()}
    return {(api, kind): name for (api, kind), name in pairs.items()}


@functools.cache
def unstable() -> frozenset[str]:
    """Kinds of versions that a cluster serves only when it is told to, as `group/version/Kind`."""
    return frozenset(_published()["unstable"])


@functools.cache
def own_groups() -> frozenset[str]:
    """Kubernetes' own API groups, '' among them."""
    return frozenset(api.rpartition("/")[0] for api, _ in kinds())


def without_nulls(value: Any) -> Any:
    """The value as the API server keeps it: a field that is null is a field that is not there, a key's text is empty.

    >>> without_nulls({"spec": {"volumes": [{"emptyDir": None}], "hostname": None}, "data": {"key": None}})
    {'spec': {'volumes': [{}]}, 'data': {'key': ''}}
    """
    if isinstance(value, dict):
        return {
            key: _with_keys(each) if key in _OWN_KEYS else without_nulls(each)
            for key, each in value.items()
            if each is not None
        }
    if isinstance(value, list):
        return [without_nulls(each) for each in value]
    return value


def _with_keys(value: Any) -> Any:
    if not isinstance(value, dict):
        return without_nulls(value)
    return {key: "" if each is None else without_nulls(each) for key, each in value.items()}


# -- types and fields ------------------------------------------------------------------------------


def schema_problems(obj: Mapping[str, Any], definition: str) -> Iterator[Problem]:
    """Unknown fields, missing ones, and values of the wrong type."""
    if _sound()(obj, definition):
        return
    for error in _validator(definition).iter_errors(obj):
        path = tuple(error.absolute_path)
        match error.validator:
            case "additionalProperties":
                yield from _unknown(error, path, definition)
            case "required":
                yield from _missing(error, path)
            case "type":
                yield _wrong_type(error.instance, error.validator_value, path)
            case "format":
                yield _wrong_format(error.instance, error.validator_value, path)


def _jsonschema() -> Any:
    """The library, without a grammar of IRIs that it loads where Jupyter has it: that takes 3 s, and no schema asks."""
    if "jsonschema" not in sys.modules and "rfc3987_syntax" not in sys.modules:
        sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]  # what Python takes for "is not there"
        try:
            import jsonschema
        finally:
            del sys.modules["rfc3987_syntax"]
    import jsonschema

    return jsonschema


@functools.cache
def _sound() -> Sound:
    return Sound(_published()["$defs"], _formats())


@functools.cache
def _formats() -> dict[str, Callable[[Any], bool]]:
    """The forms of texts and numbers that the API server asks for, by their names in the schemas."""
    bounds = {name: functools.partial(_fits, most) for name, most in _BOUNDS.items()}
    return {**bounds, "byte": _is_base64, "date-time": _is_time}


@functools.cache
def _validator(definition: str) -> Any:
    jsonschema = _jsonschema()
    formats = jsonschema.FormatChecker(())
    for name, check in _formats().items():
        formats.checks(name)(check)
    schema = {"$ref": _DEFS + definition, "$defs": _published()["$defs"]}
    return jsonschema.Draft202012Validator(schema, format_checker=formats)


def _is_time(value: object) -> bool:
    return not isinstance(value, str) or _TIME.fullmatch(value) is not None


def _fits(most: int, value: object) -> bool:
    return not isinstance(value, int) or -most <= value < most


def _is_base64(value: object) -> bool:
    try:
        base64.b64decode(value.translate({10: None, 13: None}) if isinstance(value, str) else "", validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _missing(error: Any, path: FieldPath) -> Iterator[Problem]:
    if path[:1] == ("status",):  # what people write there counts for nothing
        return
    # the library names them in its message only
    for name in error.validator_value:
        if name not in error.instance and name != _UNASKED and f"'{name}'" in error.message:
            yield Problem((*path, name), "required", {"name": name})


def _unknown(error: Any, path: FieldPath, definition: str) -> Iterator[Problem]:
    known = error.schema["properties"]
    for name in error.instance:
        if name not in known:
            near = _near(name, known)
            facts = {"hint": _instead(name, near, known, definition, path), "near": near}
            yield Problem((*path, name), "unknown-field", facts, at_key=True)


def _near(name: str, known: Mapping[str, Any]) -> str:
    """The field that somebody meant who wrote this; '' if none is near."""
    lower = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.75)
    return lower[close[0]] if close else ""


def _instead(name: str, near: str, known: Mapping[str, Any], definition: str, path: FieldPath) -> str:
    """What to write in place of an unknown field: the same word in other letters, a near one, or its right place."""
    if near:
        return say("check.hint.letters" if near.lower() == name.lower() else "check.hint.near", name=near)
    place = _place_of(name, definition)
    if place:
        return say("check.hint.place", place=place)
    if len(known) > _MOST_NAMED:
        fields = [part for part in path if isinstance(part, str)]
        return say("check.hint.explain", place=".".join([definition.rsplit(".", 1)[-1].lower(), *fields]))
    return say("check.hint.known", names=", ".join(sorted(known)))


@functools.cache
def _place_of(name: str, definition: str) -> str:
    """The path nearest to the root where a kind does have this field; '' if nowhere."""
    todo: deque[tuple[str, FieldPath]] = deque([(definition, ())])
    seen = {definition}
    while todo:
        current, path = todo.popleft()
        fields = _published()["$defs"][current].get("properties", {})
        if name in fields and path[:1] != ("status",):
            return field_text((*path, name)).replace("[0]", "[]")
        if len(path) < _DEEPEST_HINT:
            for key, schema in fields.items():
                target, step = _target(schema)
                # a volume's type has fields of its own: they say nothing about another's
                if target and target not in seen and key != "status" and not target.endswith("VolumeSource"):
                    seen.add(target)
                    todo.append((target, (*path, key, *step)))
    return ""


def _target(schema: Mapping[str, Any]) -> tuple[str, FieldPath]:
    """The definition that a field's value has, and the step into its list if it is one."""
    if "$ref" in schema:
        return schema["$ref"].removeprefix(_DEFS), ()
    if "$ref" in schema.get("items", {}):
        return schema["items"]["$ref"].removeprefix(_DEFS), (0,)
    return "", ()


def _wrong_type(value: object, wanted: str | list[str], path: FieldPath) -> Problem:
    types = [wanted] if isinstance(wanted, str) else wanted
    facts = {"value": shown_value(value), "is": say(f"check.type.{_json_type(value)}")}
    facts["wanted"] = " ".join(say(f"check.wanted.{'-'.join(sorted(types))}").split())
    facts["write"] = _write(value, types, str(path[-1]) if path else "")
    whole = value is None or isinstance(value, Mapping | list)
    return Problem(path, "whole-type" if whole else "type", facts)


def _write(value: object, types: list[str], name: str) -> str:
    """What to write instead of a value of the wrong type; '' if there is nothing to add."""
    if name in ("defaultMode", "mode") and isinstance(value, str):
        octal = value.removeprefix("0o").lstrip("0")
        if re.fullmatch(r"[0-7]{1,4}", octal):
            return say("check.write.mode", octal=f"0{octal}", decimal=int(octal, 8))
    if "string" in types and isinstance(value, int | float):
        written = str(value).lower() if isinstance(value, bool) else str(value)[:40]
        return say("check.write.quotes", written=written)
    if types == ["integer"] and isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value):
        return say("check.write.bare", written=int(value))
    if types == ["boolean"] and isinstance(value, str) and value.lower() in ("true", "false", "yes", "no"):
        return say("check.write.bare", written="true" if value.lower() in ("true", "yes") else "false")
    if types == ["array"]:
        return say("check.write.items", name=name)
    if types == ["object"] and isinstance(value, list):
        return say("check.write.no-dash", name=name)
    if types == ["object"]:
        return say("check.write.fields", name=name)
    return ""


def _json_type(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names = ((int, "integer"), (float, "number"), (str, "string"), (list, "array"))
    return next((name for kind, name in names if isinstance(value, kind)), "object")


def _wrong_format(value: object, wanted: str, path: FieldPath) -> Problem:
    return Problem(path, f"format-{wanted}", {"value": shown_value(value)})


# -- the parts by the name of their type -----------------------------------------------------------


def parts(obj: Mapping[str, Any], definition: str) -> Iterator[Part]:
    """All parts of an object whose type has a name, outer ones first. What has the wrong type is left out."""
    todo: list[tuple[str, FieldPath, Any]] = [(definition, (), obj)]
    while todo:
        name, path, value = todo.pop()
        if not isinstance(value, Mapping) or path == ("status",):
            continue
        yield Part(_short(name), path, value)
        inner: list[tuple[str, FieldPath, Any]] = []
        for key, (target, many) in _targets(name).items():
            found = value.get(key)
            if found is not None and not many:
                inner.append((target, (*path, key), found))
            elif isinstance(found, list):
                inner += ((target, (*path, key, i), each) for i, each in enumerate(found))
        todo.extend(reversed(inner))


@functools.cache
def _targets(definition: str) -> dict[str, tuple[str, bool]]:
    """The fields of a type that hold other types with a name: the name, and whether in a list."""
    fields = _published()["$defs"][definition].get("properties", {})
    found = {key: _target(schema) for key, schema in fields.items()}
    return {key: (target, bool(step)) for key, (target, step) in found.items() if target}


def amounts(part: Part) -> Iterator[tuple[FieldPath, Any]]:
    """The values in a part that are to be quantities, in fields and in mappings of them."""
    for name, many in _amount_fields(part.definition).items():
        value = part.value.get(name)
        if value is not None and not many:
            yield (*part.path, name), value
        elif isinstance(value, Mapping):
            yield from (((*part.path, name, key), each) for key, each in value.items())


@functools.cache
def _amount_fields(short: str) -> dict[str, bool]:
    """The fields of a type that are quantities, and whether they are mappings of them."""
    fields = _by_short()[short].get("properties", {})
    plain = {name: False for name, schema in fields.items() if _is_amount(schema)}
    return plain | {name: True for name, each in fields.items() if _is_amount(each.get("additionalProperties"))}


def _is_amount(schema: object) -> bool:
    return isinstance(schema, Mapping) and str(schema.get("$ref", "")).endswith(".resource.Quantity")


@functools.cache
def _short(definition: str) -> str:
    """`io.k8s.api.core.v1.PodSpec` → `core.v1.PodSpec`, `io.k8s.apimachinery.pkg.apis.meta.v1.X` → `meta.v1.X`."""
    return ".".join(definition.split(".")[-3:])


def empty_required(part: Part) -> Iterator[Problem]:
    """Required fields that are there but empty, which the API server takes for missing."""
    for name in _by_short()[part.definition].get("required", ()):
        if name not in _MAY_BE_EMPTY and part.value.get(name, 0) in ("", []):
            yield Problem((*part.path, name), "required", {"name": name})


@functools.cache
def _by_short() -> dict[str, Mapping[str, Any]]:
    return {_short(name): schema for name, schema in _published()["$defs"].items()}


def go_field(definition: str, path: FieldPath) -> tuple[str, str, str]:
    """The Go struct that a field is decoded into, its path as encoding/json names it, and its Go type.

    >>> go_field(kinds()["v1", "ConfigMap"], ("data", "size"))
    ('ConfigMap', 'data', 'string')
    >>> go_field(kinds()["v1", "Pod"], ("spec", "volumes", 0, "configMap", "defaultMode"))
    ('ConfigMapVolumeSource', 'spec.volumes.VolumeSource.configMap.defaultMode', 'int32')
    """
    struct, names = definition, []
    schema: Mapping[str, Any] = {"$ref": _DEFS + definition}
    for part in path:
        if "$ref" in schema:
            struct = str(schema["$ref"]).removeprefix(_DEFS)
            schema = _published()["$defs"][struct]
        inner = schema.get("properties", {}).get(part) if isinstance(part, str) else schema.get("items")
        if inner is None:
            inner = schema.get("additionalProperties", {})
        elif isinstance(part, str):
            embedded = _EMBEDDED.get(struct.rsplit(".", 1)[-1], ("", ()))
            names += [embedded[0]] if embedded[0] and part not in embedded[1] else []
            names.append(part)
        schema = inner if isinstance(inner, Mapping) else {}
    return struct.rsplit(".", 1)[-1], ".".join(names), _go_type(schema)


def _go_type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return "v1." + str(schema["$ref"]).rsplit(".", 1)[-1]
    kind = schema.get("type")
    if kind == "array":
        return f"[]{_go_type(schema.get('items', {}))}"
    if kind == "object":
        return f"map[string]{_go_type(schema.get('additionalProperties', {}))}"
    plain = {"integer": str(schema.get("format", "int64")), "boolean": "bool", "number": "float64"}
    return plain.get(str(kind), "string")


# structs whose other fields stand in an embedded one, by whose name encoding/json calls it
_EMBEDDED: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "Volume": ("VolumeSource", ("name",)),
    "PersistentVolumeSpec": (
        "PersistentVolumeSource",
        (
            *("accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy"),
            *("storageClassName", "volumeAttributesClassName", "volumeMode"),
        ),
    ),
    "Probe": (
        "ProbeHandler",
        (
            *("failureThreshold", "initialDelaySeconds", "periodSeconds", "successThreshold"),
            *("terminationGracePeriodSeconds", "timeoutSeconds"),
        ),
    ),
}
