"""The app as it is served, but with the logs as its libraries would write them: shows that the search for canaries can find something."""

from access import logs

logs.install = lambda: None

from dashboard import app  # noqa: E402

__all__ = ["app"]
