"""The patient page as served, against an empty page of the same server."""

import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

from access import sessions
from access.cookies import COOKIE
from benchmarks.clinics import ClinicFile, shown_episodes, therapist
from benchmarks.figures import PAIRS, Figure, Pairs, milliseconds
from benchmarks.serving import running
from benchmarks.session import PageBroken, Rerun, Session, opened_session
from clinic.charts import main_chart
from clinic.episodes import episode
from data.database import make_engine
from rehab.charts.base import SPAN_LABELS, Span

GOAL, FLOOR = 2.5, 1.0
FIRST_VIEWS = 15
WARM_UP = 5


@dataclass(frozen=True)
class Server:
    """A running server: its address, its process, and the cookie of somebody who signed in."""

    address: str
    process_id: int
    cookie: str

    def opened(self, page_name: str = "") -> AbstractContextManager[Session]:
        """Open a session of a page."""
        return opened_session(self.address, self.process_id, page_name, cookie=self.cookie)


@dataclass(frozen=True)
class PageFigures:
    """What the page costs: ratios with their goals, and lines that are only told."""

    figures: list[Figure]
    told: list[str]


@contextmanager
def serving(clinic: ClinicFile) -> Iterator[Server]:
    """Serve `served_pages.py` on a clinic, as `make run` serves the product, until the block ends."""
    with running(clinic.url, "benchmarks.served_pages:app") as (address, process_id):
        yield Server(address, process_id, _signed_in(clinic))


def _signed_in(clinic: ClinicFile) -> str:
    person_id = therapist().person_id
    assert person_id is not None
    engine = make_engine(clinic.url)
    token = sessions.start(engine, person_id)
    engine.dispose()
    return f"{COOKIE}={token}"


def page_figures(clinic: ClinicFile, *, pairs: int = PAIRS, first_views: int = FIRST_VIEWS) -> PageFigures:
    """
    Measure reruns of the patient page, in turns with an empty page of the same server, then first views of other patients.

    Raises
    ------
    PageBroken
        If the patient page shows an error, or no chart.
    """
    if not hasattr(time, "clock_gettime") or not sys.platform.startswith("linux"):
        return PageFigures([], ["  not measured: reading another process's CPU clock is done as Linux has it"])
    keys = shown_episodes(clinic)
    figures, told = [], []
    with serving(clinic) as server, server.opened() as nothing:
        for span in (Span.ALL, Span.EPISODE):
            query = urlencode({"episode": keys[0], "range": span.value})
            with (
                server.opened("patient") as page,
                server.opened("patient") as kept,
            ):
                opened = page.rerun(query)
                turns = [
                    Turn(_whole(page.rerun(query)), nothing.rerun("show=nothing"), _whole(kept.rerun(f"{query}&show=kept")))
                    for _ in range(WARM_UP + pairs)
                ][WARM_UP:]
            figures += _rerun_figures(span, turns)
            told.append(_sent_line(span, opened, turns[-1].page))
        figures.append(_first_view_figure(server, nothing, keys[1 : first_views + 1]))
    told.append(_cold_parts_line(clinic, keys[1 : first_views + 2]))
    return PageFigures(figures, told)


@dataclass(frozen=True)
class Turn:
    """The patient page, the empty page, and the patient page from kept values, one after the other."""

    page: Rerun
    nothing: Rerun
    kept: Rerun


def _whole(rerun: Rerun) -> Rerun:
    if rerun.charts != 1:
        raise PageBroken(f"The patient page shows {rerun.charts} charts.")
    return rerun


def _rerun_figures(span: Span, turns: Sequence[Turn]) -> list[Figure]:
    words = f"{SPAN_LABELS[span]} shown"
    cpu = Pairs.of([turn.page.cpu_s for turn in turns], [turn.nothing.cpu_s for turn in turns])
    kept = Pairs.of([turn.kept.cpu_s for turn in turns], [turn.nothing.cpu_s for turn in turns])
    wall = Pairs.of([turn.page.wall_s for turn in turns], [turn.nothing.wall_s for turn in turns])
    return [
        Figure(f"CPU: patient page / empty page, {words}", cpu.ratio, GOAL, FLOOR, _beside(cpu)),
        Figure("CPU:   of it Streamlit's own: same elements, nothing read / empty page", kept.ratio, None, FLOOR, _beside(kept)),
        Figure(f"wall: patient page / empty page, {words}", wall.ratio, None, FLOOR, _beside(wall)),
    ]


def _beside(pairs: Pairs) -> str:
    return f"{milliseconds(pairs.subject_s)} / {milliseconds(pairs.floor_s)}"


def _sent_line(span: Span, opened: Rerun, again: Rerun) -> str:
    return (
        f"  sent, {SPAN_LABELS[span]} shown: {opened.sent_bytes / 1024:.1f} KiB in {opened.elements} elements when opened, "
        f"{again.sent_bytes / 1024:.1f} KiB a rerun (before compression)"
    )


def _first_view_figure(server: Server, nothing: Session, keys: Sequence[str]) -> Figure:
    """Take patients whom nobody has looked at since the server started: nothing of them is cached."""
    with server.opened("patient") as page:
        turns = [(_whole(page.rerun(f"episode={key}")), nothing.rerun("show=nothing")) for key in keys]
    cpu = Pairs.of([turn[0].cpu_s for turn in turns], [turn[1].cpu_s for turn in turns])
    wall_s = statistics.median(turn[0].wall_s for turn in turns)
    return Figure(
        f"CPU: FIRST view of a patient (nothing cached) / empty page, {len(turns)} patients",
        cpu.ratio,
        None,
        FLOOR,
        f"{_beside(cpu)}, wall {milliseconds(wall_s)}",
    )


def _cold_parts_line(clinic: ClinicFile, keys: Sequence[str]) -> str:
    """Say what of a first view is facts and summary, and what is the figure, measured in this process."""
    engine = make_engine(clinic.url)
    summaries, charts = [], []
    for key in keys:
        start = time.process_time()
        shown = episode(therapist(), key, database=engine)
        read = time.process_time()
        main_chart(shown, span=Span.EPISODE, scheme="light")
        summaries.append(read - start)
        charts.append(time.process_time() - read)
    engine.dispose()
    summary_s, chart_s = statistics.median(summaries[1:]), statistics.median(charts[1:])  # the first one imports
    return (
        f"  of a first view: {milliseconds(summary_s)} CPU to read all runs and scores and summarise them, {milliseconds(chart_s)} to draw "
        f"the figure ({len(summaries) - 1} patients, in this process)"
    )
