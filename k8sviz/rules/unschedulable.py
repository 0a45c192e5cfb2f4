"""The scheduler's one sentence taken apart: nodes, counts, and what each lot of them has against a Pod.

Rule: pkg/scheduler/framework/types.go (FitError.Error) for the sentence, pkg/scheduler/framework/plugins/* for its
parts, Kubernetes v1.36 and the wording of some releases before.
"""

import re
from typing import Final, NamedTuple

__all__ = ["REFUSALS", "Refusal", "parse_refusals", "preemption_of"]

REFUSALS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (code, re.compile(pattern))
    for code, pattern in (
        ("volume-affinity", r"didn't match PersistentVolume's node affinity|had volume node affinity conflict"),
        ("no-volume-on-node", r"didn't find available persistent volumes to bind"),
        ("volume-gone", r"bound to non-existent (?:pv\(s\)|persistentvolume)"),
        ("free-storage", r"did not have enough free storage"),
        ("volume-count", r"exceed max volume count"),
        ("volume-zone", r"no available volume zone"),
        ("disk-conflict", r"had no available disk"),
        ("once-pod", r"ReadWriteOncePod access mode"),
        ("claim-deleted", r"persistentvolumeclaim \"?(?P<what>[^\s\"]+)\"? is being deleted"),
        ("claim-not-found", r"persistentvolumeclaim \"?(?P<what>[^\s\"]+)\"? not found"),
        ("claim-not-made", r"waiting for ephemeral volume controller to create the persistentvolumeclaim"),
        ("unbound-claims", r"unbound (?:immediate )?PersistentVolumeClaims"),
        ("taint", r"untolerated taint(?:\(s\)| \{(?P<what>[^}]*?):? ?\})?"),
        ("taint", r"had taints? (?:\{(?P<what>[^}]*?):? ?\}, )?that the pod didn't tolerate"),
        ("cordoned", r"were unschedulable"),
        ("unknown-condition", r"had unknown conditions"),
        ("insufficient", r"Insufficient (?P<what>[^\s,]+)"),
        ("too-many-pods", r"Too many pods"),
        ("node-name", r"didn't match the requested (?:node name|hostname)"),
        ("node-selector", r"didn't match (?:Pod's node affinity|node selector|scheduler-enforced node affinity)"),
        ("existing-anti-affinity", r"didn't satisfy existing pods anti-affinity"),
        ("pod-affinity", r"didn't match pod affinity(?! ?/ ?anti)"),
        ("anti-affinity", r"anti-affinity"),
        ("spread-label", r"topology spread constraints \(missing required label\)"),
        ("spread", r"topology spread"),
        ("ports", r"have free ports"),
        ("features", r"didn't match Pod's required features"),
        (
            "devices",
            r"cannot allocate all claims|[Rr]esource ?[Cc]laim|device class|requested devices|\bclaim \S+, request",
        ),
        ("gang", r"from a gang|pod group"),
        ("gates", r"scheduling gates"),
    )
)
"""The kinds of refusal by the words of the scheduler's plugins; the first that fits counts."""

_HEAD: Final = re.compile(r"\d+/(\d+) nodes are available: ?(.*)", re.DOTALL)
_AFTERWARDS: Final = re.compile(
    r"\.? *(?:no new claims to deallocate|still not schedulable|de(?:allocation|letion) of ResourceClaim completed"
    r"|plugin disabled|,? ?preemption:)|\. not found$"
)
_PREEMPTION: Final = (
    ("never", re.compile(r"preemptionPolicy=Never")),
    ("waiting", re.compile(r"terminating pod on the nominated node|waiting for the preemption")),
    ("not-helpful", re.compile(r"Preemption is not helpful")),
    ("no-victims", re.compile(r"No preemption victims found")),
)


class Refusal(NamedTuple):
    """Why a number of nodes cannot take a Pod. `nodes` is None for what concerns no node in particular.

    `code` is a known kind of refusal, or empty; `what` is what is short, the taint, or the claim.
    """

    nodes: int | None
    text: str
    code: str = ""
    what: str = ""


def parse_refusals(message: str) -> tuple[int, list[Refusal]]:
    """The scheduler's message taken apart: how many nodes there are, and why each lot of them cannot take the Pod.

    What it says about preemption is left out. (0, []) for a text that is no such message.

    >>> total, refusals = parse_refusals(
    ...     "0/3 nodes are available: 2 Insufficient cpu, 1 node(s) had untolerated taint {gpu: }. "
    ...     "no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful."
    ... )
    >>> total, [(r.nodes, r.code, r.what) for r in refusals]
    (3, [(2, 'insufficient', 'cpu'), (1, 'taint', 'gpu')])
    """
    found = _HEAD.match(message)
    if found is None:
        return 0, []
    said = _AFTERWARDS.split(found[2], maxsplit=1)[0].strip().removesuffix(".")
    return int(found[1][:9]), [_refusal(part) for part in re.split(r", (?=\d+ )", said) if part]


def preemption_of(message: str) -> tuple[str, ...]:
    """What the scheduler said about making room: `never`, `waiting`, `not-helpful`, `no-victims`; empty for nothing.

    >>> preemption_of("0/1 nodes are available: 1 Too many pods. preemption: not eligible (preemptionPolicy=Never).")
    ('never',)
    """
    _, _, said = message.partition("preemption: ")
    return tuple(code for code, pattern in _PREEMPTION if pattern.search(said))


def _refusal(part: str) -> Refusal:
    counted = re.match(r"(\d{1,9}) (.*)", part, re.DOTALL)
    count, words = (int(counted[1]), counted[2]) if counted else (None, part)
    for code, pattern in REFUSALS:
        found = pattern.search(words)
        if found:
            return Refusal(count, words, code, (found.groupdict().get("what") or "").strip())
    return Refusal(count, words)
