"""Visit mode: what a patient sees in it, by button and by key, and that leaving it takes two steps."""

from streamlit.testing.v1 import AppTest

from clinic.shown import Shown, shown
from data import queries
from data.database import engine
from data.permissions import COMMAND_LINE
from models import AuditAction, Viewer
from rehab.handout_words import BEING_CHECKED
from rehab.screen import OPEN
from tests.test_pages import _episode_of, _new_episode, _signed_in, _texts, _therapist
from tests.test_pages_audit import _rows


def _shown_of(person: Viewer, *, checked: bool) -> Shown:
    """Give an active runner whose red-flag screen is clear, with a plan; or one of whom something is being checked."""
    rows = [row for row in queries.episodes(engine(), COMMAND_LINE) if row.status == "active" and row.therapist == person.name]
    found = (shown(COMMAND_LINE, row.key) for row in rows)
    return next(one for one in found if one.handout.summary.screen.withholds != checked and bool(one.story.weeks) == checked)


def _open(app: AppTest, person: Viewer, episode_key: str) -> AppTest:
    app.session_state["episode"] = episode_key
    _signed_in(app, person).run().switch_page("pages/show.py").run()
    assert not app.exception
    return app


def _written(app: AppTest) -> str:
    return "".join(element.proto.body for element in app.get("html"))


def test_three_screens_by_next_and_back_and_no_further(dashboard: AppTest) -> None:
    person = _therapist()
    made = _shown_of(person, checked=True)
    _open(dashboard, person, made.key)
    parts = (made.story.where, made.story.changed, made.story.ahead)
    assert dashboard.button(key="screen_back").disabled
    for number, part in enumerate(parts):
        assert [f"<h1>{one.title}</h1>" in _written(dashboard) for one in parts] == [place == number for place in range(3)]
        assert part.sentence in _written(dashboard)
        if number < 2:
            dashboard.button(key="screen_next").click().run()
    assert dashboard.button(key="screen_next").disabled
    assert all(f"<h2>{week.title}</h2>" in _written(dashboard) for week in made.story.weeks)
    dashboard.button(key="screen_back").click().run()
    assert made.story.changed.sentence in _written(dashboard)


def test_the_arrow_keys_do_what_the_buttons_do(dashboard: AppTest) -> None:
    person = _therapist()
    _open(dashboard, person, _shown_of(person, checked=True).key)
    shortcuts = [dashboard.button(key=key).proto.shortcut.lower() for key in ("screen_back", "screen_next")]
    assert shortcuts == ["left", "right"]


def test_no_other_name_stands_on_the_screens_and_the_frame_is_hidden(dashboard: AppTest) -> None:
    person = _therapist()
    made = _shown_of(person, checked=True)
    _open(dashboard, person, made.key)
    assert '[data-testid="stHeader"]' in _written(dashboard)
    assert ".st-key-who_is_there" in _written(dashboard)
    names = {row.name for row in queries.patients(engine(), COMMAND_LINE)} - {made.episode.row.patient_name}
    for _ in range(3):
        told = _texts(dashboard) + "".join(body for body in _written(dashboard).split("<style>") if "told" in body)
        assert [name for name in names if name in told] == []
        assert not dashboard.selectbox
        if not dashboard.button(key="screen_next").disabled:
            dashboard.button(key="screen_next").click().run()


def test_while_something_is_checked_the_next_weeks_are_not_in_the_page(dashboard: AppTest) -> None:
    person = _therapist()
    made = _shown_of(person, checked=False)
    _open(dashboard, person, made.key)
    for _ in range(2):
        dashboard.button(key="screen_next").click().run()
    assert BEING_CHECKED in _written(dashboard)
    assert "Week of" not in _written(dashboard)
    assert made.handout.planned == ()
    assert bool(made.story.zones) == (made.handout.summary.screen.standing != OPEN)


def test_leaving_takes_a_second_step(dashboard: AppTest) -> None:
    person = _therapist()
    made = _shown_of(person, checked=True)
    _open(dashboard, person, made.key)
    dashboard.button(key="leave").click().run()
    assert made.story.where.sentence in _written(dashboard)
    assert dashboard.button(key="leave_surely").label == "Close and open the patient page"


def test_the_hand_out_is_shown_before_it_is_taken_and_looking_prints_nothing(dashboard: AppTest) -> None:
    person = _therapist()
    made = _shown_of(person, checked=True)
    _open(dashboard, person, made.key)
    dashboard.button(key="handout").click().run()
    assert not dashboard.exception
    assert f'href="/handout/{made.key}/letter.pdf"' in _written(dashboard)
    assert _rows(AuditAction.PRINT) == []


def test_another_runner_begins_with_the_first_screen(dashboard: AppTest) -> None:
    person = _therapist()
    first, second = _shown_of(person, checked=True), _shown_of(person, checked=False)
    _open(dashboard, person, first.key)
    dashboard.button(key="screen_next").click().run()
    dashboard.query_params["episode"] = second.key
    dashboard.run()
    assert second.story.where.title in _written(dashboard)
    assert dashboard.button(key="screen_back").disabled


def test_a_runner_without_any_log_has_screens_that_say_so(dashboard: AppTest) -> None:
    person = _therapist()
    _open(dashboard, person, _new_episode(person))
    assert "We have no runs from you for this time yet." in _written(dashboard)
    assert "<img" not in _written(dashboard)


def test_opening_the_screens_is_written_down(dashboard: AppTest) -> None:
    person = _therapist()
    _open(dashboard, person, _episode_of(person).key)
    assert (person.name, "visit mode", True) in _rows(AuditAction.VIEW)
