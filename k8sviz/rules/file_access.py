"""Who a container's process is, and whether it may read a file: uid, gid and mode as Linux compares them.

Rules: `securityContext` of Pod and container (pkg/securitycontext/util.go), the groups that containerd gives a process
(internal/cri/util, k8s.io/cri-api), and the kernel's check: owner, else group, else others; root passes it.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from k8sviz.rules.fields import flag, integer, mapping, strings
from k8sviz.words import say

__all__ = ["Identity", "Readable", "identity_of", "owner_text", "readable", "user_text"]

JSON = Mapping[str, Any]
Readable = Literal["yes", "no", "depends"]
_OVERRIDES = frozenset({"ALL", "DAC_OVERRIDE", "CAP_DAC_OVERRIDE"})


class Identity(NamedTuple):
    """A container's process. `uid` is None where the image says; then `non_root` says that it is not 0.

    `sure`: no group comes from the image besides. `powerless`: a root that may not pass by permissions.
    """

    uid: int | None
    groups: frozenset[int]
    sure: bool
    non_root: bool = False
    powerless: bool = False


def identity_of(pod: JSON, container: JSON) -> Identity:
    """Who a container runs as: its own securityContext before the Pod's; fsGroup and supplementalGroups are the Pod's.

    >>> identity_of({"spec": {"securityContext": {"runAsUser": 1000, "fsGroup": 2000}}}, {})
    Identity(uid=1000, groups=frozenset({2000}), sure=False, non_root=True, powerless=False)
    """
    whole, own = mapping(pod, "spec", "securityContext"), mapping(container, "securityContext")
    uid, gid = (integer(own, name) for name in ("runAsUser", "runAsGroup"))
    uid = integer(whole, "runAsUser") if uid is None else uid
    gid = integer(whole, "runAsGroup") if gid is None else gid
    groups = [gid, integer(whole, "fsGroup"), *_numbers(whole, "supplementalGroups")]
    non_root = flag(own, "runAsNonRoot")
    non_root = flag(whole, "runAsNonRoot") if non_root is None else non_root
    dropped = set(strings(own, "capabilities", "drop")) & _OVERRIDES
    kept = set(strings(own, "capabilities", "add")) & _OVERRIDES
    powerless = bool(dropped) and not kept and not flag(own, "privileged")
    known = frozenset(group for group in groups if group is not None)
    return Identity(uid, known, gid is not None, bool(non_root) or bool(uid), powerless)


def _numbers(value: JSON, field: str) -> list[int]:
    found = value.get(field)
    return [each for each in found if isinstance(each, int)] if isinstance(found, list) else []


def readable(who: Identity, uid: int, gid: int, mode: int) -> Readable:
    """Whether this process may read a file of this owner, group and mode; `depends` where the image decides.

    >>> secret = {"uid": 0, "gid": 0, "mode": 0o400}
    >>> readable(Identity(1000, frozenset(), sure=False), **secret)
    'no'
    >>> readable(Identity(0, frozenset(), sure=False), **secret), readable(Identity(None, frozenset(), False), **secret)
    ('yes', 'depends')
    >>> readable(Identity(1000, frozenset({2000}), sure=False), uid=0, gid=2000, mode=0o440)
    'yes'
    """
    user, group, others = bool(mode & 0o400), bool(mode & 0o040), bool(mode & 0o004)
    if who.uid == 0:
        return "yes" if user or not who.powerless else "no"
    if who.uid == uid:
        return "yes" if user else "no"
    if who.uid is None and user != others and not (who.non_root and uid == 0):
        # the image's user may be the owner, or root
        return "yes" if others or (group and gid in who.groups) else "depends"
    if gid in who.groups:
        return "yes" if group else "no"
    if not who.sure and group != others:
        return "depends"
    return "yes" if others else "no"


def owner_text(uid: int, gid: int) -> str:
    """Owner and group as `ls -l` prints them where only root has a name.

    >>> owner_text(0, 0), owner_text(1000, 2000)
    ('root:root', '1000:2000')
    """
    return ":".join("root" if number == 0 else str(number) for number in (uid, gid))


def user_text(who: Identity) -> str:
    """Whom a container runs as, in words.

    >>> user_text(Identity(1000, frozenset(), sure=False))
    'user 1000'
    """
    if who.uid is not None:
        return say("predict.user.number", uid=who.uid)
    return say("predict.user.some") if who.non_root else say("predict.user.image")
