"""A command line as kubectl reads it (cobra and pflag): which words are flags, and kubectl's words for wrong ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final, NamedTuple

from k8sviz.kubectl.failed import Failed

__all__ = ["Call", "read"]

# name[,letter]: of a flag without a value; with = one that takes a value; with =x one whose value may be left out
_EVERYWHERE: Final = (
    "namespace,n= context= kubeconfig= as= as-group= as-uid= cluster= user= server,s= token= request-timeout= v,v= "
    "cache-dir= certificate-authority= client-certificate= client-key= insecure-skip-tls-verify password= username= "
    "disable-compression log-flush-frequency= match-server-version profile= profile-output= tls-server-name= "
    "vmodule= warnings-as-errors help,h kuberc="
)


class _Flag(NamedTuple):
    name: str
    valued: bool
    default: str = ""


@dataclass
class Call:
    """One command line: the words that are no flags, the flags, and what stands behind `--`."""

    command: str
    words: list[str] = field(default_factory=list)
    flags: Mapping[str, list[str]] = field(default_factory=dict)
    after: list[str] = field(default_factory=list)
    dashed: bool = False

    def flag(self, name: str, default: str = "") -> str:
        """A flag's (last) value."""
        found = self.flags.get(name)
        return found[-1] if found else default

    def values(self, name: str) -> list[str]:
        """All values of a flag that may be given several times."""
        return list(self.flags.get(name, ()))

    def listed(self, name: str) -> list[str]:
        """All values of a flag that also takes several by commas."""
        return [part for value in self.flags.get(name, ()) for part in value.split(",")]

    def has(self, name: str) -> bool:
        """Whether a flag was given."""
        return name in self.flags

    def on(self, name: str, default: bool = False) -> bool:
        """Whether a flag without a value is set."""
        return self.flag(name, str(default).lower()) in ("true", "1", "t", "T", "TRUE", "True")


@cache
def _known(own: str) -> dict[str, _Flag]:
    found: dict[str, _Flag] = {}
    for word in f"{_EVERYWHERE} {own}".split():
        names, equal, default = word.partition("=")
        name, _, letter = names.partition(",")
        flag = _Flag(name, bool(equal) and not default, default or ("" if equal else "true"))
        found[f"--{name}"] = flag
        if letter:
            found[f"-{letter}"] = flag
    return found


def read(command: str, words: Sequence[str], own: str) -> Call:
    """Read what follows a command's name; `own` names its flags. Raises Failed for one that it has not.

    >>> own = "output,o= selector,l= no-headers"
    >>> call = read("get", ["pods", "-ndemo", "-o", "wide", "--no-headers", "-l=a=b"], own)
    >>> call.words, call.flag("namespace"), call.flag("output"), call.on("no-headers"), call.flag("selector")
    (['pods'], 'demo', 'wide', True, 'a=b')
    """
    known = _known(own)
    flags: dict[str, list[str]] = {}
    call = Call(command, flags=flags)
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word == "--":
            call.after, call.dashed = queue, True
            break
        if word.startswith("--"):
            _long(word, queue, known, flags, command)
        elif word.startswith("-") and len(word) > 1:
            _short(word, queue, known, flags, command)
        else:
            call.words.append(word)
    return call


def _fail(said: str, command: str) -> Failed:
    return Failed(f"{said}\nSee 'kubectl {command} --help' for usage.")


def _long(word: str, queue: list[str], known: Mapping[str, _Flag], flags: dict[str, list[str]], command: str) -> None:
    name, equal, value = word.partition("=")
    flag = known.get(name)
    if flag is None:
        raise _fail(f"unknown flag: {name}", command)
    if not equal:
        if flag.valued:
            if not queue:
                raise _fail(f"flag needs an argument: {name}", command)
            value = queue.pop(0)
        else:
            value = flag.default
    flags.setdefault(flag.name, []).append(value)


def _short(word: str, queue: list[str], known: Mapping[str, _Flag], flags: dict[str, list[str]], command: str) -> None:
    for i, letter in enumerate(word[1:], 1):
        flag = known.get(f"-{letter}")
        if flag is None:
            raise _fail(f"unknown shorthand flag: {letter!r} in {word}", command)
        rest = word[i + 1 :]
        if rest.startswith("="):
            flags.setdefault(flag.name, []).append(rest[1:])
            return
        if not flag.valued:
            flags.setdefault(flag.name, []).append(flag.default)
            continue
        if not rest and not queue:
            raise _fail(f"flag needs an argument: {letter!r} in {word}", command)
        flags.setdefault(flag.name, []).append(rest or queue.pop(0))
        return
