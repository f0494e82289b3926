"""
Texts that try to become something else: a script, a link, a request, a formula, another layout.

Each one that runs calls `ran()`; each one that becomes an element carries `data-h`; each one that asks elsewhere asks `evil.example`.
"""

import itertools
from collections.abc import Iterator

OUTSIDE = "evil.example"
_TAGS = (
    "<script data-h>ran()</script>",
    "<img data-h src=x onerror=ran()>",
    f"<img data-h src=//{OUTSIDE}/i>",
    "<svg data-h onload=ran()>",
    "<svg data-h><script>ran()</script></svg>",
    "<svg data-h><animate onbegin=ran() attributeName=x dur=1s>",
    "<iframe data-h srcdoc='<script>parent.ran()</script>'></iframe>",
    f"<iframe data-h src=//{OUTSIDE}></iframe>",
    "<a data-h href=javascript:ran()>x</a>",
    f"<a data-h href=//{OUTSIDE}>x</a>",
    "<body data-h onload=ran()>",
    "<details data-h open ontoggle=ran()>",
    "<input data-h autofocus onfocus=ran()>",
    "<video data-h><source onerror=ran()></video>",
    "<math data-h><mi xlink:href=javascript:ran()>x</mi></math>",
    f"<style data-h>@import '//{OUTSIDE}/c';</style>",
    f"<link data-h rel=stylesheet href=//{OUTSIDE}/c>",
    f"<form data-h action=//{OUTSIDE}><button>Sign in</button></form>",
    "<object data-h data=javascript:ran()></object>",
    f"<base data-h href=//{OUTSIDE}/>",
    "<template data-h><b>x</b></template>",
    "<b data-h>bold</b><br data-h>",
)
_AROUND = ("{}", '">{}', "'>{}", "</title>{}", "</textarea>{}", "</style>{}", "</svg>{}", "--><!-- -->{}", "]]>{}", "\\u003c/script>{}")
_MARKDOWN = (
    f"![x](http://{OUTSIDE}/m.png)",
    f"[x](http://{OUTSIDE})",
    "[x](javascript:ran())",
    f"<http://{OUTSIDE}>",
    f"http://{OUTSIDE}/auto",
    f"www.{OUTSIDE}",
    f"[x]: http://{OUTSIDE}",
    "# heading",
    "* item",
    "1. item",
    "> quote",
    "---",
    "`code`",
    "~~~x",
    "**bold** _it_ ~~no~~",
    "| a | b |",
    "[ ] box",
    "&lt;script&gt;ran()&lt;/script&gt;",
    "&#60;img src=x onerror=ran()&#62;",
    "&nbsp;&copy;",
    "$x^2$",
    "$$\\href{javascript:ran()}{x}$$",
    f"$\\includegraphics{{http://{OUTSIDE}/l.png}}$",
    "\\(x\\)",
    ":red[x]",
    ":red-background[x]",
    ":material/home:",
    ":streamlit:",
    ":small[x]",
    ":rainbow[x]",
    ":smile:",
    "-> <- -- >=",
    ":blue-badge[x]",
    "[^1]",
    "\\",
    "\\\\`",
)
_TEMPLATES = (
    "{{7*7}}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "%{x} %{customdata} %{text}",
    "%s%s%s%n",
    "%(number)s",
    "{0.__class__}",
    "{}",
    "%d %",
    "'; DROP TABLE patient; --",
    "' OR '1'='1",
    '"}]}',
    "\\x3cscript\\x3eran()\\x3c/script\\x3e",
    "../../../etc/passwd",
    "javascript:ran()",
    "data:text/html,<script>ran()</script>",
    "null",
    "None",
    "NaN",
    "true",
    "0",
    "-0",
    "1e309",
)
_FORMULAS = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    f'=HYPERLINK("http://{OUTSIDE}")',
    "=cmd|'/C calc'!A0",
    "\t=1+1",
    '"=1+1',
    "'=1+1",
    "＝1+1",
)
_UNICODE = (
    "\u202egnp.exe",
    "a\u2066b\u2069c",
    "zero\u200bwidth\u200d\ufeff",
    "Z̷̡a̸l̵g̴o̶" * 6,
    "é vs e\u0301",
    "👩🏽‍⚕️🏃🏿‍♀️",
    "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "عربى left",
    "日本語の名前",
    "ﷺ" * 10,
    "İıſK",
    "\u0000nul\u0007bell",
    "line\nbreak\r\n\u2028para",
    "\u00a0\u3000blank",
    "A" * 190,
    "<" * 150,
    "&" * 150,
    "W" * 60 + " " + "i" * 60,
    "\U000e0041tag",
    "½⅔ ²³",
)


def hostile_texts() -> Iterator[str]:
    """
    Give all of them; each ends with its number, so that one is known from another, and has at most 200 characters.

    >>> texts = list(hostile_texts())
    >>> len(texts) >= 300, len(set(texts)) == len(texts), max(len(text) for text in texts) <= 200
    (True, True, True)
    """
    tags = (around.format(tag) for tag, around in itertools.product(_TAGS, _AROUND))
    for number, text in enumerate(itertools.chain(tags, _MARKDOWN, _TEMPLATES, _FORMULAS, _UNICODE)):
        yield f"{text} {number:03d}"
