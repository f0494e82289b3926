"""What a therapist can name as the diagnosis."""

from datetime import date

import pytest

from models import DiagnosisClass, EpisodeEntry, Side
from rehab.diagnoses import DIAGNOSES, Diagnosis


def named(label: str) -> Diagnosis:
    return next(diagnosis for diagnosis in DIAGNOSES if diagnosis.label == label)


def test_gluteal_tendinopathy_has_a_code_for_each_side() -> None:
    # evidence 7
    gluteal = named("Gluteal tendinopathy")
    assert [gluteal.icd10_code(side) for side in (Side.RIGHT, Side.LEFT, Side.UNSPECIFIED)] == ["M76.01", "M76.02", "M76.00"]


def test_a_known_side_never_gets_the_code_for_unspecified() -> None:
    ischial = named("Ischial or other hip bursitis")
    assert ischial.icd10_code(Side.LEFT) == "M70.72"
    assert ischial.icd10_code(Side.UNSPECIFIED) is None


@pytest.mark.parametrize("diagnosis", [diagnosis for diagnosis in DIAGNOSES if diagnosis.diagnosis_class is DiagnosisClass.BONE])
def test_codes_of_stress_fractures_are_left_to_the_therapist(diagnosis: Diagnosis) -> None:
    assert [diagnosis.icd10_code(side) for side in Side] == [None, None, None]


def test_every_class_can_be_chosen_and_no_label_twice() -> None:
    assert {diagnosis.diagnosis_class for diagnosis in DIAGNOSES} == set(DiagnosisClass)
    assert len({diagnosis.label for diagnosis in DIAGNOSES}) == len(DIAGNOSES)


@pytest.mark.parametrize("diagnosis", DIAGNOSES, ids=lambda diagnosis: diagnosis.label)
@pytest.mark.parametrize("side", Side)
def test_every_code_is_accepted_for_its_side(diagnosis: Diagnosis, side: Side) -> None:
    entry = EpisodeEntry.checked(
        today=date(2025, 3, 3),
        problem="sore hip",
        side=side,
        diagnosis_class=diagnosis.diagnosis_class,
        icd10_code=diagnosis.icd10_code(side),
        started_on=date(2025, 3, 3),
    )
    assert entry.icd10_code == diagnosis.icd10_code(side)
