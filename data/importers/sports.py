"""Which activity is a run, by the words that devices, apps and people use for it."""

from models import Surface

# Parts of words in the languages that watches and apps write most (English, German, French, Spanish, Italian, Portuguese, Dutch, Polish).
_RUN_WORDS = (
    "run",
    "jog",
    "footing",
    "lauf",
    "course à pied",
    "course a pied",
    "carrera",
    "correr",
    "corsa",
    "corrida",
    "hardloop",
    "hardlopen",
    "baanlopen",
    "bieg",
    "treadmill",
)
_MACHINES = ("loopband", "bieżni", "tapis", "cinta", "esteira", "passadeira")  # treadmills, on which people also walk
_EXACTLY_RUNS = frozenset({"trail", "course", "course virtuelle", "course sur piste", "course en salle", "carrera", "virtueel lopen"})
_TREADMILL_WORDS = (
    "treadmill",
    "indoor",
    "virtual",
    "laufband",
    "hallen",
    "tapis",
    "cinta",
    "interior",
    "interno",
    "esteira",
    "passadeira",
    "loopband",
    "bieżni",
    "hali",
    "wirtualn",
    "virtu",
    "en salle",
    "intérieur",
)
_TRACK_WORDS = ("track", "bahn", "pista", "piste", "stadion", "baan")
_TRAIL_WORDS = ("trail", "montaña", "montagna", "trilha", "gelände", "berg", "teren", "przełaj", "górsk", "nature")
# Words that hold a word for running and mean something else: skiing, skating, racing bicycles, races that are more than a run.
_NOT_RUNNING = (
    "langlauf", "eislauf", "schlittschuh", "rollschuh", "rollski", "ski", "skating", "nart", "narciar", "bici", "cicl", "cycl", "vélo",
    "velo", "bike", "radfahr", "swimrun", "walking", "treadmill walk", "gehen auf", "swim run", "orienteering ski", "wózk", "wheelchair", "rollstuhl", "multisport",
)  # fmt: skip
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
    if any(part in text for part in _NOT_RUNNING):
        return False
    if text in _EXACTLY_RUNS or any(part in text for part in _RUN_WORDS):
        return True
    if any(part in text for part in _OTHER_WORDS):
        return False
    return True if any(part in text for part in _MACHINES) else None


def surface_of(word: str | None) -> Surface:
    """
    Tell the ground by the word for a run, in the eight languages of the lists.

    >>> surface_of("Laufbandtraining"), surface_of("Corsa su pista"), surface_of("Trail running"), surface_of("Bieganie")
    (<Surface.TREADMILL: 'treadmill'>, <Surface.TRACK: 'track'>, <Surface.TRAIL: 'trail'>, <Surface.UNKNOWN: 'unknown'>)
    """
    text = (word or "").strip().casefold()
    for surface, words in ((Surface.TREADMILL, _TREADMILL_WORDS), (Surface.TRACK, _TRACK_WORDS), (Surface.TRAIL, _TRAIL_WORDS)):
        if any(part in text for part in words):
            return surface
    return Surface.UNKNOWN


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
