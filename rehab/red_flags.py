"""The red-flag items: what is asked, what a yes makes one think of, and what to do."""

from dataclasses import dataclass
from enum import StrEnum

from rehab.rules import Limit, Rule, Source, Strength

VALID_DAYS = 28  # an answer this many days old still counts, an older one does not


class Urgency(StrEnum):
    """How soon a yes needs somebody's eyes, the most urgent first."""

    EMERGENCY = "emergency"
    SAME_DAY = "same day"
    PROMPT = "within days"
    BEFORE_LOADING = "before loading"


@dataclass(frozen=True)
class RedFlagItem:
    """
    One item of the screen.

    Attributes
    ----------
    name : str
        Its value in models.ScreenItem.
    title : str
        Its name for the therapist.
    question : str
        What the patient is asked, in plain words. It is answered from memory: nobody is asked to test anything.
    thinks_of : str
        What a yes makes a clinician think of.
    action : str
        What to do on a yes.
    urgency : Urgency
    """

    name: str
    title: str
    question: str
    thinks_of: str
    action: str
    urgency: Urgency


# In the order of the screen. Side-lying pain over the outer hip is typical of a sore gluteal tendon and no red flag: the third item says so.
ITEMS = (
    RedFlagItem(
        "groin_pain_with_running",
        "Groin or front-of-hip pain with running",
        "Do you have a deep ache in the groin or the front of the hip that grows as you run, hurts when you walk, or makes you limp?",
        "stress injury of the femoral neck",
        "Stop and assess today; take load off and refer for imaging as the clinician decides.",
        Urgency.SAME_DAY,
    ),
    RedFlagItem(
        "cannot_bear_weight",
        "Cannot bear weight, sudden crack, or fall",
        "Are you unable to put weight on the leg, or did the pain start with a sudden crack or a fall?",
        "fracture",
        "Urgent assessment the same day.",
        Urgency.SAME_DAY,
    ),
    RedFlagItem(
        "rest_or_night_pain",
        "Pain at rest or at night, in any position",
        "Does the hip ache at rest or at night, in whatever position you lie? (Soreness only while you lie on that side does not count.)",
        "bone stress injury, tumor, infection, inflammation",
        "Prompt medical review.",
        Urgency.PROMPT,
    ),
    RedFlagItem(
        "buttock_or_pubic_pain",
        "One-sided buttock, low back or pubic pain with impact",
        "Do you have pain on one side of the buttock or low back, or at the pubic bone, with each landing? Did you give birth lately, or run much more than before?",
        "stress injury of the sacrum or pubic bone; an X-ray is often negative",
        "Assess in the clinic and refer.",
        Urgency.PROMPT,
    ),
    RedFlagItem(
        "low_energy",
        "Signs of low energy availability, or an earlier bone stress injury",
        "Have you missed periods, lost weight or sex drive or morning erections, had trouble with eating, or had a stress fracture before?",
        "low energy availability (REDs)",
        "Screen and refer; treat any hip bone pain as high risk.",
        Urgency.PROMPT,
    ),
    RedFlagItem(
        "fragile_bone",
        "Reasons for fragile bone",
        "Do you have osteoporosis, long steroid use, bone medicine (bisphosphonates), radiation to the pelvis in the past, or much alcohol?",
        "insufficiency fracture, avascular necrosis",
        "Refer before loading.",
        Urgency.BEFORE_LOADING,
    ),
    RedFlagItem(
        "infection_signs",
        "Signs of infection",
        "Do you have a fever, feel unwell, or have a hot joint? Did you lately have a joint injection or surgery, or is your immune system weak?",
        "septic arthritis",
        "Urgent assessment the same day.",
        Urgency.SAME_DAY,
    ),
    RedFlagItem(
        "cancer_signs",
        "History of cancer, or weight loss without a reason",
        "Have you ever had cancer, or lost weight without trying?",
        "metastasis",
        "Prompt medical review.",
        Urgency.PROMPT,
    ),
    RedFlagItem(
        "nerve_signs",
        "Saddle numbness, bladder or bowel change, growing weakness",
        "Is the area between your legs numb, has your bladder or bowel changed, or is a leg getting weaker?",
        "cauda equina syndrome or other nerve compression",
        "Emergency: send to hospital now.",
        Urgency.EMERGENCY,
    ),
    RedFlagItem(
        "clot_signs",
        "Swollen calf or chest symptoms",
        "Is a calf swollen, or do you have chest pain or trouble breathing?",
        "thrombo-embolism",
        "Emergency: send to hospital now.",
        Urgency.EMERGENCY,
    ),
    RedFlagItem(
        "under_18_limp",
        "Under 18 with hip or knee pain and a limp",
        "Are you under 18, with hip or knee pain and a limp?",
        "slipped capital femoral epiphysis, apophyseal injury",
        "Urgent assessment the same day.",
        Urgency.SAME_DAY,
    ),
    RedFlagItem(
        "locking_or_trauma",
        "True locking, giving way, or major trauma",
        "Does the hip lock or give way, or did you have a serious accident?",
        "lesion inside the joint, instability",
        "Refer.",
        Urgency.PROMPT,
    ),
)
ITEM_OF = {item.name: item for item in ITEMS}

RULE = Rule(
    name="red_flag_screen",
    title="Red flags",
    says=(
        "While one of the twelve items is answered yes and not closed, or was not answered within 28 days, everything the app suggests is withheld: "
        "band, cap, cue, strength line and what-if. Only a therapist closes an item, with a note; closing is dated. A diary answer of pain at rest or "
        "at night opens its item until it is asked again. With a diagnosis of the class bone all stays withheld for the whole episode. "
        "Soreness only while lying on that side is no red flag."
    ),
    strength=Strength.CONSENSUS,
    limits=(Limit("age of an answer", VALID_DAYS, "days", "> 28 is unanswered; on the limit it still counts"),),
    sources=(
        Source(
            "Robertson & Wood 2017, doi 10.1055/s-0043-103946",
            "Exercise-related groin pain is the commonest sign of a stress injury of the femoral neck; MRI follows the X-ray, and delay risks displacement.",
            Strength.CONSENSUS,
        ),
        Source(
            "Medscape 86808",
            "Hopping on a stress fracture of the femoral neck may complete it.",
            Strength.CONSENSUS,
        ),
        Source(
            "Reiman 2020, doi 10.1136/bjsports-2019-101453",
            "Tumor, infection, stress fracture, slipped epiphysis and the spine are excluded before hip-related pain is named.",
            Strength.CONSENSUS,
        ),
        Source(
            "Mountjoy 2023, doi 10.1136/bjsports-2023-106994",
            "Signs by which low energy availability (REDs) is screened for.",
            Strength.CONSENSUS,
        ),
        Source(
            "Harris 2016, doi 10.1249/JSR.0000000000000245; Fredericson 2003, Phys Sportsmed",
            "Sacral and pubic stress injuries come with one-sided buttock or pubic pain; an X-ray is often negative.",
            Strength.CONSENSUS,
        ),
    ),
    criticism="A screen misses cases, and most who answer yes have nothing serious. How long an answer stays valid is a choice of this project.",
    may_say="We'd like to check this before you run again.",
    may_not_say="that a hip without red flags is healthy; nobody is asked to hop or to test the leg at home",
)
