"""What the served app does before its first visitor."""

import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """
    Take all that is loaded by now out of the garbage collector's sight.

    Without it each full collection walks all of pandas and plotly again.
    """
    logging.getLogger("uvicorn.access").disabled = True  # addresses stay out of logs, whoever starts the server
    gc.collect()
    gc.freeze()
    yield
