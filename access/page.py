"""
Pages made by the server alone, without Streamlit and without a script: the ones before the gate, and those that ask for a secret.

They take their look from .streamlit/config.toml, as the app does.
"""

import functools
import html
import importlib.util
import re
import tomllib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from access import logs
from data.database import DatabaseUnusable

ROOT = Path(__file__).resolve().parent.parent
FORM_BYTES_MAX = 20_000
# The pages that come before: no script at all.
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; font-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)


@functools.cache
def streamlit_page() -> str:
    """Give Streamlit's own page, in which the whole app runs."""
    found = importlib.util.find_spec("streamlit")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("streamlit is not installed")
    return (Path(found.submodule_search_locations[0]) / "static" / "index.html").read_text(encoding="utf-8")


@functools.cache
def _style() -> str:
    """Write the look of the app, as .streamlit/config.toml has it, for pages without Streamlit."""
    theme = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]

    def colours(scheme: dict[str, str]) -> str:
        return (
            f"--ground: {scheme['backgroundColor']}; --raised: {scheme['secondaryBackgroundColor']}; --ink: {scheme['textColor']}; "
            f"--quiet: {scheme['grayTextColor']}; --rule: {scheme['borderColor']}; --accent: {scheme['primaryColor']};"
        )

    font = re.search(r'href="\.(/static/media/SourceSansVF-Upright[^"]+)"', streamlit_page())
    face = f'@font-face {{ font-family: "Source Sans"; src: url("{font[1]}") format("woff2"); font-weight: 200 900; }}' if font else ""
    return f"""{face}
:root {{ color-scheme: light dark; {colours(theme["light"])} }}
@media (prefers-color-scheme: dark) {{ :root {{ {colours(theme["dark"])} }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--ground); color: var(--ink); font: 400 1rem/1.6 "Source Sans", "Segoe UI", Arial, sans-serif; }}
main {{ max-width: 35rem; margin: 0 auto; padding: 3.75rem 1rem 3rem; }}
h1 {{ font-size: 1.75rem; font-weight: 600; line-height: 1.2; margin: 0 0 0.5rem; }}
h2 {{ font-size: 1.375rem; font-weight: 600; line-height: 1.2; margin: 1.5rem 0 0.75rem; }}
p {{ margin: 0.5rem 0; }}
a {{ color: var(--accent); }}
.quiet {{ color: var(--quiet); }}
.demo {{ border: 2px solid var(--accent); border-radius: 0.375rem; padding: 0.5rem 0.75rem; font-weight: 600; margin: 1rem 0; }}
.refused {{ border-left: 4px solid var(--accent); background: var(--raised); padding: 0.5rem 0.75rem; }}
label {{ display: block; font-weight: 600; margin: 1rem 0 0.25rem; }}
input {{ width: 100%; font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--quiet); border-radius: 0.375rem; padding: 0.5rem 0.75rem; }}
label.choice {{ display: flex; align-items: center; gap: 0.6rem; font-weight: 400; margin-top: 1.25rem; }}
label.choice input {{ width: 1.25rem; height: 1.25rem; accent-color: var(--accent); }}
button {{ font: inherit; width: 100%; min-height: 2.75rem; margin: 0.25rem 0; padding: 0.4rem 0.75rem; border-radius: 0.375rem; cursor: pointer;
  color: inherit; background: var(--ground); border: 1px solid var(--rule); }}
input + button {{ margin-top: 0.75rem; }}
button:hover {{ border-color: var(--accent); }}
button.first, a.first {{ color: var(--ground); background: var(--accent); border-color: var(--accent); font-weight: 600; margin-top: 1.25rem; }}
a.first {{ display: block; text-align: center; text-decoration: none; border: 1px solid; border-radius: 0.375rem; padding: 0.55rem 0.75rem; }}
summary {{ cursor: pointer; margin: 1rem 0 0; }}
.done {{ border-left: 4px solid var(--accent); padding: 0.25rem 0.75rem; font-weight: 600; }}
.qr {{ width: fit-content; margin: 1rem 0; border-radius: 0.375rem; overflow: hidden; background: #fff; line-height: 0; }}
.qr svg {{ width: 13rem; height: 13rem; }}
.secret, .codes {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }}
.codes {{ list-style: none; margin: 1rem 0; padding: 1rem; display: grid; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)); gap: 0.5rem 1rem;
  background: var(--raised); border-radius: 0.375rem; }}
:focus-visible {{ outline: 3px solid var(--accent); outline-offset: 2px; }}"""


def page(title: str, body: str, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Give a whole page; `body` is HTML whose texts were escaped already."""
    return HTMLResponse(
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{html.escape(title)}</title><link rel="icon" href="data:,"><style>{_style()}</style></head><body><main>{body}</main></body></html>',
        status_code=status,
        headers={"content-security-policy": PAGE_POLICY, **(headers or {})},
    )


def paragraph(text: str, kind: str = "") -> str:
    """Write a paragraph of plain text, escaped; nothing for no text."""
    return f'<p class="{kind}"{" role=alert" if kind == "refused" else ""}>{html.escape(text)}</p>' if text else ""


def hidden(name: str, value: str) -> str:
    """Write a hidden field of a form."""
    return f'<input type="hidden" name="{name}" value="{html.escape(value)}">'


async def form_of(request: Request) -> dict[str, str] | None:
    """Read a small form; None if it is too large or not one of ours."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > FORM_BYTES_MAX:
            return None
    try:
        fields = parse_qs(content.decode("ascii"), keep_blank_values=True, max_num_fields=10, errors="strict")
    except ValueError:
        return None
    return {name: values[0] for name, values in fields.items()}


def refused_form() -> Response:
    """Answer a form that is none of ours."""
    return page(
        "Not accepted", "<h1>Not accepted</h1><p>This form did not come from this page.</p><p><a href='/'>Begin again</a></p>", status=403
    )


def unusable(error: Exception) -> Response:
    """Answer when the database cannot be used: in words, without what it said."""
    logs.broke(error)
    said = str(error) if isinstance(error, DatabaseUnusable) else "The database cannot be read at present. Nothing was changed."
    return page("Still Running cannot start", f"<h1>Not ready</h1>{paragraph(said)}", status=503)


def comes_from_here(request: Request) -> bool:
    """Say whether a form was sent by one of our own pages. Who says nothing about it is not believed."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return bool(origin) and urlsplit(origin or "").netloc == request.headers.get("host")
