"""Papers that more than one rule rests on."""

from rehab.rules import Source, Strength

PAIN_MONITORING = Source(
    "Silbernagel 2007, Am J Sports Med 35:897, doi 10.1177/0363546506298279",
    "Randomised trial in the Achilles tendon, n = 38: running on under pain rules did no worse than six weeks without (VISA-A-S 57 to 85, 57 to 91). Not tried in the hip.",
    Strength.CONSENSUS,
)
SINGLE_SESSION = Source(
    "Schuster Brandt Frandsen 2025, Br J Sports Med 59:1203, doi 10.1136/bjsports-2024-109380",
    "5,205 uninjured runners, 588,071 sessions: a run longer than the longest of 30 days went with more injuries (HRR 1.64, 1.52, 2.28 by size of the step).",
    Strength.COHORT,
)
TEN_PERCENT = Source(
    "Buist 2008, Am J Sports Med 36:33, doi 10.1177/0363546507307505",
    "Randomised trial, 532 novices: with the 10 % rule 20.8 % were injured, without it 20.3 %.",
    Strength.TRIAL,
)
LOAD_EDUCATION = Source(
    "Mellor 2018, BMJ, doi 10.1136/bmj.k1662",
    "Randomised trial, 204 people with gluteal tendinopathy, not runners: success at 8 weeks 77 % with education and exercise, 58 % with injection, 29 % waiting.",
    Strength.TRIAL,
)
TENDON_ADVICE = Source(
    "Grimaldi 2015, Sports Med, doi 10.1007/s40279-015-0336-5",
    "Avoid complete rest and rapid change; limit long and fast running while the tendon is irritable; reduce hip adduction.",
    Strength.CONSENSUS,
    read_in_part=True,
)
ISOMETRIC = Source(
    "Clifford 2019, doi 10.1136/bmjsem-2019-000558",
    "n = 30: isometric and isotonic loading did alike (55 % and 58 % gained 2 points or more); over a third had not improved at 12 weeks.",
    Strength.TRIAL,
)
RUN_WALK = Source(
    "Protocol of a trial 2023, Trials, doi 10.1186/s13063-023-07502-x",
    "A run-walk table from 3 min running and 2 min walking over 1 mile to 2 miles without a break, at least one rest day between.",
    Strength.CONSENSUS,
)
HIP_AT_TEN_PERCENT = Source(
    "Heiderscheit 2011, doi 10.1249/MSS.0b013e3181ebedf4",
    "45 runners at equal speed: hip adduction angle and moment fell with 10 % more steps, not yet with 5 %.",
    Strength.LABORATORY,
)
NUMERIC_SCALE = Source(
    "Salaffi 2004, Eur J Pain 8:283, doi 10.1016/j.ejpain.2003.09.004",
    "825 people with chronic musculoskeletal pain: −1.0 point (−15 %) is the smallest change noticed, −2.0 (−33 %) is “much better”.",
    Strength.COHORT,
)
NUMERIC_SCALE_IN_THERAPY = Source(
    "Abbott & Schmitt 2014, JOSPT 44:560, doi 10.2519/jospt.2014.5248",
    "1,708 patients of physical therapy: −1.5 points is a small change, −3.5 a large one.",
    Strength.COHORT,
)
