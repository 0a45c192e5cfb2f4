"""`is invalid`: the API server's complaints about fields, taken apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from k8sviz.why.case import join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.steps.case import StepCase, beside
from k8sviz.words import say

__all__ = ["INVALID", "FieldError", "invalid", "parse_field_errors"]

JSON = Mapping[str, Any]
Match = re.Match[str]


@dataclass(frozen=True, slots=True)
class FieldError:
    """One complaint of the API server's validation: which field, of what kind, with which value, in which words."""

    field: str
    kind: str
    value: str
    detail: str


_KINDS_OF_ERROR = (
    "Required value",
    "Invalid value",
    "Forbidden",
    "Unsupported value",
    "Duplicate value",
    "Not found",
    "Too long",
    "Too many",
    "Too few",
    "Internal error",
)
_FIELD_ERROR = re.compile(rf"^(?:\* )?(?P<field>[^\s:]+): (?P<kind>{'|'.join(_KINDS_OF_ERROR)})(?:: (?P<rest>.*))?$")
INVALID = r'(?:The )?(?P<kind>[A-Z]\w+) "(?P<name>[^"]*)" is invalid: ?(?P<rest>(?s:.*))'


def parse_field_errors(said: str) -> list[FieldError]:
    """The field errors in what the API server said after `is invalid:`; one a line when there are several.

    >>> parse_field_errors("spec.nodeAffinity: Required value: needed")
    [FieldError(field='spec.nodeAffinity', kind='Required value', value='', detail='needed')]
    >>> [(e.field, e.value) for e in parse_field_errors("* spec.a: Required value\\n* spec.b: Invalid value: 0: low")]
    [('spec.a', ''), ('spec.b', '0')]
    """
    found = []
    for line in said.splitlines():
        match = _FIELD_ERROR.match(line.strip())
        if match is None:
            continue
        rest, value = match["rest"] or "", ""
        if match["kind"] in ("Invalid value", "Unsupported value", "Duplicate value", "Not found", "Too long"):
            value, rest = _value(rest)
        found.append(FieldError(match["field"], match["kind"], value, rest))
    return found


def _value(rest: str) -> tuple[str, str]:
    """The value that was refused, and what is said about it."""
    if rest.startswith(("{", "[")):
        end = rest.find("}: ") if rest.startswith("{") else rest.find("]: ")
        return (rest[: end + 1], rest[end + 3 :]) if end >= 0 else (rest, "")
    quoted = re.match(r'("(?:[^"\\]|\\.)*")(?:: (.*))?$', rest)
    if quoted:
        return quoted[1], quoted[2] or ""
    value, _, detail = rest.partition(": ")
    return (value, detail) if detail or " " not in value else ("", rest)


def invalid(case: StepCase, match: Match) -> Explanation:
    """The object is invalid: each field with what is wrong with it."""
    subject = f"{match['kind']} {match['name']}"
    errors = parse_field_errors(match["rest"])
    if not errors:
        return case.tell("step.invalid", evidence=[case.said(match[0])], object=subject, detail=match["rest"].strip())
    told = [_field_error(case, subject, error) for error in errors]
    return beside(told[0], told[1:])


def _field_error(case: StepCase, subject: str, error: FieldError) -> Explanation:
    code = next((code for test, code in _FIELD_RULES if test(error)), "")
    code = code or _FIELD_KINDS.get(error.kind, "step.field-error")
    line = next((line for line in case.lines if f"{error.field}: {error.kind}" in line), error.detail)
    changed = _changed(case) if "may not change" in error.detail else ""
    proof: list[Evidence | None] = [Evidence(say("why.step-words.said"), line.strip()[:600])]
    if changed:
        proof.append(Evidence(say("why.step-words.changed"), changed))
    return case.tell(
        code,
        evidence=proof,
        object=subject,
        field=error.field,
        kind=error.kind,
        value=error.value or say("why.text.none"),
        detail=error.detail or say("why.step-words.no-detail"),
        allowed=_allowed(error.detail),
        shown=changed or error.detail,
    )


def _allowed(detail: str) -> str:
    """The fields or values that a message offers."""
    return join(dict.fromkeys(re.findall(r"[`'\"]([^`'\"]+)[`'\"]", detail)), most=12)


def _changed(case: StepCase) -> str:
    """The lines that the API server's diff takes out and puts in; a line that only got a comma is neither."""
    lines = [line for line in case.result.stderr.splitlines() if re.match(r"[-+](?![-+])", line)]
    plain = [(line[0], line[1:].strip().removesuffix(",")) for line in lines]
    return "; ".join(f"{sign} {words}" for sign, words in plain if ("-" if sign == "+" else "+", words) not in plain)


_FIELD_RULES: tuple[tuple[Callable[[FieldError], bool], str], ...] = (
    (lambda e: "Local volume requires node affinity" in e.detail, "step.local-needs-affinity"),
    (lambda e: "pod updates may not change fields" in e.detail, "step.pod-frozen"),
    (lambda e: "when `immutable` is set" in e.detail, "step.immutable-object"),
    (lambda e: "updates to statefulset spec" in e.detail, "step.statefulset-frozen"),
    (lambda e: e.field == "spec.selector" and e.kind == "Required value", "step.selector-required"),
    (lambda e: "`selector` does not match template" in e.detail, "step.selector-mismatch"),
    (lambda e: "may not be 0 when `maxSurge` is 0" in e.detail, "step.both-zero"),
    (lambda e: e.field.endswith("fieldRef.fieldPath"), "step.field-ref"),
    (lambda e: "1048576" in e.detail + e.value, "step.too-large"),
    (lambda e: "field is immutable" in e.detail, "step.field-immutable"),
    (lambda e: "volumeMounts" in e.field and e.kind == "Not found", "step.mount-without-volume"),
)
_FIELD_KINDS = {
    "Required value": "step.field-required",
    "Invalid value": "step.field-invalid",
    "Unsupported value": "step.field-unsupported",
    "Forbidden": "step.field-forbidden",
    "Not found": "step.field-not-found",
    "Duplicate value": "step.field-duplicate",
}
