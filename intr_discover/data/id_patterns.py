"""Where the id stands in a photograph's name: a regular expression, or a name with fields.

A pattern with ``(?P<`` is a regular expression. Else, one with a field such as ``{id}`` is a name
with fields: ``{id}_dorsal.jpg``, ``*/{id}_*.tif``. Neither is ever taken for the other, since a
regular expression needs the group ``(?P<id>…)``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from intr_discover.data.folders import IMAGE_SUFFIXES
from intr_discover.data.tables import as_text
from intr_discover.errors import UserError

_PIECES = re.compile(r"\{([A-Za-z_]\w*)\}|(\*\*/)|(\*)|(\?)|([{}])|([^{}*?]+)", re.ASCII)


@dataclass(frozen=True)
class IdPattern:
    """A pattern ready to be asked.

    Attributes
    ----------
    fields
        Names of the other fields of a name with fields; they become columns. Empty for a regular
        expression.
    with_fields
        Whether it is a name with fields.
    """

    expression: re.Pattern[str]
    fields: tuple[str, ...]
    with_fields: bool
    whole_path: bool = False
    with_ending: bool = False

    def read(self, name: str) -> dict[str, str] | None:
        """Return the id and the fields of a photograph, None where there is no id.

        Parameters
        ----------
        name
            POSIX path relative to the folder of photographs.
        """
        path = PurePosixPath(name)
        if not self.with_fields:
            found = self.expression.search(path.stem)
            number = as_text(found["id"]) if found else None
            return None if number is None else {"id": number}
        asked = path if self.with_ending else path.with_suffix("")
        match = self.expression.fullmatch(str(asked) if self.whole_path else asked.name)
        values = (
            {field: as_text(text) for field, text in match.groupdict().items()} if match else {}
        )
        if values.get("id") is None:
            return None
        return {field: text for field, text in values.items() if text is not None}


def compile_id_pattern(pattern: str) -> IdPattern:
    """Return a pattern ready to be asked.

    Parameters
    ----------
    pattern
        A regular expression with a group ``id``, looked for anywhere in the file's name without its
        ending; or a name with fields, which the whole name must fit. There ``{name}`` is at least
        one character and as few as fit, ``*`` any number, ``?`` one, none of them across folders,
        and ``**/`` any folders or none. With a ``/`` it is compared with the path below the folder
        of photographs, with an ending of a picture also with the ending (capitals or not).

    Raises
    ------
    UserError
        No id, a stray brace, or no regular expression.
    """
    if "(?P<" in pattern or not re.search(r"\{[A-Za-z_]\w*\}", pattern, re.ASCII):
        return _regular_expression(pattern)
    ending = PurePosixPath(pattern).suffix
    with_ending = ending.lower() in IMAGE_SUFFIXES or "*" in ending or "?" in ending
    body = pattern.removesuffix(ending) if with_ending else pattern
    text, fields = _translated(body, pattern, [])
    if with_ending:
        after, fields = _translated(ending, pattern, fields)
        text += f"(?i:{after})"
    if "id" not in fields:
        raise UserError(f"the id pattern {pattern!r} has no field {{id}}")
    if "image" in fields:
        raise UserError(f"the id pattern {pattern!r}: a field cannot be called {{image}}")
    others = tuple(field for field in fields if field != "id")
    return IdPattern(re.compile(text), others, True, "/" in pattern, with_ending)


def _regular_expression(pattern: str) -> IdPattern:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UserError(f"the id pattern {pattern!r} is no regular expression: {error}") from error
    if "id" not in compiled.groupindex:
        raise UserError(
            f"the id pattern {pattern!r} has no group (?P<id>…) and no field {{id}}: "
            "write for example '{id}_dorsal.jpg'"
        )
    return IdPattern(compiled, (), False)


def _translated(text: str, pattern: str, fields: list[str]) -> tuple[str, list[str]]:
    """Return part of a name with fields as a regular expression, and all fields so far."""
    parts: list[str] = []
    seen = list(fields)
    for field, folders, star, one, brace, plain in _PIECES.findall(text):
        if brace:
            raise UserError(
                f"the id pattern {pattern!r} has a stray {brace!r}: a field is letters in braces, "
                "for example {id}"
            )
        if field in seen:
            parts.append(f"(?P={field})")
        elif field:
            seen.append(field)
            parts.append(f"(?P<{field}>[^/]+?)")
        else:
            wild = (folders and "(?:[^/]+/)*") or (star and "[^/]*") or (one and "[^/]")
            parts.append(wild or re.escape(plain))
    return "".join(parts), seen
