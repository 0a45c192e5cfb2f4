"""The programs that containers find: those of busybox that scripts and `kubectl exec` use most, in a few lines each.

Each takes its shell, its arguments, its input, and where output and errors go, and returns its exit code; one that
takes time is a generator. What is not there is `not found`, as in an image that does not have it.
"""

from k8sviz.cluster.kubelet.programs import files, network, running, text, words
from k8sviz.cluster.kubelet.programs.registry import PROGRAMS

__all__ = ["PROGRAMS", "files", "network", "running", "text", "words"]
