"""Conditions such as ``view == 'dorsal' and year >= 1950`` on the rows of a table.

The text is read by a small grammar and compared cell by cell; nothing in it is ever executed::

    or:       and ("or" and)*
    and:      not ("and" not)*
    not:      "not" not | "(" or ")" | column comparison
    comparison: (== | != | < | <= | > | >=) value | ["not"] "in" "(" value ("," value)* ")"

A column whose name is no plain word stands in backticks: ```body length` > 3``.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from intr_discover.errors import UserError, shorten

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'[^']*'|\"[^\"]*\")|(?P<column>`[^`]+`)"
    r"|(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?!\w))"
    r"|(?P<sign>==|!=|<=|>=|<|>|[()\[\],])|(?P<word>[^\W\d]\w*))"
)
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_CLOSING = {"(": ")", "[": "]"}
_KEYWORDS = {"and", "or", "not", "in"}
_DEEPEST = 50  # parentheses within parentheses


class _Token(NamedTuple):
    kind: str
    value: str


def rows_where(table: pd.DataFrame, condition: str) -> np.ndarray:
    """Return which rows of a table fulfil a condition.

    Parameters
    ----------
    table
        Any table; its columns are the names that the condition may use.
    condition
        Comparisons of a column with a quoted text or a number, joined by ``and``, ``or``, ``not``
        and parentheses. Numbers compare as numbers, also where the cells hold text; texts compare
        as texts, capitals apart from small letters. An empty cell, or one that is no number where
        a number is asked for, fulfils ``!=`` and ``not in`` only.

    Returns
    -------
    numpy.ndarray
        ``bool [N]``.

    Raises
    ------
    UserError
        What of the condition cannot be read, or which column the table lacks.
    """
    return _Reader(table, condition).read()


class _Reader:
    def __init__(self, table: pd.DataFrame, condition: str) -> None:
        self.table = table
        self.condition = condition
        self.tokens = self._tokens()
        self.position = 0
        self.depth = 0

    def read(self) -> np.ndarray:
        rows = self._or()
        if self._next().kind != "end":
            raise self._mistake("'and' or 'or'")
        return rows

    def _tokens(self) -> list[_Token]:
        tokens, position = [], 0
        text = self.condition.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                rest = text[position:].strip()
                raise UserError(
                    f"cannot read the condition {self.condition!r} at {rest[:20]!r}: write for "
                    "example view == 'dorsal' and year >= 1950"
                )
            kind = match.lastgroup or ""
            value = match[kind]
            if kind == "word" and value in _KEYWORDS:
                kind = "sign"
            tokens.append(_Token(kind, value))
            position = match.end()
        return [*tokens, _Token("end", "the end")]

    def _next(self) -> _Token:
        return self.tokens[self.position]

    def _take(self, *signs: str) -> str | None:
        token = self._next()
        if token.kind == "sign" and token.value in signs:
            self.position += 1
            return token.value
        return None

    def _or(self) -> np.ndarray:
        rows = self._and()
        while self._take("or"):
            rows = rows | self._and()
        return rows

    def _and(self) -> np.ndarray:
        rows = self._not()
        while self._take("and"):
            rows = rows & self._not()
        return rows

    def _not(self) -> np.ndarray:
        opening = self._take("not", "(")
        if opening is None:
            return self._comparison()
        self.depth += 1
        if self.depth > _DEEPEST:
            raise UserError(f"the condition has more than {_DEEPEST} parentheses in each other")
        if opening == "not":
            rows = ~self._not()
        else:
            rows = self._or()
            if not self._take(")"):
                raise self._mistake("')'")
        self.depth -= 1
        return rows

    def _comparison(self) -> np.ndarray:
        cells = self._column()
        negated = self._take("not") is not None
        if self._take("in"):
            found = np.zeros(len(cells), dtype=bool)
            for value in self._list():
                found |= _compared(cells, "==", value)
            return ~found if negated else found
        sign = None if negated else self._take(*_COMPARE)
        if sign is None:
            raise self._mistake("'in'" if negated else "one of == != < <= > >= in")
        return _compared(cells, sign, self._value())

    def _column(self) -> pd.Series:
        token = self._next()
        if token.kind not in ("word", "column"):
            raise self._mistake("the name of a column")
        name = token.value.strip("`")
        if name not in self.table:
            there = shorten(list(self.table.columns), most=20)
            raise UserError(
                f"the condition {self.condition!r} asks for a column '{name}'; "
                f"the table has {there}"
            )
        self.position += 1
        return self.table[name]

    def _list(self) -> list[str | float]:
        opening = self._take("(", "[")
        if opening is None:
            raise self._mistake("a list such as ('dorsal', 'ventral')")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        if not self._take(_CLOSING[opening]):
            raise self._mistake(f"',' or '{_CLOSING[opening]}'")
        return values

    def _value(self) -> str | float:
        token = self._next()
        if token.kind not in ("text", "number"):
            raise self._mistake("a number, or a text in quotes such as 'dorsal',")
        self.position += 1
        return token.value[1:-1] if token.kind == "text" else float(token.value)

    def _mistake(self, expected: str) -> UserError:
        found = self._next().value
        return UserError(
            f"cannot read the condition {self.condition!r}: {expected} should stand where "
            f"{found!r} is"
        )


def _compared(cells: pd.Series, sign: str, value: str | float) -> np.ndarray:
    """Return ``bool [N]``; an empty cell is unequal to everything and neither less nor greater."""
    compare = _COMPARE[sign]
    if isinstance(value, float):
        numbers = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        return np.asarray(compare(numbers, value), dtype=bool)
    return np.array(
        [sign == "!=" if pd.isna(cell) else bool(compare(str(cell), value)) for cell in cells],
        dtype=bool,
    )
