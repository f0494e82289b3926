"""Facts and meaning joined for who asks. The names here are what pages may see of the data layer: its rows and its refusals."""

from sqlalchemy.exc import DBAPIError

from data.database import DatabaseUnusable
from data.permissions import NotFound
from data.queries import EpisodeRow, PatientRow
from data.records import AlreadyThere

# What a database may answer instead of facts: a page says so in words.
COULD_NOT_BE_READ = (DBAPIError, DatabaseUnusable)

__all__ = ["COULD_NOT_BE_READ", "AlreadyThere", "DatabaseUnusable", "EpisodeRow", "NotFound", "PatientRow"]
