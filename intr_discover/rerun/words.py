"""The words of a recorded command, for another folder. They come from a file: none is trusted.

A command is repeated only where it is one of ours that writes nowhere but into its ``--out``, and
every word of it is an option or an argument that this command has. No shell ever sees it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from intr_discover.errors import UserError
from intr_discover.rerun.record import Record

# Each writes into --out alone; tests/rerun/test_records.py looks at the options of all of them.
REPEATED = (
    "discover",
    "edit",
    "evaluate",
    "explain",
    "extract",
    "figure",
    "study",
    "train",
    "trait",
)
LEFT_OUT = ("out", "overwrite", "resume")
"""Options that say where to, or what to do with what is there: the new folder is new."""

Words = list[tuple[Any, str | None]]
"""Options with their values, None for a flag; an argument has no option."""


def repeated_words(commands: Any, record: Record, out: Path) -> list[str]:
    """Return the words after ``intr-discover`` that make a result once more.

    Parameters
    ----------
    commands
        The command line: a Typer (Click) group with all commands.
    record
        Of the result.
    out
        The folder that the new one goes to.

    Raises
    ------
    UserError
        If the command is none of those that can be repeated, or holds a word that it does not know.
    """
    path, command, rest = _find(commands, record)
    given = parse(command, rest, record)
    if path == ["discover"]:
        path, command, given = _one_study(commands, given, record)
    elif path[0] == "figure":
        out = out / _file_name(given, record)
    elif path == ["train"]:
        given = _with_recorded_settings(command, given, record)
    words = []
    for option, value in given:
        if option is not None and option.name not in LEFT_OUT:
            words += [option.opts[0]] if value is None else [f"{option.opts[0]}={value}"]
    arguments = [value for option, value in given if option is None and value is not None]
    return [*path, *words, f"--out={out}", "--", *arguments]


def parse(command: Any, words: Sequence[str], record: Record) -> Words:
    """Return options and arguments of a command; nothing is called and no file is opened.

    Raises
    ------
    UserError
        For an option that the command has not, a value that is missing, or an address on a network.
    """
    options = {
        name: option
        for option in command.params
        if option.param_type_name == "option" and not option.is_eager
        for name in option.opts
    }
    given: Words = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if word == "--":
            given += [(None, argument) for argument in waiting]
            break
        if not word.startswith("--"):
            given.append((None, word))
            continue
        name, has_value, after = word.partition("=")
        if name not in options:
            raise UserError(f"{record.path}: its command has no option {name}, and is not run")
        if options[name].is_flag:
            if has_value:
                raise UserError(f"{record.path}: the option {name} takes no value")
            given.append((options[name], None))
            continue
        if not has_value and not waiting:
            raise UserError(f"{record.path}: the option {name} has no value")
        given.append((options[name], after if has_value else waiting.pop(0)))
    for _, value in given:
        if value is not None and "://" in value:
            raise UserError(
                f"{record.path}: its command asks for the address {value}; a command from a file "
                "is not led to another machine"
            )
    return given


def _find(commands: Any, record: Record) -> tuple[list[str], Any, list[str]]:
    """Return the names of a command, the command, and the words after it."""
    name, *rest = record.command
    if name not in REPEATED:
        raise UserError(
            f"{record.path}: the command '{name}' is not repeated; those that are: "
            f"{', '.join(REPEATED)}"
        )
    command = commands.get_command(None, name)
    if command is None:
        raise UserError(f"{record.path}: this version has no command '{name}'")
    if not hasattr(command, "list_commands"):
        return [name], command, rest
    if not rest:
        raise UserError(f"{record.path}: its command does not say which {name}")
    return [name, rest[0]], command.get_command(None, rest[0]), rest[1:]


def _file_name(given: Words, record: Record) -> str:
    """Return the name of the file that a figure's command wrote, without its folder."""
    named = [
        Path(value).name for option, value in given if option and value and option.name == "out"
    ]
    if not named or named[-1] in ("", ".", ".."):
        raise UserError(f"{record.path}: its command does not say which file it wrote")
    return named[-1]


def _one_study(commands: Any, given: Words, record: Record) -> tuple[list[str], Any, Words]:
    """Return the command of one study of a report, on as many photographs as there.

    Raises
    ------
    UserError
        If the report was made of several models, or the record names no study.
    """
    values = {option.name: value for option, value in given if option is not None}
    if "folds" in values:
        raise UserError(
            f"{record.path}: a study over folds rests on a model for each of them and is not "
            "repeated alone; call the whole command again with another --out"
        )
    name, settings = record.content.get("study"), record.part("settings")
    if not isinstance(name, str) or not isinstance(settings.get("split"), str):
        raise UserError(f"{record.path}: does not say which study it is of")
    study = commands.get_command(None, "study").get_command(None, name)
    places = [value for option, value in given if option is None and value is not None]
    if places in ([], ["demo"]):
        places = ["demo", "demo"]
    elif len(places) == 1:  # the report trained its own model
        places = [str(record.folder.absolute().parent / "run"), *places]
    options = {option.name: option for option in study.params if option.param_type_name == "option"}
    words: Words = [(None, place) for place in places]
    shared = ("classes", "names", "batch_size", "device", "precision", "seed", "full")
    words += [(options[each], values[each]) for each in shared if each in values]
    words += [(options["split"], settings["split"])]
    if record.part("limit"):
        words += [(options["planned_as"], str(record.path.absolute()))]
    own = settings.get("options")
    for each, value in own.items() if isinstance(own, dict) else ():
        if each not in options:
            raise UserError(f"{record.path}: the study {name} has no option '{each}'")
        words += _option_words(options[each], value)
    return ["study", name], study, words


def _option_words(option: Any, value: Any) -> Iterable[tuple[Any, str | None]]:
    """Return an option's value as words; nothing for one that was not given."""
    if value is None or value is False:
        return []
    if option.is_flag:
        return [(option, None)]
    return [(option, str(each)) for each in (value if isinstance(value, list) else [value])]


def _with_recorded_settings(command: Any, given: Words, record: Record) -> Words:
    """Return the words of a training with every setting as it was.

    Presets change from version to version, files of settings are written anew, and the last command
    of an interrupted training may have said no more than ``--resume``.
    """
    settings = record.part("settings")
    if not settings:
        return given
    (setting,) = [option for option in command.params if option.name == "setting"]
    kept = [
        (option, value)
        for option, value in given
        if option is None or option.name in ("init", "skip_broken", "device")
    ]
    # JSON is YAML, which is what the option reads.
    return kept + [(setting, f"{name}={json.dumps(value)}") for name, value in settings.items()]
