"""Texts of people and files, shown as they were written."""

import re

# What Markdown and Streamlit's own marks (:red[…], $…$) are made of. A backslash before any of them takes its meaning away.
_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+.!|~$:^=&@-])")


def plain(text: str) -> str:
    r"""
    Keep a text of people from being read as Markdown.

    >>> print(plain("5*10 min ![x](http://y)"))
    5\*10 min \!\[x\]\(http\://y\)
    """
    return _MARKS.sub(r"\\\1", " ".join(text.split()))
