"""Commands that are made of found files: ``study NAME`` and ``figure NAME``.

Names and titles are read from the files; one is imported when it is run, or when its own help is
asked for. Standard library and Typer only at the top, as in ``cli``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer
from typer.core import TyperGroup

from intr_discover.errors import UserError
from intr_discover.plugins import Listed

if TYPE_CHECKING:
    from intr_discover.studies.study import Option

REQUIRED = inspect.Parameter.empty
"""The default of an option that must be given."""


class PluginGroup(TyperGroup):
    """The commands of one kind of plug-in, made when they are needed."""

    what: ClassVar[str]
    """One of them, in a message."""

    heading: ClassVar[str]
    """All of them, in the help."""

    def listed(self) -> list[Listed]:
        """Return them, without importing one."""
        raise NotImplementedError

    def made(self, name: str) -> tuple[str, Callable[..., None]]:
        """Return the help and the function of one of them."""
        raise NotImplementedError

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names."""
        return [each.name for each in self.listed()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return one command.

        Raises
        ------
        UserError
            If there is none of that name.
        """
        names = self.list_commands(ctx)
        if cmd_name not in names:
            raise UserError(f"there is no {self.what} '{cmd_name}'; there are: {', '.join(names)}")
        words, function = self.made(cmd_name)
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(cmd_name, help=words)(function)
        return typer.main.get_command(single)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write names and titles into the help."""
        with formatter.section(self.heading):
            formatter.write_dl([(each.name, each.title) for each in self.listed()])


def with_parameters(
    command: Callable[..., None], parameters: Mapping[str, tuple[Any, Any]]
) -> Callable[..., None]:
    """Return a function with the signature that Typer reads.

    Parameters
    ----------
    command
        Takes everything by name.
    parameters
        Name → annotation and default; ``REQUIRED`` for one that must be given.
    """
    known = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default
        )
        for name, (annotation, default) in parameters.items()
    ]
    command.__signature__ = inspect.Signature(known)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in known}
    return command


def own_parameter(option: Option) -> tuple[Any, Any]:
    """Return annotation and default of a plug-in's own option."""
    one: Any = list[option.kind] if option.repeated else option.kind  # type: ignore[name-defined]
    kind: Any = one if option.default is not None else one | None
    words = () if option.flag is None else (option.flag,)
    return Annotated[kind, typer.Option(*words, help=option.help)], option.default
