"""How kubectl says that something went wrong (k8s.io/kubectl/pkg/cmd/util: checkErr)."""

from __future__ import annotations

from k8sviz.cluster.refused import Refused

__all__ = ["Failed", "explained"]


class Failed(Exception):  # noqa: N818 - what kubectl says, not what went wrong in here
    """What kubectl says on its standard error before it ends with `code`."""

    def __init__(self, said: str, code: int = 1) -> None:
        super().__init__(said)
        self.said = said
        self.code = code


def explained(refused: Refused, doing: str = "") -> str:
    """A Status of the API server as kubectl words it; `doing` is what kubectl was at.

    >>> explained(Refused(404, "NotFound", 'pods "x" not found'))
    'Error from server (NotFound): pods "x" not found'
    """
    message = f"{doing}: {refused.message}" if doing else refused.message
    if refused.reason == "Invalid":
        return _invalid(refused, message)
    return f"Error from server ({refused.reason}): {message}" if refused.reason else f"Error from server: {message}"


def _invalid(refused: Refused, message: str) -> str:
    details = refused.details
    said = "The request is invalid"
    causes = details.get("causes") or []
    if details.get("kind") or details.get("name"):
        said = f'The {details.get("kind", "")} "{details.get("name", "")}" is invalid'
    elif not causes:
        return f"{said}: {message}"
    lines = list(
        dict.fromkeys(
            f"{one['field']}: {one['message']}" if one.get("field") else str(one.get("message", "")) for one in causes
        )
    )
    if not lines:
        return said
    if len(lines) == 1:
        return f"{said}: {lines[0]}"
    return f"{said}: \n" + "".join(f"* {line}\n" for line in lines).rstrip("\n")
