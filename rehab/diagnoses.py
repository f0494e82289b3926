"""What a therapist can name as the diagnosis: label, class, and the ICD-10-CM code of the side."""

from dataclasses import dataclass

from models import DiagnosisClass, Side


@dataclass(frozen=True)
class Diagnosis:
    """
    One diagnosis to choose. It changes no limit by itself.

    A code stands here only where it was read at its source; elsewhere the field stays empty and the therapist fills it in.
    Codes are refreshed each October and a coder confirms them.
    """

    label: str
    diagnosis_class: DiagnosisClass
    icd10_right: str | None = None
    icd10_left: str | None = None
    icd10_unspecified: str | None = None

    def icd10_code(self, side: Side) -> str | None:
        """Code for this side, None where none is known. A known side never gets the code for "unspecified"."""
        return {Side.RIGHT: self.icd10_right, Side.LEFT: self.icd10_left, Side.UNSPECIFIED: self.icd10_unspecified}[side]


DIAGNOSES = (
    Diagnosis("Gluteal tendinopathy", DiagnosisClass.TENDON, "M76.01", "M76.02", "M76.00"),
    Diagnosis("Trochanteric bursitis", DiagnosisClass.BURSA, "M70.61", "M70.62", "M70.60"),
    Diagnosis("Lateral hip pain, not yet clear", DiagnosisClass.LATERAL_UNCLEAR),
    Diagnosis("Iliotibial band syndrome", DiagnosisClass.ITB, "M76.31", "M76.32", "M76.30"),
    Diagnosis("Iliopsoas tendinopathy", DiagnosisClass.ANTERIOR_TENDON, "M76.11", "M76.12", "M76.10"),
    Diagnosis("Ischial or other hip bursitis", DiagnosisClass.POSTERIOR, "M70.71", "M70.72"),
    Diagnosis("Proximal hamstring tendinopathy", DiagnosisClass.POSTERIOR, "M76.891", "M76.892", "M76.899"),
    Diagnosis("Labral lesion of the hip", DiagnosisClass.INTRA_ARTICULAR),
    Diagnosis("Femoroacetabular impingement syndrome", DiagnosisClass.INTRA_ARTICULAR),
    Diagnosis("Osteoarthritis of the hip", DiagnosisClass.INTRA_ARTICULAR),
    Diagnosis("Stress fracture of the femur", DiagnosisClass.BONE),
    Diagnosis("Stress fracture of the pelvis", DiagnosisClass.BONE),
    Diagnosis("Stress fracture of the sacrum", DiagnosisClass.BONE),
    Diagnosis("Adductor strain", DiagnosisClass.MUSCLE_OTHER),
    Diagnosis("Lumbar radiculopathy", DiagnosisClass.MUSCLE_OTHER),
    Diagnosis("Sacroiliac region pain", DiagnosisClass.MUSCLE_OTHER),
)
