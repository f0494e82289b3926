"""Importers: one file a source. A new one is a new file and a line in `IMPORTERS`."""

from data.importers.apple_health import APPLE_HEALTH
from data.importers.base import Importer
from data.importers.fit import FIT
from data.importers.garmin_csv import GARMIN_CSV
from data.importers.goldencheetah_json import GOLDENCHEETAH_JSON
from data.importers.gpx import GPX
from data.importers.pain_csv import PAIN_CSV
from data.importers.polar_json import POLAR_JSON
from data.importers.runkeeper_csv import RUNKEEPER_CSV
from data.importers.runs_csv import RUNS_CSV
from data.importers.strava_csv import STRAVA_CSV
from data.importers.tcx import TCX
from data.importers.xlsx import XLSX

IMPORTERS: tuple[Importer, ...] = (
    FIT,
    TCX,
    GPX,
    APPLE_HEALTH,
    POLAR_JSON,
    GOLDENCHEETAH_JSON,
    GARMIN_CSV,
    STRAVA_CSV,
    RUNKEEPER_CSV,
    RUNS_CSV,
    PAIN_CSV,
    XLSX,
)

__all__ = ["IMPORTERS"]
