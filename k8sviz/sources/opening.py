"""What a person means by a source: a lab's name, a recording, manifests, or the cluster of a kubeconfig."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from k8sviz.errors import K8svizError, nearest
from k8sviz.history import History

if TYPE_CHECKING:
    from k8sviz.sources.follow import Follower

__all__ = ["follower", "live_source", "open_history"]


def open_history(source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> History:
    """The History that a name, a file, a folder, several of them, or "live" stands for.

    Raises K8svizError when it is none of these.
    """
    if isinstance(source, str | os.PathLike):
        return _open_one(source)
    from k8sviz.sources import manifests

    return manifests.read(list(source))


def _open_one(source: str | os.PathLike[str]) -> History:
    from k8sviz.sources import manifests, recording
    from k8sviz.sources.labs import example, example_names, lab_names, load_lab

    path = Path(source)
    if str(source) == "live":
        return live_source()
    if str(source) in lab_names():
        return recording.read(load_lab(str(source)).recording)
    if path.suffix == ".jsonl":
        return recording.read(path)
    if path.exists() or str(source) == "-":
        return manifests.read([source])
    if str(source) in example_names():
        return manifests.read([example(str(source))])
    known = (*lab_names(), *example_names())
    raise K8svizError(f"{source} is no lab, recording or manifest; {nearest(str(source), known)}")


def live_source(namespace: str | None = None, context: str | None = None) -> History:
    """What a cluster holds now, in one namespace (None: the context's own) and cluster-wide. Only reads.

    Raises K8svizError, one line that says what to do.
    """
    from k8sviz.sources._answers import Budget, patience
    from k8sviz.sources.follow import listing
    from k8sviz.sources.live import connect, require_namespace

    cluster = connect(context or os.environ.get("K8SVIZ_CONTEXT") or None)
    try:
        with cluster.within(Budget(patience())):
            found = listing(cluster, namespace or cluster.namespace, title=cluster.context)
            if not any(ref.namespace for ref in found.refs()):  # even an empty namespace has a ConfigMap of its own
                require_namespace(cluster, namespace or cluster.namespace)
        return found
    finally:
        cluster.close()


def follower(namespace: str | None = None, context: str | None = None, *, keep: float = 60.0) -> Follower:
    """Follows a namespace of a cluster (None: the context's own) until it is closed; `keep` seconds stay in memory.

    Raises K8svizError, one line that says what to do.
    """
    from k8sviz.sources.follow import Follower
    from k8sviz.sources.live import connect

    cluster = connect(context or os.environ.get("K8SVIZ_CONTEXT") or None)
    return Follower(cluster, namespace or cluster.namespace, keep=keep, title=cluster.context).start()
