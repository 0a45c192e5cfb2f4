"""Why a step was refused, read from what its command said.

The API server's refusals are exact and terse; each known one is matched by its words and answered with the rule behind
it. Only what the command printed, the state at that time and the History's objects are asked: nothing is guessed.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from k8sviz.errors import K8svizError, nearest
from k8sviz.kinds import KINDS, kind_named
from k8sviz.rules.fields import text
from k8sviz.why.case import called, fact
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.steps.case import Handler, StepCase, beside
from k8sviz.why.steps.fields import INVALID, invalid
from k8sviz.why.steps.inside import exec_failed, read_only
from k8sviz.why.steps.rights import cannot, forbidden
from k8sviz.words import say

__all__ = ["StepCase", "explain_step"]

JSON = Mapping[str, Any]
Match = re.Match[str]


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
        (_FORBIDDEN, forbidden),
        (
            r"Unauthorized|must be logged in to the server|the server has asked for the client to provide credentials",
            _with("step.unauthorized"),
        ),
        (
            r"(?P<detail>SSL certificate problem: .*|x509: .*|certificate signed by unknown authority.*)",
            _with("step.untrusted"),
        ),
        (r"(?:create|open|touch:|rm:|mkdir:)?\s*'?(?P<path>/[^\s':]+)'?: [Rr]ead-only file system", read_only),
        (r"Error from server \(NotFound\): (?P<resource>\S+) \"(?P<name>[^\"]+)\" not found", _not_found),
        (
            r"Error from server \(AlreadyExists\): .*?(?P<resource>\S+) \"(?P<name>[^\"]+)\" already exists",
            _with("step.exists"),
        ),
        (r"the object has been modified; please apply your changes to the latest version", _with("step.conflict")),
        (INVALID, invalid),
        (r"strict decoding error: unknown field \"(?P<path>[^\"]+)\"", _with("step.unknown-field")),
        (r"error parsing (?P<file>\S+): (?P<detail>.*)", _with("step.yaml")),
        (r"the path \"(?P<file>[^\"]+)\" does not exist", _with("step.no-file")),
        (r"container not found \(\"(?P<container>[^\"]+)\"\)", _with("step.container-not-running")),
        (
            r"(?P<detail>The connection to the server \S+ was refused.*|Unable to connect to the server: .*)",
            _with("step.no-server"),
        ),
        (r"^command terminated with exit code (?P<code>\d+)", exec_failed),
    )
)
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


def explain_step(case: StepCase) -> Explanation:
    """Why a step ended as it did: refused, failed, warned or done."""
    if case.step.command.startswith("#"):
        return case.tell("step.outside", "fine", what=case.step.command.lstrip("# "))
    if re.search(r"\bauth can-i\b", case.step.command) and re.search(r"^no\b", case.result.stdout, re.MULTILINE):
        return cannot(case)
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
        return beside(warnings[0], warnings[1:])
    return case.tell("step.done", "fine")


def _refused(case: StepCase) -> Explanation | None:
    for pattern, handler in _REFUSALS:
        match = pattern.search(case.text)
        if match:
            return handler(case, match)
    return None
