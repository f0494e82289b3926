"""The colours: one set for charts and pages, legible, and apart for colour-blind readers."""

import itertools
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit import config

from rehab.charts.theme import DARK, FONT_FAMILY, LIGHT, Palette, palette

CONFIG_FILE = Path(__file__).resolve().parent.parent / ".streamlit" / "config.toml"
CONFIG: dict[str, Any] = tomllib.loads(CONFIG_FILE.read_text(encoding="utf-8"))
TEXT = ("ink", "quiet_ink", "accent", "next_morning", "before", "during", "after", "night", "plan", "cadence", "mark")
GRAPHICS = ("distance",)
ZONES = ("zone_comfortable", "zone_acceptable", "zone_ease_back")
MOMENTS = ("next_morning", "before", "during", "after", "night")
both = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])

# How a dichromat sees linear RGB at full severity: Machado, Oliveira, Fernandes (2009), IEEE Trans Vis Comput Graph 15(6), table 1.
DICHROMATS = {
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "tritanopia": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}


def linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2: (lighter + 0.05) / (darker + 0.05), of relative luminances."""
    low, high = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear sRGB under D65."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(rgb, 0, 1)
    x, y, z = np.cbrt(np.maximum(xyz / [0.9505, 1.0, 1.089], 1e-9))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def configured(scheme: str) -> dict[str, Any]:
    section: dict[str, Any] = CONFIG["theme"][scheme]
    return section


@both
def test_pages_and_charts_have_the_same_colours(colours: Palette) -> None:
    section = configured("light" if colours is LIGHT else "dark")
    assert section["backgroundColor"] == colours.ground
    assert section["secondaryBackgroundColor"] == colours.raised
    assert section["textColor"] == colours.ink
    assert section["grayTextColor"] == colours.quiet_ink
    assert section["primaryColor"] == section["linkColor"] == colours.accent
    assert section["borderColor"] == section["dataframeBorderColor"] == colours.rule
    assert tuple(section["chartCategoricalColors"]) == colours.categorical


@both
def test_there_are_ten_categorical_colours_at_least_or_plotly_takes_its_own(colours: Palette) -> None:
    assert len(set(colours.categorical)) >= 10


@both
@pytest.mark.parametrize("name", TEXT)
def test_words_can_be_read_on_every_ground(colours: Palette, name: str) -> None:
    for ground in (colours.ground, colours.raised):
        assert contrast(getattr(colours, name), ground) >= 4.5


@both
def test_marks_stand_out_from_every_ground_they_lie_on(colours: Palette) -> None:
    for name in GRAPHICS:
        assert contrast(getattr(colours, name), colours.ground) >= 3
    for name, zone in itertools.product(MOMENTS, ZONES):
        assert contrast(getattr(colours, name), getattr(colours, zone)) >= 3
    for colour in colours.categorical:
        assert contrast(colour, colours.ground) >= 3


def test_contrast_is_what_the_standard_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the well-known grey just below 4.5


@both
@pytest.mark.parametrize("sight", [None, *DICHROMATS])
def test_next_morning_pain_is_told_from_the_other_moments_by_any_eye(colours: Palette, sight: str | None) -> None:
    seen = {name: lab((DICHROMATS[sight] if sight else np.eye(3)) @ linear(getattr(colours, name))) for name in MOMENTS}
    for other in MOMENTS[1:]:
        assert np.linalg.norm(seen["next_morning"] - seen[other]) > 10  # about five times a just noticeable difference


@both
def test_pain_is_never_alarm_red(colours: Palette) -> None:
    for name in (*MOMENTS, *ZONES):
        red, green, blue = (int(getattr(colours, name)[at : at + 2], 16) for at in (1, 3, 5))
        assert red - max(green, blue) < 80 or name == "during"  # amber is meant: red and green together
        assert not (red > 180 and green < 90 and blue < 90)


def test_a_scheme_has_its_own_colours() -> None:
    assert palette("light") is LIGHT
    assert palette("dark") is DARK
    assert contrast(LIGHT.ground, "#ffffff") < 1.1
    assert contrast(DARK.ground, "#000000") < 1.3


def test_fonts_come_from_this_machine() -> None:
    assert "://" not in FONT_FAMILY
    assert CONFIG["theme"]["font"] == "sans-serif"
    assert "fontFaces" not in CONFIG["theme"]


def flat(section: dict[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in section.items():
        found |= flat(value, f"{above}{name}.") if isinstance(value, dict) else {f"{above}{name}": value}
    return found


def test_streamlit_knows_every_option_that_is_set() -> None:
    assert set(flat(CONFIG)) <= set(config.get_config_options())


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("client.showErrorDetails", "none"),
        ("client.toolbarMode", "minimal"),
        ("client.disableDataExport", True),
        ("runner.postScriptGC", False),
        ("server.address", "127.0.0.1"),
        ("server.fileWatcherType", "none"),
        ("server.maxUploadSize", 50),
        ("server.enableStaticServing", False),
        ("server.enableAgentApi", False),
        ("browser.gatherUsageStats", False),
    ],
)
def test_what_keeps_patients_and_speed_safe_is_set(option: str, value: object) -> None:
    assert flat(CONFIG)[option] == value


@pytest.mark.parametrize("option", ["server.enableCORS", "server.enableXsrfProtection"])
def test_what_protects_by_default_is_left_alone(option: str) -> None:
    assert option not in flat(CONFIG)
