"""
The colours and type of every chart and of the pages around them.

`.streamlit/config.toml` repeats these values for streamlit; a test holds the two together. The hues follow Okabe and Ito's
set for colour-blind readers, darkened or lightened until text on the ground has a contrast of at least 4.5 and marks of at least 3.
No meaning rests on colour alone: each series has a shape or a word as well. Pain is plum, never alarm red.
"""

from dataclasses import dataclass
from typing import Literal

Scheme = Literal["light", "dark"]

# Source Sans ships with streamlit and is served from there; the rest are fonts of the reader's own machine.
FONT_FAMILY = "'Source Sans', 'Source Sans Pro', 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True)
class Palette:
    """
    One scheme's colours, as `#rrggbb`.

    `ground` lies under everything, `raised` under boxes; `ink` is text, `quiet_ink` what explains it; `rule` draws thin lines.
    The zones are fills of the pain panel; `categorical` serves charts without meanings of their own (at least ten, else
    Plotly falls back to its own colours without saying so).
    """

    ground: str
    raised: str
    ink: str
    quiet_ink: str
    rule: str
    accent: str
    next_morning: str
    before: str
    during: str
    after: str
    night: str
    zone_comfortable: str
    zone_acceptable: str
    zone_ease_back: str
    distance: str
    plan: str
    cadence: str
    cadence_target: str
    mark: str
    mark_line: str
    unknown: str
    categorical: tuple[str, ...]


LIGHT = Palette(
    ground="#fdfcfa",
    raised="#f4f1eb",
    ink="#23272d",
    quiet_ink="#5e656f",
    rule="#e2ded6",
    accent="#1c6f72",
    next_morning="#7c3d73",
    before="#666e79",
    during="#a05f08",
    after="#2c6ba3",
    night="#505213",
    zone_comfortable="#f0f5f2",
    zone_acceptable="#f9f3e3",
    zone_ease_back="#f4e7de",
    distance="#5c8db8",
    plan="#8f5a06",
    cadence="#17735f",
    cadence_target="#d9ebe5",
    mark="#4a515b",
    mark_line="#b9b4aa",
    unknown="#d3cec3",
    categorical=("#2c6ba3", "#a05f08", "#17735f", "#7c3d73", "#66681c", "#4a515b", "#b0506f", "#4b7f9b", "#8a6d3b", "#5b5ea6"),
)
DARK = Palette(
    ground="#14181c",
    raised="#1f252b",
    ink="#ebe8e1",
    quiet_ink="#a5acb6",
    rule="#2e353c",
    accent="#6cc4c3",
    next_morning="#f0b9e4",
    before="#8a929d",
    during="#e3a84e",
    after="#5fa3e6",
    night="#dcdb93",
    zone_comfortable="#182421",
    zone_acceptable="#27241a",
    zone_ease_back="#30211c",
    distance="#55809f",
    plan="#e3b25f",
    cadence="#62c7ac",
    cadence_target="#1c3d36",
    mark="#bcc2ca",
    mark_line="#525a63",
    unknown="#3d454d",
    categorical=("#85b9e6", "#e3a84e", "#62c7ac", "#dba3cf", "#c3c26b", "#bcc2ca", "#e88fa9", "#7fc3d9", "#cdb07a", "#a5a8ec"),
)


def palette(scheme: Scheme) -> Palette:
    """
    Give the colours of a scheme.

    >>> palette("dark").ground
    '#14181c'
    """
    return DARK if scheme == "dark" else LIGHT
