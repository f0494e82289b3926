"""
What each source told of a run, and which source gives which field of the run that counts.

`PREFERENCES` is the whole order, as data: for each group of fields which copy speaks for it, and why. The choice depends on what the
copies say alone, never on which one came first, so that any order of files gives the same run.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

from models import DistanceRule, Surface

# Of a run row: what a source tells. The rest of the row follows from these, or is about the row itself.
TOLD_FIELDS = (
    "started_at_utc",
    "utc_offset_s",
    "run_date",
    "surface",
    "distance_m",
    "distance_rule",
    "moving_time_s",
    "elapsed_time_s",
    "cadence_spm",
    "running_cadence_spm",
    "device_cadence_spm",
    "cadence_rule",
    "running_time_s",
    "running_speed_m_s",
    "grade_abs_mean",
    "ground_contact_time_ms",
    "vertical_oscillation_mm",
    "session_rpe",
    "has_gps",
    "device",
)
BY_HAND = "by hand"
# The device's own total before what its records add up to, before the way between positions, before a list's number.
DISTANCE_ORDER = (
    DistanceRule.DEVICE_TOTAL,
    DistanceRule.RECORDS,
    DistanceRule.GPS,
    DistanceRule.AS_GIVEN,
    DistanceRule.ENTERED_BY_HAND,
)
# What the watch wrote itself before what a program made of it.
SOURCE_ORDER = ("fit", "tcx", "gpx")


@dataclass(eq=False)
class Copy:
    """
    One run as one file, or a person, told it.

    Attributes
    ----------
    id : int
        Negative until it is stored.
    run_id : int
        The run that it is a part of; negative until that is stored.
    home_run_id : int or None
        The run that was made for it. Each stored run is the home of one copy.
    file_id : int or None
        None if a person entered it.
    fields : dict
        `TOLD_FIELDS`.
    source : str
        The importer's name, or `BY_HAND`.
    start_is_known : bool
        False for a list that gives a day alone; noon stands for the start then.
    held_back : str
        Why it should not count before a person accepts it; empty if it may.
    """

    id: int
    run_id: int
    home_run_id: int | None
    file_id: int | None
    fields: dict[str, Any]
    minutes: bytes | None
    recorded_at_utc: datetime
    recorded_by_id: int | None
    source: str = BY_HAND
    start_is_known: bool = True
    held_back: str = ""
    number: int = 0
    identity: str = ""

    @cached_property
    def told(self) -> str:
        """Write what was told as text, in one way only."""
        return told_text(self.fields, source=self.source, start_is_known=self.start_is_known, held_back=self.held_back)

    @cached_property
    def start_s(self) -> float:
        """Give the start in seconds, for comparing."""
        seconds: float = self.fields["started_at_utc"].timestamp()
        return seconds


def run_identity(started_at_utc: datetime, distance_m: int, moving_time_s: int) -> str:
    """
    Name a run by what it is: start second, distance, moving time, each with its length before it.

    Returns
    -------
    str
        SHA-256 in hexadecimal digits.
    """
    parts = (started_at_utc.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), str(distance_m), str(moving_time_s))
    return hashlib.sha256("".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()


_TOLD = json.JSONEncoder(sort_keys=True, ensure_ascii=False)


def told_text(fields: dict[str, Any], *, source: str, start_is_known: bool, held_back: str) -> str:
    """Write what a source told of a run as JSON."""
    values = {name: fields[name] for name in TOLD_FIELDS if fields.get(name) is not None}
    values["started_at_utc"] = values["started_at_utc"].astimezone(UTC).isoformat()
    values["run_date"] = values["run_date"].isoformat()
    more = {"source": source, "start_is_known": start_is_known, **({"held_back": held_back} if held_back else {})}
    return _TOLD.encode({**values, **more})


def told_fields(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read the fields of a run, and what else is known of its source, from `told_text`."""
    values = json.loads(text)
    fields = {name: values.get(name) for name in TOLD_FIELDS}
    fields["started_at_utc"] = datetime.fromisoformat(values["started_at_utc"])
    fields["run_date"] = date.fromisoformat(values["run_date"])
    more = {"source": values["source"], "start_is_known": values["start_is_known"], "held_back": values.get("held_back", "")}
    return fields, more


# --------------------------------------------------------------------------------------------------------------------
# Which copy speaks for what
# --------------------------------------------------------------------------------------------------------------------


def recording_first(copy: Copy) -> tuple[Any, ...]:
    """Order copies by how well they know the run: the smallest knows it best, and no two different ones are equal."""
    return (
        copy.minutes is None,
        DISTANCE_ORDER.index(copy.fields["distance_rule"]),
        not copy.start_is_known,
        SOURCE_ORDER.index(copy.source) if copy.source in SOURCE_ORDER else len(SOURCE_ORDER),
        copy.source == BY_HAND,
        copy.told,
        copy.minutes or b"",
    )


def _says(name: str) -> Callable[[Copy], bool]:
    return lambda copy: copy.fields[name] is not None


@dataclass(frozen=True)
class Preference:
    """
    Who speaks for some fields of a merged run: of the copies that `says`, the first by `first`, else by `recording_first`.

    Attributes
    ----------
    words : str
        The fields as people see them.
    reason : str
        Why in this order.
    """

    words: str
    fields: tuple[str, ...]
    says: Callable[[Copy], bool]
    reason: str
    first: Callable[[Copy], bool] = field(default=lambda _copy: True)


PREFERENCES = (
    Preference(
        "start, distance and time",
        ("started_at_utc", "utc_offset_s", "run_date", "distance_m", "distance_rule", "moving_time_s", "elapsed_time_s"),
        says=lambda _copy: True,
        reason="A recording knows more than a list, and a device's own total more than GPS. All from one source: a pace is distance by time of one clock.",
    ),
    Preference(
        "cadence",
        ("cadence_spm", "running_cadence_spm", "cadence_rule", "running_time_s", "running_speed_m_s", "grade_abs_mean"),
        says=lambda copy: copy.fields["cadence_spm"] is not None or copy.fields["running_cadence_spm"] is not None,
        first=lambda copy: copy.minutes is not None and copy.fields["running_cadence_spm"] is not None,
        reason="Cadence with its minutes leaves walking out; an average cannot. Running time, speed and slope are of the same minutes.",
    ),
    Preference(
        "the device's own cadence",
        ("device_cadence_spm",),
        says=_says("device_cadence_spm"),
        reason="Only who states one can give it.",
    ),
    Preference(
        "ground contact",
        ("ground_contact_time_ms",),
        says=_says("ground_contact_time_ms"),
        reason="The watch's own before nothing.",
    ),
    Preference(
        "vertical oscillation",
        ("vertical_oscillation_mm",),
        says=_says("vertical_oscillation_mm"),
        reason="The watch's own before nothing.",
    ),
    Preference("effort", ("session_rpe",), says=_says("session_rpe"), reason="A table's effort where the recording has none."),
    Preference(
        "surface",
        ("surface",),
        says=lambda copy: copy.fields["surface"] != Surface.UNKNOWN,
        reason="A named surface before an unknown one.",
    ),
    Preference("GPS", ("has_gps",), says=lambda copy: bool(copy.fields["has_gps"]), reason="It was outdoors if one of them saw it."),
    Preference("device", ("device",), says=lambda copy: bool(copy.fields["device"]), reason="A name before none."),
)


@dataclass(eq=False)
class Composed:
    """The run that some copies make together."""

    copies: Sequence[Copy]
    fields: dict[str, Any]
    minutes: bytes | None
    lead: Copy
    _given_by: dict[str, Copy] | None = None

    @property
    def given_by(self) -> dict[str, Copy]:
        """Say for each preference's words which copy speaks."""
        if self._given_by is None:
            self._given_by = _given_by(self.copies)
        return self._given_by


def _given_by(ordered: Sequence[Copy]) -> dict[str, Copy]:
    given_by = {}
    for preference in PREFERENCES:
        saying = [copy for copy in ordered if preference.says(copy)]
        if saying:
            given_by[preference.words] = next((copy for copy in saying if preference.first(copy)), saying[0])
    return given_by


def composed(copies: Sequence[Copy]) -> Composed:
    """
    Make one run of the copies of one run, field by field from whoever knows it best.

    A single copy gives itself. The order of the copies does not matter.
    """
    if len(copies) == 1:
        return Composed(copies, copies[0].fields, copies[0].minutes, copies[0])
    ordered = sorted(copies, key=recording_first)
    given_by = _given_by(ordered)
    fields: dict[str, Any] = {}
    for preference in PREFERENCES:
        giver = given_by.get(preference.words, ordered[0])
        fields |= {name: giver.fields[name] for name in preference.fields}
    cadence = given_by.get("cadence")
    if cadence is None and "the device's own cadence" in given_by:  # the rule is of who gives one at all
        fields["cadence_rule"] = given_by["the device's own cadence"].fields["cadence_rule"]
    with_minutes = [copy for copy in ([cadence] if cadence else []) + ordered if copy.minutes is not None]
    return Composed(copies, fields, with_minutes[0].minutes if with_minutes else None, ordered[0], given_by)
