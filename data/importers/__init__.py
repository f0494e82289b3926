"""Importers: one file a source. A new one is a new file and a line in `IMPORTERS`."""

from data.importers.apple_health import APPLE_HEALTH
from data.importers.base import Importer
from data.importers.fit import FIT
from data.importers.gpx import GPX
from data.importers.pain_csv import PAIN_CSV
from data.importers.runs_csv import RUNS_CSV
from data.importers.tcx import TCX

IMPORTERS: tuple[Importer, ...] = (FIT, TCX, GPX, APPLE_HEALTH, RUNS_CSV, PAIN_CSV)

__all__ = ["IMPORTERS"]
