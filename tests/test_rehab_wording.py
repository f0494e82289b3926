"""Every sentence about a runner's own numbers: what it must never say, and that a runner can read it."""

import re

import pytest

from rehab import wording
from rehab.wording import TEMPLATES, Reader, Template

each_template = pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
FOR_PATIENTS = [template for template in TEMPLATES if template.reader is Reader.PATIENT]
each_patient_template = pytest.mark.parametrize("template", FOR_PATIENTS, ids=lambda template: template.name)

# Evidence 4.4, 9 and 2.2. "Because" is no claim of a cause.
FORBIDDEN = re.compile(
    r"\b(caus(?:e|es|ed|ing|al)|predict\w*|forecast\w*|safe\w*|threshold\w*|risk\w*|damag\w*|tears?|torn|wear|degenerat\w*|weak|injur\w*|danger\w*|fail\w*|"
    r"non-?complian\w*|bad hip|harm\w*|overtrain\w*|significan\w*|proves?|proven|will (?:hurt|flare|be fine)|too low|exceed\w*|stop)\b",
    re.IGNORECASE,
)
STATISTICS = re.compile(r"[%*τ±≤≥]|\bp\b|Kendall|Holm|interval|plausible|correlat", re.IGNORECASE)
GRADE_MAX, SENTENCE_WORDS_MAX = 6.0, 15


def said(template: Template) -> str:
    return template.filled(**template.example)


def sentences(text: str) -> list[list[str]]:
    return [re.findall(r"[A-Za-z]+|\d+", sentence) for sentence in re.split(r"(?<=[.!?])\s+", text) if sentence]


def syllables(word: str) -> int:
    """Count the groups of vowels, without a silent e at the end: what readability formulas do."""
    if not word.isalpha():
        return 2  # a number is read as a short word or two
    word = word.lower()
    groups = len(
        re.findall(
            r"[aeiouy]+", re.sub(r"(?<=[^aeiouyl])e$|(?<=[aeiouy]l)e$|(?<=[^aeiouytdl])e(?=[ds]$)|(?<=[aeiouy]l)e(?=[ds]$)", "", word)
        )
    )
    groups += len(re.findall(r"ua(?=l)|ia(?!l)|io(?!n)", word))
    return max(1, groups)


def grade(text: str) -> float:
    """Flesch-Kincaid: Kincaid JP et al. (1975), the grade of a US school."""
    words = [word for sentence in sentences(text) for word in sentence]
    return 0.39 * len(words) / len(sentences(text)) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("morning", 2),
        ("usually", 4),
        ("miles", 1),
        ("distance", 2),
        ("reason", 2),
        ("settled", 2),
        ("longer", 2),
        ("fine", 1),
        ("the", 1),
        ("able", 2),
    ],
)
def test_syllables_are_counted_as_they_are_spoken(word: str, count: int) -> None:
    assert syllables(word) == count


def test_a_hard_text_has_a_high_grade_and_an_easy_one_a_low_one() -> None:
    assert grade("The cat sat on the mat. It was a fat cat.") < 2
    assert grade("Observational associations notwithstanding, individual tolerance necessitates continuous re-evaluation.") > 15


def test_every_template_of_the_module_stands_in_the_tuple_under_a_name_of_its_own() -> None:
    defined = [value for value in vars(wording).values() if isinstance(value, Template)]
    assert len(defined) == len(TEMPLATES)
    assert all(template in TEMPLATES for template in defined)
    assert len({template.name for template in TEMPLATES}) == len(TEMPLATES)


@each_template
def test_no_sentence_says_a_forbidden_word(template: Template) -> None:
    assert FORBIDDEN.findall(said(template)) == []


@pytest.mark.parametrize(
    "text",
    ["Mileage causes pain.", "This predicts a flare.", "18 mi is a safe limit.", "A threshold of damage.", "Risk 64 %.", "A gluteal tear."],
)
def test_forbidden_words_are_found(text: str) -> None:
    assert FORBIDDEN.search(text)


@each_template
def test_the_example_fills_every_place_and_no_other(template: Template) -> None:
    assert set(re.findall(r"{(\w+)}", template.text)) == set(template.example)
    text = said(template)
    assert not re.search(r"[{}]|  |\.\.|\s[.,;]", text)
    assert len(re.findall(r"[A-Za-z]{2,}", text)) >= 4


def test_a_missing_place_is_our_error() -> None:
    with pytest.raises(KeyError):
        wording.PATIENT_WEEKS.filled()


@each_patient_template
def test_a_patient_reads_no_statistic(template: Template) -> None:
    assert STATISTICS.findall(said(template)) == []


@each_patient_template
def test_a_patient_reads_short_sentences_of_the_sixth_grade(template: Template) -> None:
    assert max(map(len, sentences(said(template)))) <= SENTENCE_WORDS_MAX
    assert grade(said(template)) <= GRADE_MAX


@each_patient_template
def test_a_patient_hears_what_was_seen_so_far_and_that_it_may_change(template: Template) -> None:
    assert re.search(r"^So far|^On your chart", said(template))
    assert re.search(r"keep checking|may not be the only reason", said(template))


@pytest.mark.parametrize(
    "template", [one for one in TEMPLATES if one.name in {"tolerance_weeks", "tolerance_runs", "association_more_after_longer"}]
)
def test_a_therapist_hears_that_distances_were_chosen_because_of_pain(template: Template) -> None:
    assert "Observational" in said(template)
    assert "chosen partly because of pain" in said(template)
