"""Why no volume fits a claim: each volume with what keeps the claim from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from k8sviz.errors import nearest
from k8sviz.history import Object
from k8sviz.rules.binding import access_modes, claim_class, rejections, requested_storage, volume_class, volume_storage
from k8sviz.rules.fields import text
from k8sviz.rules.reasons import Reason
from k8sviz.why.case import Case, called, fields, join, note
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.storage.reading import asked, claim_text, class_of, class_words, is_default_class, newest, volumes_of
from k8sviz.words import say

__all__ = [
    "MOST_VOLUMES",
    "class_missing",
    "common_reason",
    "counted",
    "default_class_near",
    "largest",
    "near_is_released",
    "near_misses",
    "near_words",
    "no_match",
    "reasons_words",
    "why_not_each",
]

JSON = Mapping[str, Any]
Refused = Sequence[tuple[Object, Sequence[Reason]]]


MOST_VOLUMES = 12  # volumes listed one by one as evidence
# what a volume lacks, from what can never be mended by waiting to what can
_WEIGHT = (
    "class",
    "volume-mode",
    "access-mode",
    "selector",
    "volume-attributes-class",
    "too-small",
    "asks-for-another",
    "terminating",
    "released",
    "claimed-by-another",
)
# a claim for which every volume fails in the same one way has that as its cause
_COMMON = {
    "too-small": "storage.too-small",
    "access-mode": "storage.access-mode",
    "volume-mode": "storage.volume-mode",
    "class": "storage.class-differs",
    "selector": "storage.selector",
    "claimed-by-another": "storage.all-taken",
}


def _weight(reason: Reason) -> int:
    return _WEIGHT.index(reason.code) if reason.code in _WEIGHT else len(_WEIGHT)


def reasons_words(reasons: Iterable[Reason]) -> str:
    """Reasons in words, the weightiest first."""
    ordered = sorted(reasons, key=_weight)
    return " ".join(say(f"rules.binding.{reason.code}", **reason.facts) for reason in ordered)


def why_not_each(refused: Refused) -> list[Evidence]:
    """Each volume with why it is not the one, the nearest first; the rest counted."""
    near = sorted(refused, key=lambda pair: (len(pair[1]), min(map(_weight, pair[1]), default=0)))
    found = [note(volume, reasons_words(reasons)) for volume, reasons in near[:MOST_VOLUMES]]
    if len(near) > MOST_VOLUMES:
        found.append(Evidence("pv", say("why.volume.others", count=len(near) - MOST_VOLUMES)))
    return found


def common_reason(refused: Refused) -> str:
    """The one code that all volumes share; empty when they fail in different ways, or in several alike."""
    shared = set.intersection(*({reason.code for reason in reasons} for _, reasons in refused)) if refused else set()
    return shared.pop() if len(shared) == 1 else ""


def counted(refused: Refused) -> str:
    """How many volumes fail for what: each is counted once, by the weightiest of its reasons."""
    counts = Counter(min(reasons, key=_weight).code for _, reasons in refused if reasons)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(say(f"why.count.{code}", count=count) for code, count in ordered)


def near_is_released(case: Case) -> Explanation | None:
    """A volume would fit, but still belongs to a claim that is gone."""
    refused = [(volume, rejections(case.obj, volume)) for volume in volumes_of(case)]
    released = [volume for volume, reasons in refused if [reason.code for reason in reasons] == ["released"]]
    if not released:
        return None
    volume = released[0]
    proof = [
        *fields(volume, ("status", "phase"), ("spec", "claimRef", "name"), ("spec", "claimRef", "uid")),
        case.fact("metadata", "uid"),
        newest(case, "FailedBinding", "ProvisioningFailed"),
    ]
    old = claim_text(volume)
    return case.tell(
        "storage.volume-released",
        "Pending",
        "error",
        evidence=proof,
        volume=called(volume),
        name=text(volume, "metadata", "name"),
        old=old,
    )


def class_missing(case: Case) -> Explanation | None:
    """The class that the claim names is not there."""
    name = claim_class(case.obj)
    if not name or class_of(case) is not None:
        return None
    of_class = [volume for volume in volumes_of(case) if volume_class(volume) == name]
    proof = [case.fact("spec", "storageClassName"), newest(case, "ProvisioningFailed")]
    if not of_class:
        hint = nearest(name, case.names("StorageClass"))
        return case.tell("storage.class-missing", "Pending", "error", evidence=proof, klass=name, hint=hint)
    refused = [(volume, rejections(case.obj, volume)) for volume in of_class]
    return case.tell(
        "storage.class-used-up",
        "Pending",
        "error",
        evidence=[*proof, *why_not_each(refused)],
        klass=name,
        count=len(of_class),
        counted=counted(refused),
    )


# -- near misses ----------------------------------------------------------------------------------------------

# what keeps a volume back whatever the claim asks for
_NOT_ITS_FIELDS = frozenset({"claimed-by-another", "released", "asks-for-another", "terminating"})


def near_misses(case: Case) -> list[tuple[Object, Reason]]:
    """The volumes that the claim could have but for one field, with what speaks against each."""
    refused = ((volume, rejections(case.obj, volume)) for volume in volumes_of(case))
    return [
        (volume, reasons[0])
        for volume, reasons in refused
        if len(reasons) == 1 and reasons[0].code not in _NOT_ITS_FIELDS
    ]


def near_words(case: Case) -> tuple[str, list[Evidence]]:
    """A sentence on the volumes that would fit but for one field, and the evidence; empty when there are none."""
    near = near_misses(case)
    if not near:
        return "", []
    volumes = join(called(volume) for volume, _ in near)
    words = say("why.volume.near", volumes=volumes, reason=reasons_words([near[0][1]]))
    return words, [note(volume, reasons_words([reason])) for volume, reason in near[:MOST_VOLUMES]]


def default_class_near(case: Case) -> Explanation | None:
    """The claim is of the default class, and a volume without a class would fit it otherwise."""
    storage_class = class_of(case)
    near = [volume for volume, reason in near_misses(case) if reason.code == "class" and not volume_class(volume)]
    if not near or not is_default_class(storage_class):
        return None
    name = text(storage_class, "metadata", "name")
    proof = [
        *asked(case),
        *(note(volume, say("why.volume.class-none")) for volume in near[:MOST_VOLUMES]),
        newest(case, "ProvisioningFailed", "FailedBinding", "ExternalProvisioning"),
    ]
    told: dict[str, Any] = {"klass": name, "volumes": join(map(called, near))}
    return case.tell("storage.default-class-near", "Pending", "error", evidence=proof, **told)


def no_match(case: Case) -> Explanation | None:
    """No volume fits the claim."""
    if text(case.obj, "status", "phase") not in ("Pending", ""):
        return None
    refused = [(volume, rejections(case.obj, volume)) for volume in volumes_of(case)]
    event = newest(case, "FailedBinding", "ProvisioningFailed")
    klass = class_words(claim_class(case.obj))
    by_default = default_class_near(case)
    if by_default is not None:
        return by_default
    if not refused:
        return case.tell("storage.no-volumes", "Pending", "error", evidence=[*asked(case), event], klass=klass)
    proof = [*asked(case), event, *why_not_each(refused)]
    common = common_reason(refused)
    told: dict[str, Any] = {
        "count": len(refused),
        "klass": klass,
        "size": str(requested_storage(case.obj)),
        "modes": join(access_modes(case.obj)),
        "mode": text(case.obj, "spec", "volumeMode") or "Filesystem",
        "counted": counted(refused),
        "near": near_words(case)[0],
        **largest(refused),
    }
    return case.tell(_COMMON.get(common, "storage.no-matching-volume"), "Pending", "error", evidence=proof, **told)


def largest(refused: Refused) -> dict[str, Any]:
    """The largest of them, as facts."""
    volume = max((volume for volume, _ in refused), key=volume_storage)
    return {"largest": called(volume), "largest_size": str(volume_storage(volume))}
