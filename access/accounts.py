"""Who is there. In the demo clinic people sign in by choosing a name."""

from data import queries
from data.database import DatabaseUnusable, engine
from models import Role, Viewer

ROLE_WORDS = {Role.OWNER: "owner", Role.THERAPIST: "therapist", Role.FRONT_DESK: "front desk"}


def demo_people() -> list[Viewer]:
    """
    List the people of the demo clinic to choose from, therapists first.

    Raises
    ------
    DatabaseUnusable
        If this is a real clinic: nobody signs in there by choosing a name.
    """
    if not queries.clinic(engine()).is_demo:
        raise DatabaseUnusable(
            "This is a real clinic, and this version has no sign-in for one yet. Its data can be used from the command line: python -m data --help"
        )
    return sorted(queries.people(engine()), key=lambda person: (Role.THERAPIST not in person.roles, person.name))


def viewer(person_id: int) -> Viewer | None:
    """
    Read who a signed-in person is now; None if they may not be here any more.

    Read anew for each rerun, so that a role that was taken away is gone at the next action. A real clinic has no sign-in by name.
    """
    if not queries.clinic(engine()).is_demo:
        return None
    return next(iter(queries.people(engine(), person_id=person_id)), None)


def role_words(person: Viewer) -> str:
    """Name a person's roles."""
    return ", ".join(word for role, word in ROLE_WORDS.items() if role in person.roles)
