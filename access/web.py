"""What the served app does before its first visitor."""

import gc
import importlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

# Loaded once at start, so that the first visitor does not wait for them.
LOADED_AT_START = (
    "pandas",
    "plotly.graph_objects",
    "pyarrow",
    "scipy.stats",
    "streamlit.elements.plotly_chart",
    "streamlit.elements.arrow",
    "clinic.diary",
    "clinic.episodes",
    "clinic.charts",
    "clinic.imports",
    "clinic.register",
    "clinic.today",
)


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """
    Load what every page needs, then take it out of the collector's sight.

    Without the freeze each full collection walks all of pandas and plotly again.
    """
    logging.getLogger("uvicorn.access").disabled = True  # addresses stay out of logs, whoever starts the server
    for name in LOADED_AT_START:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    yield
