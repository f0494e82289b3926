"""Texts of people and files, shown as they were written."""

import re

# What Markdown and Streamlit's own marks (:red[…], $…$) are made of. A backslash before any of them takes its meaning away.
_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+.!|~$:^=&@-])")
# Addresses become links only after the backslashes were taken out. A word joiner, which is invisible, keeps them apart.
_ADDRESSES = re.compile(r"(?i)(\bwww(?=\.)|\bhttps?:(?=//)|@)")


def plain(text: str) -> str:
    r"""
    Keep a text of people from being read as Markdown.

    >>> print(plain("5*10 min ![x](y)"), plain("www.x.org a@x.org") == "www\u2060\\.x\\.org a\\@\u2060x\\.org")
    5\*10 min \!\[x\]\(y\) True
    """
    return _MARKS.sub(r"\\\1", _ADDRESSES.sub("\\1\u2060", " ".join(text.split())))
