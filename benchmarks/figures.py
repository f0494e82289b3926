"""A figure and how it is taken: the subject and its floor in turns, the median of the ratios of the pairs."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

PAIRS = 15


@dataclass(frozen=True)
class Figure:
    """
    One ratio beside its goal.

    Attributes
    ----------
    name : str
        What is compared with what.
    ratio : float
        Subject over floor, measured in one run.
    goal : float or None
        At most this much; None for a figure that is only told.
    floor : float
        What cannot be beaten.
    beside : str
        The figures behind the ratio, with their units.
    """

    name: str
    ratio: float
    goal: float | None
    floor: float
    beside: str

    @property
    def line(self) -> str:
        """Give the figure as one line of the output."""
        if self.goal is None:
            verdict, goal = "", "-"
        else:
            verdict, goal = ("kept" if self.ratio <= self.goal else "MISSED"), f"<= {self.goal:.2f}"
        return f"  {self.name:<70} {self.ratio:>8.3f}  {goal:>8}  {self.floor:>5.2f}  {verdict:<6}  {self.beside}".rstrip()


HEADINGS = f"  {'':<70} {'ratio':>8}  {'goal':>8}  {'floor':>5}"


@dataclass(frozen=True)
class Pairs:
    """Medians in seconds, and the median of the ratios."""

    subject_s: float
    floor_s: float
    ratio: float

    @classmethod
    def of(cls, subject_s: Sequence[float], floor_s: Sequence[float]) -> "Pairs":
        """Take subject and floor as they were measured in turns."""
        ratios = [subject / floor for subject, floor in zip(subject_s, floor_s, strict=True)]
        return cls(statistics.median(subject_s), statistics.median(floor_s), statistics.median(ratios))


def cpu_pairs(subject: Callable[[], object], floor: Callable[[], object], *, pairs: int = PAIRS, times: int = 1) -> Pairs:
    """
    Measure the CPU time of two pieces of work in turns.

    Parameters
    ----------
    subject, floor : callable
        The work; each is done once before, unmeasured.
    pairs : int
        How many turns.
    times : int
        How often the work is done in a turn; the figures are for one time.
    """

    def spent(work: Callable[[], object]) -> float:
        before = time.process_time()
        for _ in range(times):
            work()
        return (time.process_time() - before) / times

    spent(subject), spent(floor)
    turns = [(spent(subject), spent(floor)) for _ in range(pairs)]
    return Pairs.of([turn[0] for turn in turns], [turn[1] for turn in turns])


def milliseconds(seconds: float) -> str:
    """
    Write a time.

    >>> milliseconds(0.0012345), milliseconds(0.123)
    ('1.23 ms', '123 ms')
    """
    return f"{seconds * 1e3:.3g} ms"
