"""The colours, in one place: Okabe and Ito's colour-blind safe hues, for light and for dark backgrounds.

Colour never stands alone: a level has a mark of its own shape and a word, a family has its kind's name.
"""

from typing import Final, NamedTuple

from k8sviz.stories import STORIES

__all__ = ["DARK", "LEVELS", "LIGHT", "PALETTE", "Theme", "family"]


class Theme(NamedTuple):
    """What a background asks of everything drawn on it. Six-digit colours: old Graphviz knows no others."""

    page: str
    card: str
    frame: str
    line: str
    text: str
    soft: str
    levels: dict[str, str]
    families: dict[str, str]


LEVELS: Final = ("", "ok", "wait", "bad", "ending", "off", "unknown")

# each on the theme's card: at least 4.5 to 1, since the state's word is written in it
PALETTE: Final[dict[str, str]] = {
    "": "#5b6470",
    "ok": "#00714f",
    "wait": "#8a5a00",
    "bad": "#b3261e",
    "ending": "#8b3a75",
    "off": "#5b6470",
    "unknown": "#5b6470",
}

_FAMILY_OF: Final = {kind: name for story in STORIES.values() for name, kinds in story.draws for kind in kinds.split()}

LIGHT: Final = Theme(
    page="#f7f8fa",
    card="#ffffff",
    frame="#c3cad3",
    line="#5b6470",
    text="#1b1f24",
    soft="#565e69",
    levels=PALETTE,
    families={
        "workload": "#0072b2",
        "volume": "#b35900",
        "storage": "#00806a",
        "config": "#9a4d85",
        "network": "#7a6a00",
        "access": "#6251a6",
        "node": "#5b6470",
        "other": "#5b6470",
    },
)
DARK: Final = Theme(
    page="#15181d",
    card="#21262d",
    frame="#4a525d",
    line="#a3acb8",
    text="#eef1f4",
    soft="#b4bcc7",
    levels={
        "": "#b4bcc7",
        "ok": "#3ecf9f",
        "wait": "#f0b541",
        "bad": "#ff8a7a",
        "ending": "#e39ccb",
        "off": "#b4bcc7",
        "unknown": "#b4bcc7",
    },
    families={
        "workload": "#56b4e9",
        "volume": "#f0964a",
        "storage": "#2fc4a4",
        "config": "#d79ac4",
        "network": "#d9c64a",
        "access": "#a99be8",
        "node": "#a3acb8",
        "other": "#a3acb8",
    },
)


def family(kind: str) -> str:
    """The family a kind belongs to, which gives its colour; 'other' for one we do not know."""
    return _FAMILY_OF.get(kind, "other")
