"""Facts and meaning joined for who asks. The names here are what pages may see of the data layer: its rows and its refusals."""

from data.database import DatabaseUnusable
from data.permissions import NotFound
from data.queries import EpisodeRow, PatientRow
from data.records import AlreadyThere

__all__ = ["AlreadyThere", "DatabaseUnusable", "EpisodeRow", "NotFound", "PatientRow"]
