"""The API server's own words for what is wrong with an object: what `validate` finds, said as a Status says it.

Rules: apimachinery/pkg/util/validation/field/errors.go; the details stand in pkg/apis/*/validation. What cannot even
be decoded is a BadRequest, all else Invalid with a cause for each field.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from k8sviz.cluster.difference import claim_difference, pod_difference
from k8sviz.cluster.refused import Refused, bad_request, invalid
from k8sviz.history import Object
from k8sviz.rules.fields import mapping, text
from k8sviz.validate import Problem, field_text
from k8sviz.validate.published import go_field, kinds

__all__ = ["judge"]


class _Words(NamedTuple):
    """A kind of cause, and what follows its value; `{facts}` are a Problem's."""

    reason: str
    detail: str = ""


_REQUIRED: Final = "FieldValueRequired"
_INVALID: Final = "FieldValueInvalid"
_FORBIDDEN: Final = "FieldValueForbidden"
_UNSUPPORTED: Final = "FieldValueNotSupported"
_DUPLICATE: Final = "FieldValueDuplicate"
_NOT_FOUND: Final = "FieldValueNotFound"
_TOO_LONG: Final = "FieldValueTooLong"
_LEAD: Final = {
    _REQUIRED: "Required value",
    _INVALID: "Invalid value: {shown}",
    _FORBIDDEN: "Forbidden",
    _UNSUPPORTED: "Unsupported value: {shown}",
    _DUPLICATE: "Duplicate value: {shown}",
    _NOT_FOUND: "Not found: {shown}",
    _TOO_LONG: "Too long",
}
_SUBDOMAIN: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL: Final = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_KEY: Final = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
_QUALIFIED: Final = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_LABEL_VALUE: Final = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_POD_FIXED: Final = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_STATEFUL_SET_FIXED: Final = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
_CLAIM_FIXED: Final = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
)
_FIELD_PATHS: Final = (
    *("metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName"),
    *("status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"),
)

_WORDS: Final[dict[str, _Words]] = {
    "absolute": _Words(_INVALID, "must be an absolute path"),
    "always": _Words(_UNSUPPORTED, 'supported values: "Always"'),
    "at-least": _Words(_INVALID, "must be greater than or equal to {least}"),
    "both": _Words(_FORBIDDEN, "may not be specified when `{other}` is specified"),
    "both-zero": _Words(_INVALID, "may not be 0 when `maxSurge` is 0"),
    "claim-shrinks": _Words(_FORBIDDEN, "field can not be less than status.capacity"),
    "cluster-ip": _Words(_INVALID, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
    "data-key": _Words(_INVALID, _KEY),
    "deadline": _Words(_INVALID, "must be greater than minReadySeconds"),
    "duplicate": _Words(_DUPLICATE),
    "empty-selector": _Words(_INVALID, "empty selector is invalid for {kind}"),
    "enum": _Words(_UNSUPPORTED),
    "field-path": _Words(_UNSUPPORTED, "supported values: " + ", ".join(f'"{each}"' for each in _FIELD_PATHS)),
    "whole-map": _Words(_UNSUPPORTED, "supported values: " + ", ".join(f'"{each}"' for each in _FIELD_PATHS)),
    "fixed": _Words(_INVALID, "field is immutable"),
    "immutable": _Words(_FORBIDDEN, "field is immutable when `immutable` is set"),
    "label-key": _Words(_INVALID, _QUALIFIED),
    "label-value": _Words(_INVALID, _LABEL_VALUE),
    "local-affinity": _Words(_REQUIRED, "Local volume requires node affinity"),
    "mode-range": _Words(_INVALID, "must be a number between 0 and 0777 (octal), both inclusive"),
    "name-label": _Words(_INVALID, _LABEL),
    "name-subdomain": _Words(_INVALID, _SUBDOMAIN),
    "negative": _Words(_INVALID, "must be greater than or equal to 0"),
    "no-name": _Words(_REQUIRED, "name or generateName is required"),
    "no-such-volume": _Words(_NOT_FOUND),
    "no-volume-type": _Words(_REQUIRED, "must specify a volume type"),
    "one-success": _Words(_INVALID, "must be 1"),
    "over-hundred": _Words(_INVALID, "must not be greater than 100%"),
    "over-limit": _Words(_INVALID, "must be less than or equal to {name} limit of {limit}"),
    "port": _Words(_INVALID, "must be between 1 and 65535, inclusive"),
    "positive": _Words(_INVALID, "must be greater than zero"),
    "required": _Words(_REQUIRED),
    "rolling-in-recreate": _Words(_FORBIDDEN, "may not be specified when strategy `type` is 'Recreate'"),
    "rolling-on-delete": _Words(_INVALID, "only allowed for updateStrategy 'RollingUpdate'"),
    "selector-labels": _Words(_INVALID, "`selector` does not match template `labels`"),
    "stays-immutable": _Words(_FORBIDDEN, "field is immutable when `immutable` is set"),
    "too-large": _Words(_TOO_LONG, "may not be more than 1048576 bytes"),
    "two-volume-types": _Words(_FORBIDDEN, "may not specify more than 1 volume type"),
}
_WHOLE_SPEC: Final = {
    "claim-frozen": _CLAIM_FIXED,
    "pod-frozen": _POD_FIXED,
    "stateful-set-frozen": _STATEFUL_SET_FIXED,
}
_SHOWS: Final = {"claim-frozen": claim_difference, "pod-frozen": pod_difference}
# what Go calls each JSON type, and what it wanted
_GO_HAS: Final = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}
_UNDECODABLE: Final = ("type", "whole-type", "format-byte", "format-date-time", "no-text")


def judge(obj: Object, found: Iterable[Problem], old: Object | None = None) -> None:
    """Refuse an object with which something is wrong; `old` is what an update would replace.

    Raises Refused: Invalid with its causes, or BadRequest.
    """
    problems = [problem for problem in found if problem.error]
    if not problems:
        return
    kind, name = text(obj, "kind"), text(obj, "metadata", "name")
    for problem in problems:
        if problem.code in _UNDECODABLE or problem.code == "unknown-field":
            raise _undecodable(obj, problem)
    causes: list[dict[str, str]] = []
    for problem in problems:
        causes += (cause for cause in _causes(obj, problem, old or obj) if cause not in causes)
    raise invalid(kind, name, causes)


def _causes(obj: Object, problem: Problem, old: Object) -> list[dict[str, str]]:
    if problem.code in _WHOLE_SPEC:
        words = _WHOLE_SPEC[problem.code]
        if problem.code in _SHOWS:
            words += f"\n{_SHOWS[problem.code](old, obj)}"
        return [{"reason": _FORBIDDEN, "message": f"Forbidden: {words}", "field": "spec"}]
    said = _WORDS.get(problem.code)
    value = _at(obj, problem.path)
    field = field_text(problem.path)
    if said is None:
        return [{"reason": _INVALID, "message": f"Invalid value: {_shown(value)}: {problem.words}", "field": field}]
    shown = str(problem.path[-1]) if problem.at_key else value
    detail = said.detail
    for fact, each in {**problem.facts, "name": str(problem.path[-1])}.items():
        detail = detail.replace("{" + fact + "}", str(each))
    lead = _LEAD[said.reason].replace("{shown}", _shown(shown))
    causes = [{"reason": said.reason, "message": f"{lead}: {detail}" if detail else lead, "field": field}]
    labels = mapping(obj, "spec", "template", "metadata").get("labels")
    if problem.code == "required" and field == "spec.selector" and labels:
        message = f"Invalid value: {_shown(labels)}: `selector` does not match template `labels`"
        causes.append({"reason": _INVALID, "message": message, "field": "spec.template.metadata.labels"})
    return causes


def _at(obj: Any, path: tuple[str | int, ...]) -> Any:
    value = obj
    for part in path:
        try:
            value = value[part]
        except (LookupError, TypeError):
            return None
    return value


def _shown(value: Any) -> str:
    """A value as field errors write it: JSON, texts in quotes."""
    if value is None:
        return '""'
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=isinstance(value, Mapping))


def _undecodable(obj: Object, problem: Problem) -> Refused:
    kind, version = text(obj, "kind"), text(obj, "apiVersion").rpartition("/")[2]
    if problem.code == "unknown-field":
        return bad_request(
            f'{kind} in version "{version}" cannot be handled as a {kind}: strict decoding error: '
            f'unknown field "{problem.field}"'
        )
    had = _GO_HAS.get(type(_at(obj, problem.path)), "object")
    definition = kinds().get((text(obj, "apiVersion"), kind), "")
    struct, dotted, wanted = go_field(definition, problem.path) if definition else (kind, problem.field, "string")
    return bad_request(
        f'{kind} in version "{version}" cannot be handled as a {kind}: json: cannot unmarshal {had} into Go struct '
        f"field {struct}.{dotted} of type {wanted}"
    )
