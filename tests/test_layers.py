"""Who may import whom, and what nobody may do: read from the source, without running it. See docs/decisions/0001-three-packages.md."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# A room may import itself, and the rooms listed. `models` gives everything its name, so every room may have it.
MAY_IMPORT = {
    "models": set(),
    "data": {"models"},
    "rehab": {"models"},
    "rehab/charts": {"models", "rehab"},
    "clinic": {"models", "data", "rehab", "rehab/charts"},
    "access": {"models", "data"},
    "pages": {"models", "clinic", "access", "rehab/charts"},
    "dashboard.py": {"models", "data", "rehab", "rehab/charts", "clinic", "access", "pages"},
    "data/__main__.py": {"models", "data", "rehab", "rehab/charts", "clinic", "access"},
}
OURS = {"models", "data", "rehab", "clinic", "access", "pages", "dashboard", "tests", "benchmarks", "docs"}
TABLES_AND_SQL = {"pandas", "plotly", "sqlmodel", "sqlalchemy", "alembic", "sqlite3", "sqlcipher3", "psycopg"}
NOT_FOR = {
    "models": {"streamlit", "pandas", "plotly"},
    "data": {"streamlit", "plotly"},
    "rehab": {"streamlit", "time", "os", "pathlib", "shutil", "tempfile", "glob", *(TABLES_AND_SQL - {"pandas", "plotly"})},
    "clinic": {"streamlit"},
    "access": {"streamlit"},
    "pages": TABLES_AND_SQL,
    "dashboard.py": TABLES_AND_SQL,
}
NOT_FOR["rehab/charts"] = NOT_FOR["rehab"]
NOT_FOR["data/__main__.py"] = NOT_FOR["data"]
# `time(…)` alone is a time of day
CLOCKS = {"now", "today", "utcnow", "utc_now", "time.time", "time_ns", "monotonic", "perf_counter", "localtime", "gmtime"}
FILES = {"open", "read_text", "read_bytes", "write_text", "write_bytes", "read_csv", "to_csv", "read_parquet", "to_parquet"}
RAW_HTML = {"unsafe_allow_html", "unsafe_allow_javascript"}
DRAWERS = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}


@dataclass(frozen=True)
class Source:
    """A file of the product, parsed."""

    path: str  # from the root, with slashes
    tree: ast.Module

    @property
    def room(self) -> str:
        if self.path in MAY_IMPORT:
            return self.path
        if self.path.startswith("rehab/charts/"):
            return "rehab/charts"
        return self.path.split("/")[0].removesuffix(".py")


def sources(root: Path) -> Iterator[Source]:
    for path in sorted([*root.glob("*.py"), *(file for room in OURS for file in (root / room).rglob("*.py"))]):
        yield Source(path.relative_to(root).as_posix(), ast.parse(path.read_text(encoding="utf-8")))


def imports(source: Source) -> Iterator[tuple[int, str]]:
    """Give line and dotted name of all that a file imports; `from x import y` gives x.y."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            folder = source.path.split("/")[: -node.level] if node.level else []
            start = ".".join([*folder, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{start}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and _name(node.func) in {"import_module", "__import__"} and node.args:
            if isinstance(node.args[0], ast.Constant):
                yield node.lineno, str(node.args[0].value)
            else:
                yield node.lineno, "a module whose name is not in the source"


def room_of(dotted: str) -> str | None:
    """
    Give the room of an imported name; None if it is not ours.

    >>> room_of("rehab.charts.theme"), room_of("rehab.units"), room_of("data.queries.runs"), room_of("pandas")
    ('rehab/charts', 'rehab', 'data', None)
    """
    parts = dotted.split(".")
    if parts[:2] == ["rehab", "charts"]:
        return "rehab/charts"
    if parts[0] == "dashboard":
        return "dashboard.py"
    return parts[0] if parts[0] in OURS else None


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """Walk over what runs when the file is imported: not the bodies of functions, but their defaults and decorators."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            arguments = child.args
            runs = [*arguments.defaults, *(value for value in arguments.kw_defaults if value), *getattr(child, "decorator_list", [])]
            for part in runs:
                yield part
                yield from at_import(part)
        else:
            yield child
            yield from at_import(child)


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""


def _calls(nodes: Iterator[ast.AST], names: set[str]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        if isinstance(node, ast.Call) and (_name(node.func) in names or ast.unparse(node.func) in names):
            yield node.lineno, _name(node.func)


def arrows_broken(source: Source) -> Iterator[str]:
    if source.room not in MAY_IMPORT:  # tests, benchmarks and the scripts of the docs stand outside the house
        return
    allowed = MAY_IMPORT[source.room] | {source.room.removesuffix("/__main__.py")}
    for line, dotted in imports(source):
        room = room_of(dotted)
        if room is not None and room not in allowed:
            yield f"{source.path}:{line} imports {dotted}, and {source.room} may not know {room}"
        if dotted.split(".")[0] in NOT_FOR.get(source.room, set()) or dotted.startswith("a module"):
            yield f"{source.path}:{line} imports {dotted}, which is not for {source.room}"


def clocks_and_files_read(source: Source) -> Iterator[str]:
    everywhere = source.room.split("/")[0] == "rehab"  # there the day is always a parameter and facts are always handed in
    nodes = list(ast.walk(source.tree) if everywhere else at_import(source.tree))
    when = "" if everywhere else " at import"
    for line, name in _calls(iter(nodes), CLOCKS):
        yield f"{source.path}:{line} reads the clock{when} by {name}()"
    if everywhere:
        for line, name in _calls(iter(nodes), FILES):
            yield f"{source.path}:{line} touches files by {name}()"
        for line, dotted in imports(source):
            if dotted == "models.utc_now":
                yield f"{source.path}:{line} imports {dotted}, a clock"


def raw_html(source: Source) -> Iterator[str]:
    if source.room == "tests":
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.keyword) and node.arg in RAW_HTML:
            yield f"{source.path}:{node.value.lineno} passes {node.arg}"
        elif isinstance(node, ast.Constant) and node.value in RAW_HTML:
            yield f"{source.path}:{node.lineno} names {node.value}"
        elif isinstance(node, ast.Attribute) and node.attr in {"html", "iframe"} and _name(node.value) in {"components", "v1"}:
            yield f"{source.path}:{node.lineno} uses components.{node.attr}"
    for line, dotted in imports(source):
        if dotted.startswith("streamlit.components.v1"):
            yield f"{source.path}:{line} imports {dotted}"


# Streamlit's elements and files that ask another host, or hand a file out past the gate, the audit and its rules for formulas.
PAST_THE_GATE = {
    "map",
    "pydeck_chart",
    "download_button",
    "login",
    "logout",
    "link_button",
    "iframe",
    "logo",
    "video",
    "audio",
}
SHARED_CACHES = {"cache_data", "cache_resource"}
# Where SQL may be written as text: the connections themselves, and the check of the audit, which looks at its own triggers. Many rows in
# one go are inserts and updates by number that SQLAlchemy writes; only their values take the short way.
WRITES_SQL = {"models.py", "data/database.py", "data/audit_check.py", "data/records.py", "data/many_rows.py"}
PAST_THE_ORM = {"text", "literal_column", "exec_driver_sql", "raw_connection", "driver_connection", "__table__"}
PRODUCT = {"models", "data", "rehab", "rehab/charts", "clinic", "access", "pages", "dashboard.py", "data/__main__.py"}


def doors_beside_the_gate(source: Source) -> Iterator[str]:
    """What leaves the clinic goes through the gate and the audit; what is known of a patient is kept for nobody else."""
    if source.room not in PRODUCT:
        return
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Attribute):
            continue
        of_streamlit = isinstance(node.value, ast.Name) and node.value.id in {"st", "streamlit"}
        if of_streamlit and node.attr in PAST_THE_GATE:
            yield f"{source.path}:{node.lineno} uses st.{node.attr}, a way past the gate"
        if of_streamlit and node.attr in SHARED_CACHES:
            yield f"{source.path}:{node.lineno} uses st.{node.attr}, which all people share"
    for line, dotted in imports(source):
        if dotted.startswith("streamlit.") and dotted.rsplit(".", 1)[-1] in PAST_THE_GATE | SHARED_CACHES:
            yield f"{source.path}:{line} imports {dotted}"


def sql_as_text(source: Source) -> Iterator[str]:
    """The lock is a condition on statements that are built; a text would go past it."""
    if source.room not in PRODUCT or source.path in WRITES_SQL or source.path.startswith("data/migrations/"):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in PAST_THE_ORM:
            of_a_library = isinstance(node.value, ast.Name) and node.value.id in {"sa", "sqlalchemy", "sqlmodel"}
            if of_a_library or node.attr not in {"text", "literal_column"}:
                yield f"{source.path}:{node.lineno} uses {node.attr}: SQL as text goes past the lock"
    for line, dotted in imports(source):
        if dotted.split(".")[0] in {"sqlalchemy", "sqlmodel"} and dotted.rsplit(".", 1)[-1] in PAST_THE_ORM:
            yield f"{source.path}:{line} imports {dotted}: SQL as text goes past the lock"


def words_in_logs(source: Source) -> Iterator[str]:
    """Our own log lines are fixed words: what is filled in is known by its key (access/logs.py)."""
    if source.room not in PRODUCT:
        return
    for node in ast.walk(source.tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if (
            node.func.attr in {"debug", "info", "warning", "error", "exception", "critical"}
            and "log" in ast.unparse(node.func.value).lower()
        ):
            words = node.args[0] if node.args else None
            if not (isinstance(words, ast.Constant) and isinstance(words.value, str)):
                yield f"{source.path}:{node.lineno} logs words that are not fixed"


# An address in a sentence of a docstring or a comment is read by people; in the code it would be asked.
def addresses_of_others(source: Source) -> Iterator[str]:
    """Nothing is asked of another host: no fonts, no pictures, no scripts."""
    if source.room not in PRODUCT:
        return
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            hosts = re.findall(r"(?:https?:)?//([\w-]+(?:\.[\w-]+)+)", node.value)
            if asked := [host for host in hosts if host not in NAMES_OF_FORMATS and not host.startswith("127.")]:
                yield f"{source.path}:{node.lineno} names the address {asked[0]}"


NAMES_OF_FORMATS = {"www.w3.org", "www.topografix.com", "www.garmin.com", "hl7.org", "snomed.info", "unitsofmeasure.org"}  # never asked


def drawer_names(source: Source) -> Iterator[str]:
    for part in source.path.removesuffix(".py").split("/"):
        for word in set(part.split("_")) & DRAWERS:
            yield f"{source.path} is named {word!r}: name it after what is in it"


RULES = (
    arrows_broken,
    clocks_and_files_read,
    raw_html,
    doors_beside_the_gate,
    sql_as_text,
    words_in_logs,
    addresses_of_others,
    drawer_names,
)


def offences(root: Path) -> list[str]:
    """Give a sentence for each thing that a file of the tree may not do."""
    return [sentence for source in sources(root) for rule in RULES for sentence in rule(source)]


# --------------------------------------------------------------------------------------------------------------------
# The project
# --------------------------------------------------------------------------------------------------------------------


def test_the_house_keeps_its_own_rules() -> None:
    assert offences(ROOT) == []


def test_every_file_of_the_house_is_looked_at() -> None:
    seen = {source.path for source in sources(ROOT)}
    assert {"models.py", "data/database.py", "rehab/episode.py", "tests/test_layers.py"} <= seen
    assert not [path for path in seen if path.startswith((".venv", "var"))]


def test_no_other_package_stands_at_the_top() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/*.py") if not path.parent.name.startswith(".")}
    assert packages <= OURS, "a new package at the top needs a decision first: docs/decisions/0001-three-packages.md"


# --------------------------------------------------------------------------------------------------------------------
# The rules can fail: small trees that break one each
# --------------------------------------------------------------------------------------------------------------------


def tree(root: Path, **files: str) -> list[str]:
    for path, text in files.items():
        file = root / path.replace("__slash__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return offences(root)


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("data/queries.py", "from rehab.weekly import week_table", "data may not know rehab"),
        ("data/importers/fit.py", "def read():\n    import rehab", "data may not know rehab"),
        ("rehab/weekly.py", "import data.queries", "rehab may not know data"),
        ("rehab/weekly.py", "from rehab.charts.theme import INK", "rehab may not know rehab/charts"),
        ("rehab/charts/theme.py", "from clinic import caseload", "rehab/charts may not know clinic"),
        ("clinic/caseload.py", "from access import sessions", "clinic may not know access"),
        ("access/accounts.py", "from clinic import caseload", "access may not know clinic"),
        ("models.py", "from data import series", "models may not know data"),
        ("pages/today.py", "from data.queries import runs", "pages may not know data"),
        ("pages/today.py", "from rehab.load import rolling_7_day_distance", "pages may not know rehab"),
        ("pages/shared/units.py", "from ...rehab import units", "pages may not know rehab"),
        ("pages/today.py", "from dashboard import app", "pages may not know dashboard.py"),
        ("data/__main__.py", "from pages import today", "data/__main__.py may not know pages"),
        ("clinic/episode.py", "from tests.serving import served", "clinic may not know tests"),
        ("pages/today.py", "import pandas as pd", "not for pages"),
        ("pages/shared/begin.py", "import plotly.graph_objects as go", "not for pages"),
        ("dashboard.py", "from sqlalchemy import select", "not for dashboard.py"),
        ("dashboard.py", "from sqlmodel import Session", "not for dashboard.py"),
        ("rehab/weekly.py", "import streamlit as st", "not for rehab"),
        ("rehab/weekly.py", "from pathlib import Path", "not for rehab"),
        ("rehab/charts/theme.py", "import os", "not for rehab/charts"),
        ("rehab/weekly.py", "from sqlmodel import select", "not for rehab"),
        ("clinic/episode.py", "import streamlit as st", "not for clinic"),
        ("data/queries.py", "from importlib import import_module\nimport_module('rehab.load')", "data may not know rehab"),
        ("data/queries.py", "from importlib import import_module\nimport_module(name)", "not in the source"),
        ("rehab/load.py", "from datetime import date\ndef last():\n    return date.today()", "reads the clock by today()"),
        ("rehab/load.py", "import pandas as pd\ndef last():\n    return pd.Timestamp.now()", "reads the clock by now()"),
        ("rehab/load.py", "from models import utc_now\n", "a clock"),
        ("rehab/load.py", "def runs():\n    return open('runs.csv')", "touches files by open()"),
        ("rehab/load.py", "import pandas as pd\ndef runs():\n    return pd.read_csv('runs.csv')", "touches files by read_csv()"),
        ("data/demo.py", "from datetime import date\nTODAY = date.today()", "reads the clock at import by today()"),
        ("clinic/week.py", "from datetime import date\ndef week(day=date.today()):\n    pass", "reads the clock at import by today()"),
        ("clinic/caseload.py", "import time\nSTARTED = time.time()", "reads the clock at import by time()"),
        ("models.py", "class Run:\n    recorded = utc_now()", "reads the clock at import by utc_now()"),
        ("pages/today.py", "import streamlit as st\nst.markdown('<b>', unsafe_allow_html=True)", "passes unsafe_allow_html"),
        ("pages/today.py", "st.html('x', unsafe_allow_javascript=False)", "passes unsafe_allow_javascript"),
        ("pages/today.py", "st.markdown('x', **{'unsafe_allow_html': True})", "names unsafe_allow_html"),
        ("pages/today.py", "st.components.v1.html('<b>')", "uses components.html"),
        ("docs/screenshots.py", "from streamlit.components.v1 import html", "imports streamlit.components.v1.html"),
        ("pages/today.py", "import streamlit as st\nst.map(x)", "past the gate"),
        ("pages/today.py", "import streamlit as st\nst.download_button('x', b'')", "past the gate"),
        ("pages/today.py", "import streamlit as st\nst.login()", "past the gate"),
        ("pages/today.py", "from streamlit import download_button", "imports streamlit.download_button"),
        ("pages/today.py", "import streamlit as st\n@st.cache_data\ndef rows():\n    pass", "all people share"),
        ("data/queries.py", "import sqlalchemy as sa\nALL = sa.text('SELECT 1')", "goes past the lock"),
        ("data/queries.py", "from sqlalchemy import text", "goes past the lock"),
        ("clinic/today.py", "def rows(connection):\n    return connection.exec_driver_sql('SELECT 1')", "goes past the lock"),
        ("access/sessions.py", "from models import Person\nROWS = Person.__table__", "goes past the lock"),
        ("data/audit.py", "import logging\nlogging.getLogger('x').warning(f'{name}')", "not fixed"),
        ("access/web.py", "LOGGER.error(error)", "not fixed"),
        ("rehab/charts/theme.py", "FONT = 'https://fonts.example.com/x.css'", "names the address fonts.example.com"),
        ("pages/today.py", "ICON = '//cdn.example.com/i.png'", "names the address cdn.example.com"),
        ("rehab/utils.py", "", "named 'utils'"),
        ("pages/shared/date_helpers.py", "", "named 'helpers'"),
        ("clinic/common/names.py", "", "named 'common'"),
    ],
)
def test_a_broken_rule_is_found_and_said(tmp_path: Path, path: str, text: str, said: str) -> None:
    found = tree(tmp_path, **{path: text})
    assert len(found) == 1
    assert path in found[0]
    assert said in found[0]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("data/queries.py", "import pandas as pd\nfrom models import Run\nfrom data.database import reading"),
        ("rehab/charts/theme.py", "from rehab.units import distance_text\nfrom models import DistanceUnit"),
        ("clinic/episode.py", "from data import queries\nfrom rehab.episode import summarise_episode"),
        ("access/sessions.py", "from data.database import engine"),
        (
            "pages/patient.py",
            "import streamlit as st\nfrom clinic import episode\nfrom pages.shared import begin\nfrom rehab.charts import theme",
        ),
        ("dashboard.py", "import streamlit as st\nfrom access import web"),
        ("data/__main__.py", "import typer\nfrom clinic import weeks"),
        ("models.py", "from datetime import datetime\ndef utc_now():\n    return datetime.now()\nDEFAULT = Field(default_factory=utc_now)"),
        ("data/records.py", "from datetime import date\nSTAMP = lambda: date.today()"),
        ("access/web.py", "import logging\nlogging.getLogger('still_running').warning('errno %(errno)s', {'errno': 1})"),
        ("rehab/weekly.py", '"""See https://example.org/paper."""'),
        ("data/importers/table.py", "def day(line):\n    return line.text('date')"),
        ("rehab/weekly.py", "import datetime\ndef week(as_of: datetime.date) -> datetime.date:\n    return as_of"),
        ("rehab/weekly.py", "from datetime import datetime, time\ndef midnight(day):\n    return datetime.combine(day, time(0, 0))"),
        ("pages/shared/commonly_seen.py", ""),
    ],
)
def test_what_is_allowed_is_not_complained_about(tmp_path: Path, path: str, text: str) -> None:
    assert tree(tmp_path, **{path: text}) == []
