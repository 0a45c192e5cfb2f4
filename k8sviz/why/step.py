"""Why a step was refused, read from what its command said.

The API server's refusals are exact and terse; each known one is matched by its words and answered with the rule behind
it. Only what the command printed, the state at that time and the History's objects are asked: nothing is guessed.
"""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from k8sviz.errors import K8svizError, nearest
from k8sviz.history import History, Object, Result, Snapshot, Step
from k8sviz.kinds import KINDS, kind_named
from k8sviz.rules.fields import flag, listed, text
from k8sviz.why.case import Level, Subject, called, fact, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.words import say

__all__ = ["StepCase", "explain_step", "parse_field_errors"]

JSON = Mapping[str, Any]
Match = re.Match[str]


@dataclass(frozen=True)
class StepCase:
    """A step that has ended, the state when it ended, and a way to ask about an object."""

    step: Step
    result: Result
    history: History
    ask: Callable[[Object | None], Explanation | None]
    hide: Callable[[str], str] = field(default=str)

    @cached_property
    def snapshot(self) -> Snapshot:
        """The state when the command ended."""
        return self.history.at(self.result.t)

    @cached_property
    def lines(self) -> list[str]:
        """What was printed to stderr, and the messages of Status objects that were printed to stdout."""
        said = self.result.stderr.splitlines()
        if '"status": "Failure"' in self.result.stdout:
            said += [
                found.replace('\\"', '"') for found in re.findall(r'"message": "((?:[^"\\]|\\.)*)"', self.result.stdout)
            ]
        return said

    @cached_property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)

    def tell(
        self,
        code: str,
        level: Level = "error",
        *,
        evidence: list[Evidence | None] | None = None,
        also: list[Explanation | None] | None = None,
        **facts: Any,
    ) -> Explanation:
        """The explanation of this step."""
        subject = Subject(None, say("why.step-words.subject", id=self.step.id), self.hide)
        proof = [*(evidence or []), self.exit_fact()]
        state = say(f"why.step-state.{self._state(code, level)}")
        return subject.tell(code, state, level, evidence=proof, also=also or [], exit=self.result.exit_code, **facts)

    def _state(self, code: str, level: Level) -> str:
        if level == "error":
            failed = code in _FAILED or not code.startswith("step.")
            return "answered" if not self.result.exit_code else "failed" if failed else "refused"
        return "warned" if code.startswith("step.warn") else "done"

    def exit_fact(self) -> Evidence | None:
        """The exit code as evidence, when it is not 0."""
        code = self.result.exit_code
        return Evidence(say("why.step-words.exit"), str(code)) if code else None

    def said(self, words: str) -> Evidence:
        """The line that holds these words, as evidence."""
        first = words.strip().splitlines()[0] if words.strip() else ""
        line = next((line for line in self.lines if first and first in line), first)
        return Evidence(say("why.step-words.said"), line.strip()[:600])


Handler = Callable[[StepCase, Match], Explanation]

# what the API server did not refuse, and that went wrong all the same
_FAILED = frozenset(
    f"step.{name}"
    for name in (
        "failed",
        "exec-failed",
        "read-only",
        "read-only-mount",
        "deadline",
        "timed-out",
        "untrusted",
        "no-server",
        "yaml",
        "no-file",
        "unknown-command",
        "rolling-update-gone",
        "container-not-running",
    )
)


# -- "is invalid": field errors -------------------------------------------------------------------------------


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
_INVALID = r'(?:The )?(?P<kind>[A-Z]\w+) "(?P<name>[^"]*)" is invalid: ?(?P<rest>(?s:.*))'


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


def _invalid(case: StepCase, match: Match) -> Explanation:
    subject = f"{match['kind']} {match['name']}"
    errors = parse_field_errors(match["rest"])
    if not errors:
        return case.tell("step.invalid", evidence=[case.said(match[0])], object=subject, detail=match["rest"].strip())
    told = [_field_error(case, subject, error) for error in errors]
    return _beside(told[0], told[1:])


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


# -- other refusals -----------------------------------------------------------------------------------------------


def _wrong_type(case: StepCase, match: Match) -> Explanation:
    # "Pod.spec.containers..." or "ConfigMapVolumeSource.spec.volumes.VolumeSource.configMap": Go's types are left out
    path = ".".join(part for part in match["path"].split(".") if part and not part[0].isupper())
    wanted = {"string": "string", "bool": "bool"}.get(match["type"], "number")
    if match["type"].startswith(("[]", "map[")) or match["type"][0].isupper():
        wanted = "structure"
    return case.tell(
        "step.wrong-type",
        evidence=[case.said(match[0])],
        object=match["kind"],
        path=path,
        got=match["got"],
        wanted=say(f"why.type.{wanted}"),
        mend=say(f"why.type-remedy.{wanted}"),
    )


def _bad_key(case: StepCase, match: Match) -> Explanation:
    return case.tell("step.bad-key", evidence=[case.said(match[0])], key=match["key"], kind=match["kind"])


def _no_version(case: StepCase, match: Match) -> Explanation:
    kind = KINDS.get(match["kind"])
    now = say("why.version.now", kind=match["kind"], version=kind.api_version) if kind else say("why.version.unknown")
    return case.tell(
        "step.no-such-version", evidence=[case.said(match[0])], kind=match["kind"], version=match["version"], now=now
    )


def _unknown_command(case: StepCase, match: Match) -> Explanation:
    if match["command"] == "rolling-update":
        return case.tell("step.rolling-update-gone", evidence=[case.said(match[0])])
    return case.tell("step.unknown-command", evidence=[case.said(match[0])], command=match["command"])


def _paused_undo(case: StepCase, match: Match) -> Explanation:
    found = re.search(r"deployment[s]?[ /.](?:apps[ /])?([a-z0-9][-a-z0-9.]*)", case.step.command)
    name = found[1] if found else "NAME"
    deployment = case.snapshot.get("Deployment", name)
    proof = [case.said(match[0]), fact(deployment, "spec", "paused") if deployment else None]
    return case.tell("step.paused-undo", evidence=proof, also=[case.ask(deployment)], name=name)


def _deadline(case: StepCase, match: Match) -> Explanation:
    deployment = case.snapshot.get("Deployment", match["name"])
    proof = [case.said(match[0]), fact(deployment, "spec", "progressDeadlineSeconds") if deployment else None]
    return case.tell("step.deadline", evidence=proof, also=[case.ask(deployment)], name=match["name"])


def _timed_out(case: StepCase, match: Match) -> Explanation:
    target = match["target"] or ""
    word, _, name = target.partition("/")
    obj = None
    with contextlib.suppress(K8svizError):
        obj = case.snapshot.get(kind_named(word.partition(".")[0]).name, name) if name else None
    return case.tell(
        "step.timed-out",
        evidence=[case.said(match[0])],
        also=[case.ask(obj)],
        target=called(obj) if obj else target or say("why.step-words.something"),
    )


def _forbidden(case: StepCase, match: Match) -> Explanation:
    user, where = match["user"], match["where"] or ""
    namespace = match["namespace"] or ""
    told: dict[str, Any] = {"user": user, "verb": match["verb"], "resource": match["resource"], "where": where.strip()}
    proof: list[Evidence | None] = [case.said(match[0])]
    if user == "system:anonymous":
        return case.tell("step.forbidden-anonymous", evidence=proof, **told)
    account = re.match(r"system:serviceaccount:([^:]+):(.+)", user)
    proof += _bindings(case, namespace, account, user)
    if account:
        return case.tell(
            "step.forbidden-account",
            evidence=proof,
            account=account[2],
            owner=account[1],
            namespace=namespace or account[1],
            **told,
        )
    return case.tell("step.forbidden", evidence=proof, **told)


def _bindings(case: StepCase, namespace: str, account: Match | None, user: str) -> list[Evidence | None]:
    """Which bindings name the user: usually none."""
    found: list[Evidence | None] = []
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        for binding in case.snapshot.objects(kind, namespace=namespace or None):
            subjects = listed(binding, "subjects")
            found += [fact(binding, "roleRef", "name")] if any(_is_subject(s, account, user) for s in subjects) else []
    return found or [Evidence("RoleBinding", say("why.step-words.no-binding", user=user))]


def _is_subject(subject: JSON, account: Match | None, user: str) -> bool:
    if text(subject, "kind") == "ServiceAccount" and account:
        return (text(subject, "namespace"), text(subject, "name")) == (account[1], account[2])
    return text(subject, "name") == user


def _cannot(case: StepCase) -> Explanation:
    """`kubectl auth can-i` said no, which it tells by its exit code too."""
    asked = re.findall(r"auth can-i (\S+) (\S+)(?:[^;&|]*--as[= ](\S+))?", case.step.command)
    answers = re.findall(r"^(yes|no)\b", case.result.stdout, re.MULTILINE)
    proof: list[Evidence | None] = [
        Evidence(f"can-i {verb} {resource}{' --as ' + user.strip(';') if user else ''}", answer)
        for (verb, resource, user), answer in zip(asked, answers, strict=False)
    ]
    denied = [
        f"{verb} {resource}" for (verb, resource, _), answer in zip(asked, answers, strict=False) if answer == "no"
    ]
    return case.tell("step.cannot", "fine", evidence=proof, denied=join(denied) or say("why.step-words.something"))


def _read_only(case: StepCase, match: Match) -> Explanation:
    path = match["path"].strip()
    pod, container, mount = _mount_of(case, path)
    proof: list[Evidence | None] = [case.said(match[0])]
    if mount is None or pod is None:
        return case.tell("step.read-only", evidence=proof, path=path)
    source = f"spec.containers[{container}].volumeMounts[{text(mount, 'mountPath')}].readOnly"
    proof.append(Evidence(say("why.text.field", path=source, subject=called(pod)), "true"))
    return case.tell(
        "step.read-only-mount",
        evidence=proof,
        path=path,
        mount=text(mount, "mountPath"),
        volume=text(mount, "name"),
        container=container,
    )


def _mount_of(case: StepCase, path: str) -> tuple[Object | None, str, JSON | None]:
    """The read-only mount that a path within `kubectl exec` lies under."""
    pod, wanted = _exec_target(case)
    for container in listed(pod or {}, "spec", "containers"):
        name = text(container, "name")
        if wanted and name != wanted:
            continue
        for mount in listed(container, "volumeMounts"):
            if flag(mount, "readOnly") and path.startswith(text(mount, "mountPath").rstrip("/") + "/"):
                return pod, name, mount
    return pod, wanted, None


def _exec_target(case: StepCase) -> tuple[Object | None, str]:
    """The Pod and the container that a `kubectl exec` in the command names."""
    try:
        words = shlex.split(case.step.command)
    except ValueError:
        return None, ""
    if "exec" not in words:
        return None, ""
    rest = words[words.index("exec") + 1 :]
    rest = rest[: rest.index("--")] if "--" in rest else rest
    container = next((rest[i + 1] for i, word in enumerate(rest[:-1]) if word in ("-c", "--container")), "")
    pods = [case.snapshot.get("Pod", word.removeprefix("pod/")) for word in rest if not word.startswith("-")]
    return next((pod for pod in pods if pod is not None), None), container


def _exec_failed(case: StepCase, match: Match) -> Explanation:
    """A program within a container failed: its own last words say why."""
    lines = [line.strip() for line in case.lines if line.strip() and not line.startswith(("Warning: ", "Defaulted "))]
    words = [line for line in lines if line not in match.string[match.start() : match.end()]]
    return case.tell(
        "step.exec-failed",
        evidence=[case.said(words[-1] if words else match[0])],
        exit_code=match["code"],
        words=words[-1] if words else say("why.step-words.nothing"),
    )


def _not_found(case: StepCase, match: Match) -> Explanation:
    resource, name = match["resource"].partition(".")[0], match["name"]
    try:
        kind = kind_named(resource).name
    except K8svizError:
        return case.tell(
            "step.not-found", evidence=[case.said(match[0])], what=f"{resource}/{name}", hint=say("why.text.none")
        )
    names = [text(obj, "metadata", "name") for obj in case.snapshot.objects(kind)]
    return case.tell(
        "step.not-found", evidence=[case.said(match[0])], what=f"{resource}/{name}", hint=nearest(name, names)
    )


def _with(code: str, **fixed: str) -> Handler:
    """A handler that puts the match's own groups into the words of `code`."""

    def handler(case: StepCase, match: Match) -> Explanation:
        facts = {key: value or say("why.text.none") for key, value in match.groupdict().items()}
        told: dict[str, Any] = {**fixed, **facts}
        return case.tell(code, evidence=[case.said(match[0])], **told)

    return handler


_WRONG_TYPE = (
    r'(?P<kind>\w+) in version "[^"]*" cannot be handled as an? \w+: json: '
    r"cannot unmarshal (?P<got>\w+) into Go struct field (?P<path>\S+) of type (?P<type>\S+)"
)
_FORBIDDEN = (
    r'User "(?P<user>[^"]+)" cannot (?P<verb>\w+) resource "(?P<resource>[^"]+)" in API group "[^"]*"'
    r'(?P<where> in the namespace "(?P<namespace>[^"]+)"| at the cluster scope)?'
)
_REFUSALS: tuple[tuple[re.Pattern[str], Handler], ...] = tuple(
    (re.compile(pattern, re.MULTILINE), handler)
    for pattern, handler in (
        (_WRONG_TYPE, _wrong_type),
        (r'"(?P<key>[^"]*)" is not a valid key name for a (?P<kind>ConfigMap|Secret)', _bad_key),
        (r'no matches for kind "(?P<kind>\w+)" in version "(?P<version>[^"]+)"', _no_version),
        (r'unknown command "(?P<command>[^"]+)"', _unknown_command),
        (r"you cannot rollback a paused deployment", _paused_undo),
        (r'deployment "(?P<name>[^"]+)" exceeded its progress deadline', _deadline),
        (r"timed out waiting for the condition(?: on (?P<target>\S+))?", _timed_out),
        (r"exceeded quota: (?P<quota>[^,]+), requested: (?P<asked>.*)$", _with("step.quota")),
        (r'violates PodSecurity "(?P<enforced>[^"]+)": (?P<detail>.*)', _with("step.pod-security")),
        (_FORBIDDEN, _forbidden),
        (
            r"Unauthorized|must be logged in to the server|the server has asked for the client to provide credentials",
            _with("step.unauthorized"),
        ),
        (
            r"(?P<detail>SSL certificate problem: .*|x509: .*|certificate signed by unknown authority.*)",
            _with("step.untrusted"),
        ),
        (r"(?:create|open|touch:|rm:|mkdir:)?\s*'?(?P<path>/[^\s':]+)'?: [Rr]ead-only file system", _read_only),
        (r"Error from server \(NotFound\): (?P<resource>\S+) \"(?P<name>[^\"]+)\" not found", _not_found),
        (
            r"Error from server \(AlreadyExists\): .*?(?P<resource>\S+) \"(?P<name>[^\"]+)\" already exists",
            _with("step.exists"),
        ),
        (r"the object has been modified; please apply your changes to the latest version", _with("step.conflict")),
        (_INVALID, _invalid),
        (r"strict decoding error: unknown field \"(?P<path>[^\"]+)\"", _with("step.unknown-field")),
        (r"error parsing (?P<file>\S+): (?P<detail>.*)", _with("step.yaml")),
        (r"the path \"(?P<file>[^\"]+)\" does not exist", _with("step.no-file")),
        (r"container not found \(\"(?P<container>[^\"]+)\"\)", _with("step.container-not-running")),
        (
            r"(?P<detail>The connection to the server \S+ was refused.*|Unable to connect to the server: .*)",
            _with("step.no-server"),
        ),
        (r"^command terminated with exit code (?P<code>\d+)", _exec_failed),
    )
)


# -- warnings -----------------------------------------------------------------------------------------------------

_WARNINGS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), code)
    for pattern, code in (
        (r"(?P<path>\S*gitRepo): deprecated", "step.warn-git-repo"),
        (r"previously managed with 'kubectl apply'\. Rolling back", "step.warn-undo"),
        (r"Immediate deletion does not wait", "step.warn-force"),
        (r"(?P<what>.*) is deprecated", "step.warn-deprecated"),
    )
)


def _warnings(case: StepCase) -> Iterator[Explanation]:
    for line in case.result.stderr.splitlines():
        if not line.startswith("Warning: "):
            continue
        said = line.removeprefix("Warning: ")
        found = next(((code, match) for pattern, code in _WARNINGS if (match := pattern.search(said))), None)
        code, facts = (found[0], found[1].groupdict()) if found else ("step.warn", {})
        proof: list[Evidence | None] = [Evidence(say("why.step-words.said"), line)]
        yield _warned(case, code, proof, {**facts, "message": said})


def _warned(case: StepCase, code: str, proof: list[Evidence | None], facts: dict[str, Any]) -> Explanation:
    return case.tell(code, "fine", evidence=proof, **facts)


# -- the step ---------------------------------------------------------------------------------------------------


def explain_step(case: StepCase) -> Explanation:
    """Why a step ended as it did: refused, failed, warned or done."""
    if case.step.command.startswith("#"):
        return case.tell("step.outside", "fine", what=case.step.command.lstrip("# "))
    if re.search(r"\bauth can-i\b", case.step.command) and re.search(r"^no\b", case.result.stdout, re.MULTILINE):
        return _cannot(case)
    warnings = list(_warnings(case))
    refused = _refused(case)
    if refused is not None:
        return refused  # the warnings speak of what did not happen
    if case.result.exit_code:
        spoken = [line for line in case.lines if line.strip()]
        lines = [line for line in spoken if not line.startswith("Warning: ")] or spoken
        said: list[Evidence | None] = [Evidence(say("why.step-words.said"), line.strip()[:300]) for line in lines[-3:]]
        return case.tell("step.failed", evidence=said)
    if warnings:
        return _beside(warnings[0], warnings[1:])
    return case.tell("step.done", "fine")


def _refused(case: StepCase) -> Explanation | None:
    for pattern, handler in _REFUSALS:
        match = pattern.search(case.text)
        if match:
            return handler(case, match)
    return None


def _beside(first: Explanation, others: Sequence[Explanation]) -> Explanation:
    return replace(first, also=(*first.also, *others)) if others else first
