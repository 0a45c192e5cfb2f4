"""`%kubectl` and `%%kubectl` in a notebook, on the fork or the lab that was used last.

%load_ext k8sviz
%kubectl get pods
%%kubectl apply -f -      (the cell's text is the standard input)
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from k8sviz.errors import K8svizError
from k8sviz.kubectl.command import COMMANDS
from k8sviz.kubectl.resources import named, resources
from k8sviz.words import say

if TYPE_CHECKING:
    from k8sviz.fork import Fork
    from k8sviz.views.terminal import Terminal

__all__ = ["completions", "kubectl", "load", "use"]

_USED: list[Fork] = []


def use(fork: Fork) -> Fork:
    """From now on the magics speak to this fork."""
    _USED[:] = [fork]
    return fork


def kubectl(line: str, cell: str | None = None) -> Terminal:
    """Run a line on the fork in use; a cell's text is what `-f -` reads. Raises K8svizError when there is none."""
    if not _USED:
        raise K8svizError(say("kubectl.no-fork"))
    if cell is not None:
        _USED[-1].folder["cell.yaml"] = cell
        line = line.replace("-f -", "-f cell.yaml") if "-f -" in line else f"{line} -f cell.yaml"
    return _USED[-1].kubectl(line)


def completions(text: str, fork: Fork | None = None) -> list[str]:
    """What may stand at the end of a line: commands, kinds, or the names of objects of the kind before.

    >>> completions("kubectl ro"), "deployments" in completions("kubectl get dep")
    (['rollout'], True)
    """
    words = text.removeprefix("%").removeprefix("%").split()
    words = words[1:] if words[:1] == ["kubectl"] else words
    last = words[-1] if words and not text.endswith(" ") else ""
    before = words[:-1] if last else words
    if not before:
        return [name for name in COMMANDS if name.startswith(last)]
    kind, slash, name = last.partition("/")
    found = named(kind if slash else before[-1])
    target = fork or (_USED[-1] if _USED else None)
    if found is not None and target is not None:
        names = [ref.name for ref in target.state.history.refs(found.kind) if target.state.find(ref) is not None]
        lead = f"{kind}/" if slash else ""
        return sorted({lead + one for one in names if one.startswith(name if slash else last)})
    kinds = sorted({one.plural for one in resources()})
    return [one for one in kinds if one.startswith(last)]


def load(shell: Any) -> None:
    """Register the magics and their completion with IPython."""
    shell.register_magic_function(kubectl, "line_cell", "kubectl")
    with contextlib.suppress(AttributeError):  # an IPython without a completer has nothing to complete
        shell.set_hook("complete_command", lambda _, event: completions(event.text_until_cursor), str_key="%kubectl")
