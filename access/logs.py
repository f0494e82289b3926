"""
What stands in the log: what kind of fault, where in the program, and a number to find it by. Never what it said.

Messages of faults and of libraries may hold a name, a note or a whole row. So every record of every logger passes through `_record`,
whoever's handler writes it and from whichever thread. Only the app's own logger says something, in fixed words and allowed keys.
"""

import errno
import logging
import re
import secrets
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

OWN = "still_running"
# What our own sentences may name. None of them can hold a text of people or files.
ALLOWED_KEYS = frozenset({"number", "errno", "person_id", "count", "milliseconds", "reason"})
LEFT_OUT = "(left out)"
FRAMES_MAX, CAUSES_MAX = 12, 6
_ROOT = Path(__file__).resolve().parent.parent
_WORDS = re.compile(r"[A-Za-z0-9_.:-]{1,40}")
_make_record = logging.LogRecord


def install() -> None:
    """Take the words out of all logs of this process, and bring into the log what Python would write past it. Safe to call again."""
    logging.setLogRecordFactory(_record)
    own = logging.getLogger(OWN)
    if not own.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        own.addHandler(handler)
        own.propagate = False
    logging.raiseExceptions = False  # else a handler that fails prints the record's arguments
    sys.excepthook = _unhandled
    threading.excepthook = lambda given: _unhandled(given.exc_type, given.exc_value, given.exc_traceback)
    sys.unraisablehook = lambda given: _unhandled(given.exc_type, given.exc_value, given.exc_traceback)
    warnings.showwarning = _warned  # type: ignore[assignment]
    traceback.print_exc = _printed  # Streamlit's runtime prints the fault that ends it


def number_of(error: BaseException) -> str:
    """Give the number under which a fault stands in the log; the person who met it is told the same."""
    number: str = vars(error).setdefault("_still_running_number", secrets.token_hex(4))
    return number


def broke(error: BaseException) -> str:
    """Write a fault into the log; gives its number."""
    logging.getLogger(OWN).error("Something broke.", exc_info=error)
    return number_of(error)


def told(error: BaseException) -> str:
    """
    Say what kind of fault it was and where, from the inside out, with what it came from.

    >>> try:
    ...     int("Ada Aardvark")
    ... except ValueError as error:
    ...     print(told(error).split(" at ")[0].replace(number_of(error), "…"))
    ValueError […]
    """
    parts, seen = list[str](), set[int]()
    for one in _chain(error):
        if id(one) in seen or len(parts) == CAUSES_MAX:
            break
        seen.add(id(one))
        parts.append(f"{type(one).__name__}{_code(one)} [{number_of(one)}] at {_places(one.__traceback__)}")
    return "; from ".join(parts)


def _chain(error: BaseException) -> Iterator[BaseException]:
    yield error
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _chain(one)
    cause = error.__cause__ or error.__context__
    if cause is not None:
        yield from _chain(cause)


def _places(trace: TracebackType | None) -> str:
    frames = [f"{place(frame.f_code.co_filename)}:{line} in {frame.f_code.co_name}" for frame, line in traceback.walk_tb(trace)]
    if not frames:
        return "no place"
    kept = frames[-FRAMES_MAX:][::-1]
    return " < ".join([*kept, f"{len(frames) - FRAMES_MAX} more"] if len(frames) > FRAMES_MAX else kept)


def place(file_name: str) -> str:
    """
    Name a file of the program without the folders above it.

    >>> place("/usr/lib/python3/site-packages/streamlit/error_util.py")
    'streamlit/error_util.py'
    """
    path = Path(file_name)
    if "site-packages" in path.parts:
        return "/".join(path.parts[path.parts.index("site-packages") + 1 :])
    return path.relative_to(_ROOT).as_posix() if path.is_relative_to(_ROOT) else path.name


def _code(error: BaseException) -> str:
    """Give the word that a system or a database has for a fault; such words are of a closed list."""
    original = getattr(error, "orig", None) or error
    words = [
        errno.errorcode.get(error.errno or 0) if isinstance(error, OSError) else None,
        getattr(original, "sqlite_errorname", None),
        getattr(original, "sqlstate", None),
        type(original).__name__ if original is not error else None,
    ]
    known = [word for word in words if isinstance(word, str) and _WORDS.fullmatch(word)]
    return f" ({', '.join(known)})" if known else ""


def _record(
    name: str,
    level: int,
    pathname: str,
    lineno: int,
    msg: object,
    args: Any,
    exc_info: Any,
    func: str | None = None,
    sinfo: Any = None,
    **_: Any,
) -> logging.LogRecord:
    """Make a record without words of others, without values and without source lines."""
    said = _own_words(msg, args) if name == OWN else f"{LEFT_OUT} at {place(pathname)}:{lineno} in {func}"
    fault = msg if isinstance(msg, BaseException) else _fault(exc_info)
    if fault is not None:
        said = f"{said} {told(fault)}"
    return _make_record(name, level, pathname, lineno, said, (), None, func, None)


def _own_words(msg: object, args: Any) -> str:
    try:
        return str(msg) % _allowed(args)
    except (TypeError, ValueError):
        return LEFT_OUT


def _fault(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, tuple):
        return exc_info[1]  # type: ignore[no-any-return]
    return exc_info if isinstance(exc_info, BaseException) else None


class _Allowed(dict[str, Any]):
    def __missing__(self, _key: str) -> str:
        return LEFT_OUT


def _allowed(args: Any) -> Mapping[str, Any]:
    """Keep the allowed keys, of these whole numbers and single plain words."""
    given = args[0] if isinstance(args, tuple) and len(args) == 1 else args
    if not isinstance(given, Mapping):
        return _Allowed()
    kept = {key: value for key, value in given.items() if key in ALLOWED_KEYS and _WORDS.fullmatch(str(value))}
    return _Allowed(kept)


def _unhandled(_kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None) -> None:
    if error is not None and not isinstance(error, KeyboardInterrupt | SystemExit):
        broke(error)


def _warned(_message: object, category: type[Warning], filename: str, lineno: int, *_more: object, **_named: object) -> None:
    said = f"{category.__name__} at {place(filename)}:{lineno}"
    logging.getLogger(OWN).handle(_make_record(OWN, logging.WARNING, filename, lineno, said, (), None))


def _printed(*_given: object, **_named: object) -> None:
    error = sys.exception() if hasattr(sys, "exception") else sys.exc_info()[1]
    if error is not None:
        broke(error)
