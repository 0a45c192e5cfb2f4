"""Whether a state heals by itself: what a pipeline that waits for an object has to know.

A cause that somebody has to mend is one of a list, by its code; whatever is not on it may pass, and is waited for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from k8sviz.errors import K8svizError
from k8sviz.history import History
from k8sviz.kinds import Ref
from k8sviz.why.dispatch import why
from k8sviz.why.model import Explanation
from k8sviz.words import say

__all__ = ["NEEDS_SOMEBODY", "Verdict", "Watch", "judge", "wait_in"]

Verdict = Literal["well", "cannot-heal", "time-over", "waits"]

NEEDS_SOMEBODY = frozenset(
    {
        # claims and volumes
        "access-mode",
        "class-differs",
        "class-missing",
        "class-used-up",
        "claim-lost",
        "consumer-bypassed",
        "default-class-near",
        "grow-forbidden",
        "named-volume-missing",
        "named-volume-taken",
        "named-volume-unfit",
        "no-matching-volume",
        "no-volumes",
        "provisioner-silent",
        "provisioning-needs-node",
        "selected-node-gone",
        "selector",
        "too-small",
        "volume-mode",
        "volume-released",
        # Pods
        "claim-not-found",
        "csi-driver-missing",
        "evicted",
        "failed",
        "failed-by",
        "git-repo-off",
        "host-path-type",
        "local-path-missing",
        "mount-helper",
        "names-its-node",
        "node-out-of-reach",
        "volume-held",
        "volumes-apart",
        # configuration
        "config-map-missing",
        "folder-missing",
        "key-missing",
        "other-kind",
        "other-namespace",
        "runs-as-root",
        "secret-missing",
        # containers
        "exec-format",
        "folder-on-file",
        "image-name",
        "image-never",
        "limit-too-low",
        "mode-without-x",
        "mount-kind",
        "no-command",
        "no-user",
        "no-working-dir",
        "not-executable",
        "program-hidden",
        "program-missing",
        "pull-secret-missing",
        "pull-secret-type",
        "sub-path-no-key",
        # controllers, Services, budgets
        "account-missing",
        "limit-range",
        "name-taken",
        "never-allows",
        "no-room-for-surge",
        "old-pod-blocks",
        "paused",
        "paused-before",
        "pod-security",
        "port-in-some",
        "port-missing",
        "priority-missing",
        "quota-needs",
        "selector-misses",
        "subject-elsewhere",
        "volume-deadlock",
    }
)
"""The codes of causes that stay until somebody changes something."""

_PULLS_THAT_STAY = ("not-found", "either", "denied", "platform")
_PATIENCE = 5.0  # seconds for which a cause has to last before it counts: what is missing may just be on its way


def _needs_somebody(cause: Explanation) -> bool:
    if cause.code == "image-pull":
        return any(say(f"why.pull.{word}") in cause.summary for word in _PULLS_THAT_STAY)
    return cause.code in NEEDS_SOMEBODY


def judge(explanation: Explanation) -> Verdict:
    """`well`, `cannot-heal` where a cause in the chain needs somebody, else `waits`."""
    if not explanation.error and not explanation.waiting:
        return "well"
    return "cannot-heal" if any(map(_needs_somebody, explanation.chain)) else "waits"


@dataclass
class Watch:
    """Judges an object again and again, and believes in a cause that cannot heal once it has lasted."""

    what: Ref | str
    patience: float = _PATIENCE
    newest: Explanation | None = None
    _since: dict[tuple[str, ...], float] = field(default_factory=dict)

    def look(self, history: History, t: float, now: float) -> Verdict:
        """The verdict at `t` seconds of the History; `now` is a clock in seconds. An object that is not there waits."""
        try:
            self.newest = why(history, t, self.what)
        except K8svizError:
            self.newest = None
            return "waits"
        verdict = judge(self.newest)
        if verdict != "cannot-heal":
            self._since.clear()
            return verdict
        key = tuple(link.code for link in self.newest.chain)
        since = self._since.setdefault(key, now)
        return "cannot-heal" if now - since >= self.patience else "waits"


def wait_in(
    history: History, what: Ref | str, start: float, timeout: float, times: Iterable[float]
) -> tuple[Verdict, Watch]:
    """Waits within a History that is all there: from `start`, for `timeout` seconds at most."""
    watch = Watch(what)
    for t in [start, *(t for t in times if start < t <= start + timeout)]:
        verdict = watch.look(history, t, t)
        if verdict != "waits":
            return verdict, watch
    # nothing changes any more: a cause that was there at the last change has lasted
    stays = watch.newest is not None and judge(watch.newest) == "cannot-heal"
    return "cannot-heal" if stays else "time-over", watch
