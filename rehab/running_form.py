"""
Steps, contact time and what arithmetic makes of them.

What is called force or stiffness here is arithmetic on times (a half sine wave that carries the body's weight), not a measurement. It is kept for study
and export; no page draws it and no advice rests on it. A longer contact gives a lower peak in this model, not a higher one.
"""

import math
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models import day_number
from rehab.cadence_change import device_to_compare
from rehab.days import day_numbers, floats
from rehab.rules import Limit, Rule, Source, Strength
from rehab.units import METRES_PER_MILE, signed_text

GRAVITY_M_S2 = 9.81
LEG_SHARE_OF_HEIGHT = 0.53
CONTACT_MIN_RUNS_A_SIDE = 3

RULE = Rule(
    name="ground_contact_time",
    title="Ground contact time",
    says="Contact time of one device is compared with itself, before and after a day. It is context: no limit, no colour, no advice.",
    strength=Strength.LABORATORY,
    limits=(Limit("runs of one device on either side", CONTACT_MIN_RUNS_A_SIDE, "runs", "≥ 3; fewer: not compared"),),
    sources=(
        Source(
            "Malisoux L et al. (2022), Am J Sports Med, PMID 35049407",
            "848 recreational runners: a shorter contact went with more injuries; a small effect in a crude analysis.",
            Strength.COHORT,
        ),
        Source(
            "Bonnaerens S et al. (2019), Med Sci Sports Exerc 10.1249/MSS.0000000000001846",
            "Running with a longer contact share lowered loading measures by up to 20 to 35 % at 2.1 m/s.",
            Strength.LABORATORY,
        ),
        Source(
            "Drobnič M et al. (2023), Sensors 10.3390/s23167155",
            "For running in place a pod was off by 81 ms: devices must not be compared with each other.",
            Strength.LABORATORY,
        ),
    ),
    criticism="“Longer contact, more force” is not supported: at one speed a longer contact gives a lower peak.",
    may_say="Time on the ground usually gets a bit shorter too; it is a sign the change happened, not the goal.",
    may_not_say="That longer contact is more force, or that contact time should be shortened.",
)


@dataclass(frozen=True)
class ContactTimeChange:
    """Change of ground contact time of one device since a day, in ms; None without enough runs."""

    change_ms: float | None
    runs_before: int
    runs_after: int
    sentence: str


def step_length_m(speed_m_s: float, cadence_spm: float) -> float:
    """
    Length of one step.

    Examples
    --------
    >>> round(step_length_m(2.7, 168), 5)
    0.96429
    """
    return 60 * speed_m_s / cadence_spm


def steps_per_mile(speed_m_s: float, cadence_spm: float) -> float:
    """
    Steps of both feet in a mile.

    Examples
    --------
    >>> round(steps_per_mile(2.7, 160), 2)
    1589.48
    """
    return METRES_PER_MILE / step_length_m(speed_m_s, cadence_spm)


def flight_time_s(cadence_spm: float, contact_time_s: float) -> float | None:
    """
    Time in the air in each step; None where both feet would be down at once, as in walking: nothing below holds then.

    Examples
    --------
    >>> round(flight_time_s(60 / 0.36, 0.25), 3), flight_time_s(160, 0.40)
    (0.11, None)
    """
    flight = 60 / cadence_spm - contact_time_s
    return flight if flight >= 0 else None


def duty_factor(cadence_spm: float, contact_time_s: float) -> float | None:
    """
    Share of a stride (two steps) that one foot is down: contact time ÷ two step times. (Some authors divide by one step time.)

    Examples
    --------
    >>> round(duty_factor(60 / 0.36, 0.25), 5)
    0.34722
    """
    if flight_time_s(cadence_spm, contact_time_s) is None:
        return None
    return contact_time_s / (2 * 60 / cadence_spm)


def impulse_per_step_n_s(mass_kg: float, cadence_spm: float) -> float:
    """
    Vertical impulse of a step: weight × step time. By the mile it is the same at any cadence.

    Examples
    --------
    >>> round(impulse_per_step_n_s(60, 168), 2)
    210.21
    """
    return mass_kg * GRAVITY_M_S2 * 60 / cadence_spm


def sine_wave_peak_n(mass_kg: float, cadence_spm: float, contact_time_s: float) -> float | None:
    """
    Peak vertical force if it were one half sine wave: π · m · g / (4 · duty factor). Arithmetic, not a measurement; level ground only.

    Examples
    --------
    >>> round(sine_wave_peak_n(60, 60 / 0.36, 0.25), 2)
    1331.38

    References
    ----------
    Morin JB et al. (2005), J Appl Biomech 21:167. Not valid on slopes: Meyer F et al. (2023), 10.1055/a-2044-4805.
    """
    share = duty_factor(cadence_spm, contact_time_s)
    return None if share is None else math.pi * mass_kg * GRAVITY_M_S2 / (4 * share)


def sine_wave_stiffness_n_m(
    mass_kg: float, cadence_spm: float, contact_time_s: float, *, speed_m_s: float, height_m: float
) -> tuple[float, float] | None:
    """
    Vertical and leg stiffness of the same half sine wave, in N/m; None where it does not hold.

    Examples
    --------
    >>> [round(value / 1000, 3) for value in sine_wave_stiffness_n_m(60, 60 / 0.36, 0.25, speed_m_s=2.8, height_m=1.70)]
    [20.843, 9.889]

    References
    ----------
    Morin JB et al. (2005), J Appl Biomech 21:167.
    """
    peak = sine_wave_peak_n(mass_kg, cadence_spm, contact_time_s)
    leg = LEG_SHARE_OF_HEIGHT * height_m
    half_path = speed_m_s * contact_time_s / 2
    if peak is None or half_path >= leg:
        return None
    fall = peak * contact_time_s**2 / (mass_kg * math.pi**2) - GRAVITY_M_S2 * contact_time_s**2 / 8
    shortening = leg - math.sqrt(leg**2 - half_path**2) + fall
    return peak / fall, peak / shortening


def contact_time_change(runs: pd.DataFrame, *, since: date) -> ContactTimeChange:
    """
    Compare ground contact time before and after a day, within the device that has the most runs on its thinner side.

    Parameters
    ----------
    runs : DataFrame
        RUN_COLUMNS, in any order.
    since : date
        First day of "after".

    Returns
    -------
    ContactTimeChange
        Medians, after less before. None with fewer than 3 runs on either side.
    """
    contact = floats(runs["ground_contact_time_ms"])
    device = runs["device"].to_numpy(dtype=object)
    after = day_numbers(runs["run_date"]) >= day_number(since)
    measured = ~np.isnan(contact)
    used = measured & (device == device_to_compare(device[measured], after[measured]))
    before_ms, after_ms = contact[used & ~after], contact[used & after]
    if min(before_ms.size, after_ms.size) < CONTACT_MIN_RUNS_A_SIDE:
        sentence = f"Contact time cannot be compared: it takes {CONTACT_MIN_RUNS_A_SIDE} runs of one device before and after."
        return ContactTimeChange(None, before_ms.size, after_ms.size, sentence)
    change = float(np.median(after_ms)) - float(np.median(before_ms))
    sentence = (
        f"Time on the ground with the same device: {signed_text(change, 0)} ms ({before_ms.size} runs before, {after_ms.size} after). "
        "It is a sign that the step changed, not the goal."
    )
    return ContactTimeChange(change, before_ms.size, after_ms.size, sentence)
