"""Which activity is a run, by the words that devices, apps and people use for it."""

# Parts of words in the languages that watches and apps write most (English, German, French, Spanish, Italian, Portuguese, Dutch, Polish).
_RUN_WORDS = (
    "run",
    "jog",
    "lauf",
    "course à pied",
    "course a pied",
    "carrera",
    "correr",
    "corsa",
    "corrida",
    "hardlopen",
    "bieg",
    "treadmill",
)
_OTHER_WORDS = (
    "bik", "cycl", "rid", "walk", "hik", "swim", "row", "ski", "skat", "elliptic", "yoga", "strength", "weight", "workout", "gym",
    "drive", "driving", "sail", "paddl", "kayak", "surf", "golf", "climb", "wander", "spazier", "radfahr", "schwimm", "rad ", "vélo", "velo",
    "marche", "randonn", "natation", "cicl", "camina", "natac", "caminhada", "camminata", "nuoto", "fiets", "wandel", "zwem", "rower", "other",
    "transition", "multisport", "multi_sport",
)  # fmt: skip
_STRAVA_NUMBERS = {"1": "ride", "4": "hike", "9": "run", "10": "walk", "16": "swim"}


def is_run(word: str | None) -> bool | None:
    """
    Tell whether an activity's word means running.

    Parameters
    ----------
    word : str or None
        As the file has it: "Running", "trail_running", "9" (Strava), "Biking".

    Returns
    -------
    bool or None
        None if the word says nothing, or is not known.

    >>> is_run("Trail_Running"), is_run("9"), is_run("Biking"), is_run("10"), is_run(""), is_run("Sunday")
    (True, True, False, False, None, None)
    """
    text = (word or "").strip().casefold()
    if text.isdigit():
        return _STRAVA_NUMBERS.get(text) == "run"
    if any(part in text for part in _RUN_WORDS):
        return True
    return False if any(part in text for part in _OTHER_WORDS) else None


def named(word: str | None) -> str:
    """
    Name an activity for a sentence.

    >>> named("open_water"), named("10"), named(None)
    ('open water', 'walk', 'an unnamed sport')
    """
    text = (word or "").strip()
    return _STRAVA_NUMBERS.get(text, text.replace("_", " ").casefold()[:40]) or "an unnamed sport"


def not_a_run(words: list[str | None]) -> str:
    """
    Say why a file without a run was left alone.

    >>> not_a_run(["cycling", "cycling"])
    'This is not a run: the file says cycling. Nothing was taken from it.'
    """
    sports = ", ".join(dict.fromkeys(named(word) for word in words))
    return f"This is not a run: the file says {sports}. Nothing was taken from it."
