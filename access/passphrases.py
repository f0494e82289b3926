"""
Passphrases: how they are kept, compared and judged.

Only an argon2id hash is kept (argon2-cffi). The list of common ones and the estimate of the rest are zxcvbn's.
"""

import functools
import secrets
import threading
import unicodedata

import argon2
from zxcvbn import zxcvbn
from zxcvbn.frequency_lists import FREQUENCY_LISTS

PASSPHRASE_MIN, PASSPHRASE_MAX = 12, 256
# How hard to guess a passphrase must be, 0 to 4 as zxcvbn has it: 2 withstands about 100,000,000 guesses, far beyond the throttle.
STRENGTH_MIN = 2
STRENGTH_READ_MAX = 72  # zxcvbn reads no more

_hasher = argon2.PasswordHasher()  # argon2id by RFC 9106's low-memory profile: 64 MiB, 3 passes, 4 lanes
_hashing = threading.BoundedSemaphore(2)  # 64 MiB each: a crowd at the door must not eat the memory of those inside


class PassphraseRefused(ValueError):
    """The passphrase cannot be taken; the text says why."""


@functools.cache
def hash_of_nobody() -> str:
    """Give the hash of a passphrase that nobody knows: a name that is not there is compared with it."""
    return hashed(secrets.token_urlsafe(24))


def hashed(passphrase: str) -> str:
    """Give the argon2id hash to keep."""
    with _hashing:
        return _hasher.hash(unicodedata.normalize("NFC", passphrase))


def fits(stored: str, passphrase: str) -> bool:
    """Compare by hashing. One that is too long to be any is hashed short, so that the answer takes the same time, and never fits."""
    too_long = len(passphrase) > PASSPHRASE_MAX
    with _hashing:
        try:
            _hasher.verify(stored, unicodedata.normalize("NFC", passphrase[:PASSPHRASE_MAX]).encode("utf-8", "surrogatepass"))
        except argon2.exceptions.VerifyMismatchError:
            return False
    return not too_long


def is_outdated(stored: str) -> bool:
    """Say whether a hash was made with other costs than today's."""
    return _hasher.check_needs_rehash(stored)


def check_passphrase(passphrase: str, known_about_them: tuple[str, ...] = ()) -> None:
    """
    Refuse a passphrase that others would guess. No rules on kinds of characters: length and rarity count.

    The list of common passwords and the estimate are zxcvbn's (https://pypi.org/project/zxcvbn/); it ships 30,000 of them.

    Raises
    ------
    PassphraseRefused
        With the reason.
    """
    text = unicodedata.normalize("NFC", passphrase)
    if len(text) < PASSPHRASE_MIN:
        raise PassphraseRefused(f"A passphrase has at least {PASSPHRASE_MIN} characters. Four or five words are good.")
    if len(text) > PASSPHRASE_MAX:
        raise PassphraseRefused(f"A passphrase has at most {PASSPHRASE_MAX} characters.")
    if text.casefold() in _common():
        raise PassphraseRefused("This passphrase is on lists of common ones. Choose another.")
    words = [word for about in known_about_them for word in (about, *about.split()) if word]
    if zxcvbn(text[:STRENGTH_READ_MAX], user_inputs=words)["score"] < STRENGTH_MIN:
        raise PassphraseRefused(
            "This passphrase is easy to guess: it repeats, counts, or is built from names and common words. Choose another."
        )


@functools.cache
def _common() -> frozenset[str]:
    return frozenset(FREQUENCY_LISTS["passwords"])
