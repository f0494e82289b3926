"""
Pain scores as questionnaires export them (Google Forms, Microsoft Forms, Jotform): one row a submission, questions as headers.

Which column asks for which moment comes from a mapping that a person confirmed. A blank stays blank and is never 0.
"""

from datetime import date, timedelta

from data.importers.base import FileRefused, ReadFile, RefusedLine
from data.importers.form_words import answer_in, moment_of, score_in, sides_of
from data.importers.local_forms import DateOrder, is_missing, local_moment
from data.importers.mapping import Mapping, ScoreColumn
from data.importers.pain_csv import Diary
from data.importers.settled import settled_order
from data.importers.table import Line, Table
from data.importers.written import LineRefused
from models import ImportOutcome, PainMoment, RestMoment, Side

_ONE_DAY = timedelta(days=1)


def read_pain(table: Table, mapping: Mapping) -> ReadFile:
    """
    Read the answers to a questionnaire.

    Parameters
    ----------
    table : Table
    mapping : Mapping
        Of pain scores, without open questions.

    Returns
    -------
    ReadFile
        Scores, answers, days without a run, and lines with a reason where something could not be read; the other values of such a
        line are kept.

    Raises
    ------
    FileRefused
        If no line gives anything, or the dates can be two days and nothing tells which.
    """
    lines = list(table.lines(mapping.columns))
    order = mapping.date_order or settled_order(line.text(mapping.date) for line in lines if isinstance(line, Line))
    diary, notes = Diary(), dict.fromkeys([""])
    for line in lines:
        if not isinstance(line, Line):
            diary.refused.append(RefusedLine(*line))
            continue
        try:
            _take(diary, line, mapping, order, notes)
        except LineRefused as refusal:
            diary.refused.append(RefusedLine(line.number, str(refusal)))
    if mapping.date_is_of_run:
        notes["The date was read as the day of the run: a score of the next morning stands on the day after."] = None
    ignored = [cell for cell, name in zip(table.written, table.columns, strict=True) if name and name not in mapping.columns]
    if ignored:
        notes[f"Columns that were not read: {', '.join(cell[:40] for cell in ignored)[:200]}."] = None
    return diary.read_file(*(note for note in notes if note))


def _take(diary: Diary, line: Line, mapping: Mapping, order: DateOrder | None, notes: dict[str, None]) -> None:
    if is_missing(line.text(mapping.date)):
        raise LineRefused("the date is missing.")
    day = local_moment(line.text(mapping.date), order)[0].date()
    did_run = answer_in(line.text(mapping.ran))
    if did_run is False or answer_in(line.text(mapping.did_not_run)):
        diary.days.append(day)
    sides = sides_of(line.text(mapping.side))
    if line.text(mapping.side) and not sides:
        raise LineRefused(f"“{line.text(mapping.side)[:30]}” is no side. Write left or right.")
    if len(sides) > 1:
        notes["An answer for both sides was kept for each of them."] = None
    asked = [*mapping.scores]
    if mapping.moment and mapping.score and line.text(mapping.moment):
        named = moment_of(line.text(mapping.moment))
        if named is None:
            raise LineRefused(f"“{line.text(mapping.moment)[:30]}” is no moment: before, during, after, next morning or night.")
        asked.append(ScoreColumn(mapping.score, named))
    for question in asked:
        for side in (question.side,) if question.side else sides or (None,):
            try:
                _keep(diary, line, question, side, _felt_on(day, question, mapping))
            except LineRefused as refusal:
                diary.refused.append(RefusedLine(line.number, str(refusal)))
                break


def _felt_on(day: date, question: ScoreColumn, mapping: Mapping) -> date:
    try:
        return day + _ONE_DAY if mapping.date_is_of_run and question.moment is PainMoment.NEXT_MORNING else day
    except OverflowError:
        raise FileRefused(ImportOutcome.UNREADABLE, "A date is out of any calendar.") from None


def _keep(diary: Diary, line: Line, question: ScoreColumn, side: Side | None, day: date) -> None:
    text = line.text(question.column)
    if isinstance(question.moment, RestMoment):
        answer = answer_in(text)
        if answer is not None:
            diary.keep_answer(line.number, day, question.moment, side, answer=answer)
    else:
        nprs = score_in(text)
        if nprs is not None:
            diary.keep_score(line.number, day, question.moment, side, nprs)
