"""What an importer is, and what it gives (contract placeholder: the importers room owns this file)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from models import CadenceRule, DistanceRule, ImportOutcome, PainMoment, RestMoment, Side, Surface


@dataclass(frozen=True)
class MinuteSeries:
    speed_m_s: np.ndarray
    cadence_spm: np.ndarray
    ground_contact_time_ms: np.ndarray
    grade: np.ndarray


@dataclass(frozen=True)
class ReadRun:
    started_at_utc: datetime
    utc_offset_s: int | None
    surface: Surface
    distance_m: float
    distance_rule: DistanceRule
    moving_time_s: float
    elapsed_time_s: float
    cadence_spm: float | None
    running_cadence_spm: float | None
    device_cadence_spm: float | None
    cadence_rule: CadenceRule
    running_time_s: float | None
    running_speed_m_s: float | None
    grade_abs_mean: float | None
    ground_contact_time_ms: float | None
    vertical_oscillation_mm: float | None
    has_gps: bool
    device: str
    session_rpe: int | None
    minutes: MinuteSeries | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReadScore:
    for_date: date
    moment: PainMoment
    side: Side | None
    nprs: int
    line: int


@dataclass(frozen=True)
class ReadRest:
    for_date: date
    moment: RestMoment
    side: Side | None
    answer: bool
    line: int


@dataclass(frozen=True)
class RefusedLine:
    line: int
    reason: str


@dataclass(frozen=True)
class ReadFile:
    runs: tuple[ReadRun, ...] = ()
    scores: tuple[ReadScore, ...] = ()
    rest_answers: tuple[ReadRest, ...] = ()
    days_without_run: tuple[date, ...] = ()
    refused_lines: tuple[RefusedLine, ...] = ()
    partial: bool = False
    notes: tuple[str, ...] = ()


class FileRefused(Exception):
    def __init__(self, outcome: ImportOutcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome, self.reason = outcome, reason


@dataclass(frozen=True)
class Importer:
    name: str
    label: str
    suffixes: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    read: Callable[[bytes], ReadFile]


def unpacked(content: bytes) -> bytes:
    return content


def read_bytes(content: bytes, file_name: str) -> tuple[Importer, ReadFile]:
    raise FileRefused(ImportOutcome.UNREADABLE, "not yet")
