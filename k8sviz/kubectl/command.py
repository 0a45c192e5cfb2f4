"""A kubectl command line: which command, its flags, and what it answers."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Final

from k8sviz.cluster.refused import Refused
from k8sviz.errors import K8svizError
from k8sviz.kubectl.apply import APPLY_FLAGS, REPLACE_FLAGS, apply, replace
from k8sviz.kubectl.change import (
    EXPOSE_FLAGS,
    LABEL_FLAGS,
    PATCH_FLAGS,
    SCALE_FLAGS,
    annotate,
    expose,
    label,
    patch,
    scale,
)
from k8sviz.kubectl.create import create, run
from k8sviz.kubectl.delete import DELETE_FLAGS, delete
from k8sviz.kubectl.describe import DESCRIBE_FLAGS, describe
from k8sviz.kubectl.explain import EXPLAIN_FLAGS, explain
from k8sviz.kubectl.failed import Failed, explained
from k8sviz.kubectl.flags import Call, read
from k8sviz.kubectl.get import EVENTS_FLAGS, GET_FLAGS, events, get
from k8sviz.kubectl.info import (
    API_FLAGS,
    VERSION_FLAGS,
    api_resources,
    api_versions,
    auth,
    cluster_info,
    config,
    version,
)
from k8sviz.kubectl.inside import EXEC_FLAGS, LOGS_FLAGS, execute, logs
from k8sviz.kubectl.nodes import CORDON_FLAGS, DRAIN_FLAGS, TAINT_FLAGS, cordon, drain, taint
from k8sviz.kubectl.rollout import rollout
from k8sviz.kubectl.session import Files, Session
from k8sviz.kubectl.setting import set_fields
from k8sviz.kubectl.target import Target
from k8sviz.kubectl.wait import WAIT_FLAGS, wait
from k8sviz.shell import Answer
from k8sviz.words import say

__all__ = ["COMMANDS", "Kubectl"]

_COMMANDS: Final[dict[str, tuple[str, Callable[[Session, Call], None]]]] = {
    "annotate": (LABEL_FLAGS, annotate),
    "api-resources": (API_FLAGS, api_resources),
    "api-versions": ("", api_versions),
    "apply": (APPLY_FLAGS, apply),
    "cluster-info": ("", cluster_info),
    "cordon": (CORDON_FLAGS, cordon),
    "delete": (DELETE_FLAGS, delete),
    "describe": (DESCRIBE_FLAGS, describe),
    "drain": (DRAIN_FLAGS, drain),
    "events": (EVENTS_FLAGS, events),
    "exec": (EXEC_FLAGS, execute),
    "explain": (EXPLAIN_FLAGS, explain),
    "expose": (EXPOSE_FLAGS, expose),
    "get": (GET_FLAGS, get),
    "label": (LABEL_FLAGS, label),
    "logs": (LOGS_FLAGS, logs),
    "patch": (PATCH_FLAGS, patch),
    "replace": (REPLACE_FLAGS, replace),
    "scale": (SCALE_FLAGS, scale),
    "taint": (TAINT_FLAGS, taint),
    "uncordon": (CORDON_FLAGS, lambda session, call: cordon(session, call, off=True)),
    "version": (VERSION_FLAGS, version),
    "wait": (WAIT_FLAGS, wait),
}
_WITH_COMMANDS: Final[dict[str, Callable[[Session, list[str]], None]]] = {
    "auth": auth,
    "config": config,
    "create": create,
    "rollout": rollout,
    "run": run,
    "set": set_fields,
}
# kubectl has them, the built-in one has not
_NOT_HERE: Final = frozenset(
    [
        "alpha",
        "attach",
        "autoscale",
        "certificate",
        "completion",
        "cp",
        "debug",
        "diff",
        "edit",
        "kustomize",
        "kuberc",
        "options",
        "plugin",
        "port-forward",
        "proxy",
        "top",
    ]
)
COMMANDS: Final = tuple(sorted([*_COMMANDS, *_WITH_COMMANDS]))
_GLOBAL: Final = ("-n", "--namespace", "--context", "--as", "--kubeconfig", "--cluster", "--user", "-s", "--server")


class Kubectl:
    """kubectl for one target; `files` is its folder, `namespace` where it works when a line does not say.

    >>> from k8sviz.history import History
    >>> from k8sviz.kubectl.target import Moment
    >>> pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "demo"}, "spec": {}}
    >>> kubectl = Kubectl(Moment(History.of([pod]).at(0)), namespace="demo")
    >>> kubectl.run(["get", "pods", "-o", "name"])
    Answer(code=0, out='pod/p\\n', err='')
    >>> kubectl.run(["delete", "pod", "p"]).code
    1
    """

    def __init__(
        self, target: Target, *, namespace: str = "default", files: Files | None = None, user: str = ""
    ) -> None:
        self.target = target
        self.namespace = namespace
        self.files: Files = {} if files is None else files
        self.user = user

    def run(self, argv: Sequence[str], stdin: str = "") -> Answer:
        """Run one line's words (without `kubectl`)."""
        session = Session(self.target, self.files, self.namespace, self.user, stdin)
        try:
            self._dispatch(session, _reordered(list(argv)))
        except Failed as failed:
            said = failed.said
            known = said.startswith(("error: ", "Error from server", "The ", "You must"))
            session.fail(said if known else f"error: {said}", failed.code)
        except Refused as refused:
            session.fail(explained(refused))
        except K8svizError as error:
            session.fail(f"error: {error}")
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
            session.fail("error: " + say("kubectl.unreadable", what=type(error).__name__))
        self.namespace = session.new_home or self.namespace
        return Answer(session.code, "".join(session.out), "".join(session.err))

    def _dispatch(self, session: Session, words: list[str]) -> None:
        if not words or words[0] in ("help", "--help", "-h"):
            session.show(say("kubectl.help", commands=", ".join(COMMANDS)))
            return
        name, rest = words[0], words[1:]
        if "--help" in rest[: rest.index("--")] if "--" in rest else "--help" in rest or "-h" in rest[-1:]:
            session.show(say("kubectl.help-of", command=name))
            return
        own = _WITH_COMMANDS.get(name)
        if own is not None:
            own(session, rest)
            return
        found = _COMMANDS.get(name)
        if found is None:
            raise Failed(_unknown(name))
        call = read(name, rest, found[0])
        found[1](session, call)


def _reordered(words: list[str]) -> list[str]:
    """Global flags may come before the command: put them behind it."""
    before: list[str] = []
    while words and words[0].startswith("-") and words[0] not in ("--help", "-h"):
        word = words.pop(0)
        before.append(word)
        if word in _GLOBAL and words:
            before.append(words.pop(0))
    return words[:1] + before + words[1:]


def _unknown(name: str) -> str:
    if name in _NOT_HERE:
        return say("kubectl.not-here", command=name, commands=", ".join(COMMANDS))
    near = difflib.get_close_matches(name, COMMANDS, n=3, cutoff=0.6)
    hint = "\n\nDid you mean this?\n" + "".join(f"\t{one}\n" for one in near) if near else ""
    return f'unknown command "{name}" for "kubectl"{hint}'.rstrip("\n")
