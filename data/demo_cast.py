"""Who is in the demo clinic: people, places and patients, all made up. The first patients by name each show one kind of course."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np

from data.demo_history import Course
from data.demo_runs import Runner, Watch
from models import CadenceRule, DiagnosisClass, DistanceRule, DistanceUnit, Role, Side, SiteKind, Surface

SITES = (("Minneapolis", SiteKind.IN_PERSON), ("Edina", SiteKind.IN_PERSON), ("Virtual", SiteKind.VIRTUAL))
STAFF: tuple[tuple[str, Role, tuple[str, ...]], ...] = (
    ("Elena Marsh", Role.THERAPIST, ("Minneapolis",)),
    ("Jonas Weber", Role.THERAPIST, ("Minneapolis", "Virtual")),
    ("Linh Tran", Role.THERAPIST, ("Minneapolis", "Virtual")),
    ("Amina Farah", Role.THERAPIST, ("Edina",)),
    ("Caleb Thornton", Role.THERAPIST, ("Edina", "Virtual")),
    ("Ruth Halvorsen", Role.OWNER, ("Minneapolis", "Edina", "Virtual")),
    ("Sam Ortiz", Role.FRONT_DESK, ("Minneapolis", "Edina")),
)
THERAPISTS_AT = {place: [name for name, role, places in STAFF if role is Role.THERAPIST and place in places] for place, _ in SITES}


@dataclass(frozen=True)
class Diagnosis:
    """A diagnosis as rehab/diagnoses.py names it, with a code only where that has one."""

    label: str
    diagnosis_class: DiagnosisClass
    problem: str
    icd10_right: str | None = None
    icd10_left: str | None = None


GLUTEAL = Diagnosis("Gluteal tendinopathy", DiagnosisClass.TENDON, "Outer hip pain the morning after long runs", "M76.01", "M76.02")
BURSITIS = Diagnosis("Trochanteric bursitis", DiagnosisClass.BURSA, "Outer hip pain, sore to lie on", "M70.61", "M70.62")
LATERAL = Diagnosis("Lateral hip pain, not yet clear", DiagnosisClass.LATERAL_UNCLEAR, "Outer hip pain when running")
ITB = Diagnosis("Iliotibial band syndrome", DiagnosisClass.ITB, "Outer thigh and hip pain downhill", "M76.31", "M76.32")
ILIOPSOAS = Diagnosis("Iliopsoas tendinopathy", DiagnosisClass.ANTERIOR_TENDON, "Front of hip pain uphill", "M76.11", "M76.12")
HAMSTRING = Diagnosis("Proximal hamstring tendinopathy", DiagnosisClass.POSTERIOR, "Sit bone pain at faster pace", "M76.891", "M76.892")
LABRAL = Diagnosis("Labral lesion of the hip", DiagnosisClass.INTRA_ARTICULAR, "Groin pain after longer runs")
FEMUR = Diagnosis("Stress fracture of the femur", DiagnosisClass.BONE, "Groin pain with each step")

# What the patients without a part of their own have, and how often.
MOSTLY = (*[GLUTEAL] * 11, *[BURSITIS] * 4, *[LATERAL] * 3, ITB, ITB, HAMSTRING, ILIOPSOAS, LABRAL)

GARMIN = Watch("Garmin Forerunner 265", has_contact_time=True)
PLAIN_GARMIN = Watch("Garmin Forerunner 55")
COROS = Watch("COROS PACE 3")
POLAR = Watch("Polar Pacer", cadence_rule=CadenceRule.TCX_STRIDES_DOUBLED)
SUUNTO = Watch("Suunto Run", cadence_rule=CadenceRule.STEPS_AS_GIVEN)
OLD_WATCH = Watch("Garmin Forerunner 10", cadence_rule=CadenceRule.NONE)
BY_HAND = Watch("", DistanceRule.ENTERED_BY_HAND, CadenceRule.NONE, has_gps=False, has_minutes=False)
WATCHES = (GARMIN, GARMIN, GARMIN, PLAIN_GARMIN, PLAIN_GARMIN, COROS, POLAR, SUUNTO, BY_HAND)
WEEKDAYS = ((1, 3, 5, 6), (0, 2, 4, 6), (1, 3, 6), (0, 2, 3, 5), (1, 2, 4, 5, 6), (2, 4, 6))
GOALS = (
    "Run a 10 mile race without a sore next morning",
    "Back to three runs a week",
    "Half marathon with my sister",
    "Sleep on that side again",
    "Run with the club on Saturdays",
    "A trail weekend in autumn",
    "Keep running through winter",
)


@dataclass(frozen=True)
class Part:
    """One patient of the demo clinic and what happens to them."""

    given_name: str
    family_name: str
    course: Course
    diagnosis: Diagnosis = GLUTEAL
    side: Side = Side.LEFT
    place: str = "Minneapolis"
    therapist: str = "Elena Marsh"
    goal: str = GOALS[0]
    runner: Runner = field(default_factory=lambda: Runner(2.65, 141.0, GARMIN, (1, 3, 5, 6), 6.2))
    birth_date: date = date(1979, 5, 14)
    height_m: float = 1.70
    pain_zones: tuple[int, int] = (3, 5)


_STEADY = Runner(2.6, 142.0, GARMIN, (1, 3, 5, 6), 17.4)

# Ordered by family name, before all the others. The first is the one that pictures show.
WITH_A_STORY: tuple[Part, ...] = (
    Part(  # spike, flare, plan cut, cadence cue, recovery
        "Maya",
        "Abbott",
        Course(
            care_days=232,
            history_days=35,
            pain_from=4.3,
            pain_to=2.3,
            weekly=14,
            weekly_goal=26,
            spike_days=(129,),
            spike_points=3.6,
            misses_runs=0.015,
            misses_visits=0.0,
            cue_day=98,
            cue_relief=2.0,
            away_week_day=40,
            answers=0.93,
            visit_gaps_days=(7, 14, 14, 21, 21, 21, 14),
            next_visit_in_days=1,
        ),
        runner=Runner(2.68, 140.5, GARMIN, (1, 3, 5, 6), 6.0),
    ),
    Part(  # a red flag: pain at rest at night
        "Priya",
        "Acharya",
        Course(
            care_days=61,
            pain_from=3.6,
            pain_to=4.2,
            weekly=10,
            rising_days=20,
            night_rest_day=2,
            next_visit_in_days=5,
            visit_gaps_days=(7, 14, 21),
        ),
        LATERAL,
        Side.RIGHT,
        therapist="Jonas Weber",
        runner=replace(_STEADY, easy_speed_m_s=2.45),
    ),
    Part(  # a run far over the longest, and the flare after it, now
        "Tomás",
        "Aguilar",
        Course(
            care_days=104,
            pain_from=4.5,
            pain_to=2.0,
            weekly=15,
            spike_days=(4,),
            spike_points=4.6,
            spike_ratio=1.6,
            answers=0.95,
            next_visit_in_days=0,
        ),
        side=Side.RIGHT,
        therapist="Linh Tran",
        runner=Runner(2.9, 139.0, COROS, (0, 2, 4, 6), 6.4),
    ),
    Part(  # a run far over the longest, and no pain
        "Ingrid",
        "Ahlberg",
        Course(
            care_days=90, pain_from=3.4, pain_to=0.9, weekly=14, spike_days=(2,), spike_ratio=1.45, spike_points=0.3, next_visit_in_days=11
        ),
        place="Edina",
        therapist="Amina Farah",
        runner=Runner(2.75, 143.0, PLAIN_GARMIN, (1, 3, 6), 6.1),
        birth_date=date(1968, 11, 2),
    ),
    Part(  # recovery drift: pain falls while miles rise, and neither is the cause of the other
        "Samira",
        "Aldana",
        Course(care_days=168, pain_from=4.9, pain_to=1.6, weekly=10, weekly_goal=24, answers=0.9, next_visit_in_days=7),
        place="Edina",
        therapist="Caleb Thornton",
        runner=replace(_STEADY, zero_speed_cadence_spm=146.0),
    ),
    Part(  # treadmill only
        "Ben",
        "Alder",
        Course(care_days=120, pain_from=3.8, pain_to=1.8, weekly=11, cue_day=50, next_visit_in_days=4),
        BURSITIS,
        therapist="Elena Marsh",
        goal="Keep running through winter",
        runner=replace(_STEADY, surface=Surface.TREADMILL, start_hour=5.9, watch=replace(GARMIN, device="Garmin Forerunner 165")),
    ),
    Part(  # nothing logged yet
        "Dev",
        "Allred",
        Course(care_days=8, weekly=8, logs=False, visit_gaps_days=(14,), next_visit_in_days=6),
        side=Side.RIGHT,
        place="Edina",
        therapist="Amina Farah",
    ),
    Part(  # at UTC+13 all year, runs late on Sunday
        "Aroha",
        "Amituanai",
        Course(care_days=112, pain_from=4.0, pain_to=1.9, weekly=22, weekly_goal=40, visit_gaps_days=(14, 21), next_visit_in_days=12),
        side=Side.RIGHT,
        place="Virtual",
        therapist="Caleb Thornton",
        runner=Runner(2.7, 141.5, GARMIN, (2, 4, 6), 23.4, time_zone="Pacific/Apia", unit=DistanceUnit.KILOMETRE),
    ),
    Part(  # stopped logging three weeks ago
        "Grace",
        "Anselm",
        Course(care_days=97, pain_from=4.4, pain_to=2.6, weekly=12, silent_days=21, next_visit_in_days=None),
        BURSITIS,
        therapist="Jonas Weber",
    ),
    Part(  # no improvement over many months
        "Walter",
        "Appel",
        Course(
            care_days=470,
            pain_from=4.4,
            pain_to=4.2,
            weekly=13,
            weekly_goal=16,
            history_days=42,
            away_week_day=160,
            visit_gaps_days=(14, 21, 28),
            next_visit_in_days=20,
        ),
        therapist="Linh Tran",
        runner=Runner(2.5, 140.0, POLAR, (1, 3, 6), 17.2),
        birth_date=date(1961, 3, 30),
    ),
    Part(  # new: two weeks of data
        "Lucía",
        "Aranda",
        Course(
            care_days=14,
            pain_from=4.2,
            pain_to=3.6,
            weekly=9,
            history_days=0,
            visit_gaps_days=(7,),
            run_walk_days=10,
            answers=0.95,
            next_visit_in_days=1,
        ),
        LATERAL,
        side=Side.LEFT,
        place="Edina",
        therapist="Amina Farah",
        goal="Back to three runs a week",
    ),
    Part(  # runs without cadence
        "Harold",
        "Arneson",
        Course(care_days=133, pain_from=3.9, pain_to=2.2, weekly=12, answers=0.8, next_visit_in_days=9),
        BURSITIS,
        Side.RIGHT,
        therapist="Elena Marsh",
        runner=replace(_STEADY, watch=OLD_WATCH, run_weekdays=(0, 2, 5)),
        birth_date=date(1957, 8, 19),
    ),
    Part(  # an injection and new shoes: two changes that alter what the numbers mean
        "Keiko",
        "Asano",
        Course(care_days=150, pain_from=4.9, pain_to=2.9, weekly=11, injection_day=84, shoe_day=45, answers=0.88, next_visit_in_days=13),
        BURSITIS,
        place="Edina",
        therapist="Caleb Thornton",
        runner=Runner(2.55, 146.0, SUUNTO, (1, 3, 5, 6), 6.3),
        height_m=1.58,
    ),
    Part(  # pain rising for four weeks
        "Fiona",
        "Atwood",
        Course(
            care_days=110,
            pain_from=3.4,
            pain_to=1.6,
            weekly=14,
            rising_days=30,
            answers=0.95,
            visit_gaps_days=(14, 28),
            next_visit_in_days=3,
        ),
        therapist="Jonas Weber",
    ),
    Part(  # runs more than planned, and the hip does not mind
        "Marcus",
        "Avery",
        Course(care_days=76, pain_from=3.0, pain_to=1.0, weekly=15, plan_kept=1.25, answers=0.8, next_visit_in_days=6),
        ITB,
        Side.RIGHT,
        therapist="Linh Tran",
        runner=Runner(3.1, 138.0, COROS, (0, 2, 3, 5), 6.0),
    ),
    Part(  # logs half of the runs, on Sundays
        "Jonah",
        "Babcock",
        Course(care_days=125, pain_from=4.0, pain_to=2.5, weekly=12, answers=0.22, logs_runs=0.5, weekly_log=True, next_visit_in_days=8),
        place="Virtual",
        therapist="Jonas Weber",
        runner=replace(_STEADY, time_zone="America/Denver"),
    ),
    Part(  # bone: no running
        "Claire",
        "Bachmann",
        Course(
            care_days=38,
            pain_from=5.0,
            pain_to=2.0,
            history_days=0,
            may_run=False,
            visit_gaps_days=(14,),
            answers=0.8,
            next_visit_in_days=3,
        ),
        FEMUR,
        Side.RIGHT,
        therapist="Elena Marsh",
        goal="Walk without pain first",
        pain_zones=(0, 2),
    ),
    Part(  # a cadence cue that helped, and a new watch since
        "Olamide",
        "Balogun",
        Course(
            care_days=140,
            pain_from=4.8,
            pain_to=2.8,
            weekly=12,
            cue_day=70,
            cue_gain=0.06,
            cue_relief=1.8,
            device_day=28,
            next_visit_in_days=15,
        ),
        side=Side.RIGHT,
        place="Edina",
        therapist="Amina Farah",
        runner=Runner(2.7, 139.5, PLAIN_GARMIN, (1, 3, 5, 6), 6.2),
    ),
    Part(
        "Maria-Magdalena Konstantina",
        "Papadopoulou-Vandenberghe-Oyelaran",
        Course(care_days=70, pain_from=3.7, pain_to=1.7, weekly=25, weekly_goal=45, next_visit_in_days=10),
        place="Virtual",
        therapist="Linh Tran",
        runner=replace(_STEADY, unit=DistanceUnit.KILOMETRE, time_zone="America/New_York"),
    ),
    Part(
        "Žofia",
        "Nováková",
        Course(care_days=84, pain_from=4.3, pain_to=1.5, weekly=24, weekly_goal=42, cue_day=40, next_visit_in_days=2),
        side=Side.RIGHT,
        therapist="Elena Marsh",
        runner=replace(_STEADY, unit=DistanceUnit.KILOMETRE, watch=COROS),
    ),
)

OTHERS = (
    ("Dolores", "Barrientos"), ("Peter", "Beaumont"), ("Yasmin", "Bennani"), ("Nora", "Bergstrom"), ("Kwame", "Boateng"),
    ("Anneliese", "Brandt"), ("Declan", "Brophy"), ("Sofia", "Cardoso"), ("Mei", "Chen"), ("Wendell", "Clarke"),
    ("Giulia", "Conti"), ("Hannah", "Dahl"), ("Rohan", "Deshmukh"), ("Marguerite", "Dubois"), ("Erik", "Engstrom"),
    ("Zainab", "Farouk"), ("Patrick", "Gallagher"), ("Lena", "Gruber"), ("Tesfaye", "Haile"), ("June", "Hargrove"),
    ("Mikko", "Heikkinen"), ("Camila", "Herrera"), ("Naoko", "Ito"), ("Desmond", "Jackson"), ("Karin", "Johansen"),
    ("Sunil", "Kapoor"), ("Beatriz", "Lacerda"), ("Pa Houa", "Lee"), ("Tobias", "Lindqvist"), ("Rosa", "Lozano"),
    ("Olena", "Marchenko"), ("Simone", "Marchetti"), ("Kerry", "McAllister"), ("Thandiwe", "Mokoena"), ("Chue", "Moua"),
    ("Emeka", "Nwosu"), ("Kirsten", "Nygaard"), ("Siobhan", "O'Malley"), ("Julian", "Okafor"), ("Anna", "Olsen"),
    ("Vikram", "Pillai"), ("Teresa", "Quintero"), ("Leila", "Rahimi"), ("Oscar", "Reyes"), ("Ada", "Sandoval"),
    ("Pia", "Schneider"), ("Mahesh", "Shetty"), ("Greta", "Solberg"), ("Ines", "Sousa"), ("Harriet", "Swanson"),
    ("Miriam", "Tadesse"), ("Josef", "Urban"), ("Carmen", "Valdez"), ("Ian", "Whitcombe"), ("Alice", "Winslow"),
    ("Lars", "Wold"), ("Mai", "Xiong"), ("Haruka", "Yamada"), ("Ewa", "Zielinska"), ("Nadia", "Zubair"),
)  # fmt: skip
STILL_IN_CARE = 30  # of the others
LATEST_DISCHARGE_DAYS, EARLIEST_DISCHARGE_DAYS = 6, 400
HISTORY_MAX_DAYS = 545  # 18 months


def cast(seed: int) -> tuple[Part, ...]:
    """
    Give all patients, those with a story of their own first.

    Parameters
    ----------
    seed : int
        The same seed gives the same cast.
    """
    others = []
    for number, (given, family) in enumerate(OTHERS):
        # no runs of neighbours in the alphabet with the same fate
        turn = number * 7 % len(OTHERS)
        discharged = None
        if turn >= STILL_IN_CARE:
            place = (turn - STILL_IN_CARE) / (len(OTHERS) - STILL_IN_CARE - 1)
            discharged = round(LATEST_DISCHARGE_DAYS + place * (EARLIEST_DISCHARGE_DAYS - LATEST_DISCHARGE_DAYS))
        others.append(_drawn(np.random.default_rng([seed, 1, number]), given, family, discharged))
    return (*WITH_A_STORY, *others)


def _drawn(rng: np.random.Generator, given: str, family: str, discharged_days_ago: int | None) -> Part:
    """Draw a course and a runner as they come."""
    place = str(rng.choice(["Minneapolis", "Minneapolis", "Edina", "Edina", "Virtual"]))
    diagnosis = MOSTLY[rng.integers(len(MOSTLY))]
    kilometres = rng.random() < 0.1
    watch = WATCHES[rng.integers(len(WATCHES))]
    runner = Runner(
        easy_speed_m_s=round(float(rng.uniform(2.3, 3.1)), 2),
        zero_speed_cadence_spm=round(float(rng.normal(142, 3.5)), 1),
        watch=watch,
        run_weekdays=WEEKDAYS[rng.integers(len(WEEKDAYS))],
        start_hour=round(float(rng.choice([6.1, 6.5, 12.2, 17.3, 18.4])), 1),
        time_zone=str(rng.choice(["America/Denver", "America/New_York"]))
        if place == "Virtual" and rng.random() < 0.3
        else "America/Chicago",
        unit=DistanceUnit.KILOMETRE if kilometres else DistanceUnit.MILE,
        surface=Surface(rng.choice([Surface.ROAD, Surface.ROAD, Surface.ROAD, Surface.ROAD, Surface.TRAIL])),
        grade=round(float(rng.uniform(0.005, 0.014)), 3),
    )
    return Part(
        given,
        family,
        _drawn_course(rng, discharged_days_ago, 1.6 if kilometres else 1.0, has_cadence=watch.has_cadence),
        diagnosis,
        Side(rng.choice([Side.LEFT, Side.RIGHT])),
        place,
        str(rng.choice(THERAPISTS_AT[place])),
        GOALS[rng.integers(len(GOALS))],
        runner if runner.surface is not Surface.TRAIL else replace(runner, grade=0.03),
        birth_date=date(1957, 1, 1) + timedelta(days=int(rng.integers(0, 43 * 365))),
        height_m=round(float(rng.normal(1.69, 0.08)), 2),
        pain_zones=(2, 4) if diagnosis.diagnosis_class is DiagnosisClass.INTRA_ARTICULAR else (3, 5),
    )


def _drawn_course(rng: np.random.Generator, discharged_days_ago: int | None, stretch: float, *, has_cadence: bool) -> Course:
    history_days = int(rng.choice([0, 14, 28, 28, 42]))
    longest = HISTORY_MAX_DAYS - history_days - (discharged_days_ago or 0)
    care_days = min(int(rng.integers(20, 220) if discharged_days_ago is None else rng.integers(56, 190)), longest)
    pain_from = round(float(rng.uniform(3.2, 5.6)), 1)
    eased = 0.2 if rng.random() < 0.15 else float(rng.uniform(1.4, 3.4))
    weekly = float(rng.integers(7, 18)) * stretch
    chances = rng.random(6)
    middle = int(care_days * rng.uniform(0.35, 0.65))
    return Course(
        care_days=care_days,
        discharged_days_ago=discharged_days_ago,
        pain_from=pain_from,
        pain_to=round(max(0.6, pain_from - eased), 1),
        weekly=round(weekly),
        weekly_goal=round(weekly * 1.9),
        history_days=history_days,
        spike_days=(middle,) if chances[0] < 0.25 and care_days > 60 else (),
        spike_ratio=round(float(rng.uniform(1.35, 1.8)), 2),
        cue_day=int(care_days * 0.4) if chances[1] < 0.4 and care_days > 50 and has_cadence else None,
        cue_gain=round(float(rng.uniform(0.045, 0.06)), 3),
        cue_relief=round(float(rng.uniform(0.2, 1.8)), 1),
        shoe_day=middle if chances[2] < 0.15 else None,
        away_week_day=int(care_days * 0.25) if chances[3] < 0.25 else None,
        plan_kept=round(float(rng.normal(1.0, 0.07)), 2),
        run_walk_days=21 if chances[4] < 0.2 else 0,
        answers=float(rng.choice([0.95, 0.9, 0.85, 0.75, 0.6, 0.3])),
        logs_runs=float(rng.choice([1.0, 1.0, 1.0, 0.9, 0.7])),
        weekly_log=bool(chances[5] < 0.2),
        visit_gaps_days=(7, 14, 14, 21, 28) if rng.random() < 0.6 else (14, 14, 21),
        next_visit_in_days=int(rng.integers(0, 20)),
    )
