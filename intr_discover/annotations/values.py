"""Texts, times and hashes as the database takes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from intr_discover.annotations.schema import NAME_LENGTH
from intr_discover.errors import UserError

NONE = "none"
"""What a rater says, and what a CSV file holds, where a head shows no attribute."""

_HASH = re.compile(r"[0-9a-f]{64}")


def clean_text(text: str, what: str) -> str:
    """Return a text as it is stored: as given, without white space round it.

    Parameters
    ----------
    text
        Any Unicode text; line breaks, quotes, tags and SQL are text like any other.
    what
        What it is, for the message.

    Raises
    ------
    UserError
        If nothing is left of it, or if it holds what no database can store: the NUL sign, or half
        of a surrogate pair.
    """
    text = text.strip()
    if not text:
        raise UserError(f"{what} is empty: write something")
    check_storable(text, what)
    return text


def clean_name(text: str, what: str) -> str:
    """Return the name of a rater or a study as it is stored: one line of at most 200 signs.

    Raises
    ------
    UserError
        As ``clean_text``, and for a name of several lines or too many signs.
    """
    text = clean_text(text, what)
    if len(text) > NAME_LENGTH:
        raise UserError(f"{what} has {len(text)} signs: use at most {NAME_LENGTH}")
    if len(text.splitlines()) > 1:
        raise UserError(f"{what} has several lines: write it on one")
    return text


def check_storable(text: str, what: str) -> str:
    """Return a text unchanged, such as a class or a file, if every database can store it.

    Raises
    ------
    UserError
        If it is empty, and for the NUL sign or half of a surrogate pair.
    """
    if not text:
        raise UserError(f"{what} is empty")
    if "\0" in text or not _is_unicode(text):
        raise UserError(f"{what} {text!a} holds a sign that is no text: leave it out")
    return text


def same_words(text: str) -> str:
    """Return what two spellings of one name have in common: no case, single spaces."""
    return " ".join(text.casefold().split())


def clean_hash(text: str, what: str) -> str:
    """Return a SHA-256 as 64 small hexadecimal digits.

    Raises
    ------
    UserError
        If it is not one.
    """
    digits = text.strip().lower()
    if not _HASH.fullmatch(digits):
        raise UserError(f"{what} {text!a} is no SHA-256: it has 64 hexadecimal digits")
    return digits


def now_after(previous: str | None) -> str:
    """Return the time now, as text; later than ``previous`` even if the clock was put back.

    The latest answer of a rater counts, so that a correction must never seem to be older than what
    it corrects.
    """
    time = datetime.now(UTC)
    if previous is not None:
        time = max(time, datetime.fromisoformat(previous) + timedelta(microseconds=1))
    return write_time(time)


def write_time(time: datetime) -> str:
    """Return a time as text: UTC, microseconds, always of one length."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def read_time(text: str) -> datetime:
    """Return the time that a text says; without a time zone it is taken as UTC.

    Raises
    ------
    UserError
        If it is no time.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"'{text}' is no time such as 2026-01-31T12:00:00+00:00") from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
