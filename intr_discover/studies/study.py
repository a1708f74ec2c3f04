"""What a study is: one question, asked of a model and many photographs.

A module of this package that defines a ``Study`` by the name ``STUDY`` is found by the registry,
and with that it is a command, a section of the report, and whatever else lists studies::

    STUDY = Study(name="heads", title="Does a head look for one thing?", order=30, weight=2.0, ...)

``name``, ``title`` and ``order`` are written as plain values: the command line reads them from the
file without importing it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.explain.method import Method
from intr_discover.figures.head_names import NO_NAMES, HeadNames
from intr_discover.studies.budget import Speed, StudyPlan, stratified_sample
from intr_discover.studies.result import StudyResult
from intr_discover.studies.result import provenance as describe_run
from intr_discover.studies.studied import Studied

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Option:
    """A choice of one study, beside those that all of them have.

    Attributes
    ----------
    name
        A Python name; ``--top-heads`` on the command line for ``top_heads``.
    help
        One line for people.
    kind
        The type of its value: ``str``, ``int``, ``float`` or ``bool``.
    default
        Its value where none is given; None when the study finds its own.
    flag
        The word for the command line, such as ``--with``; by default made from the name.
    repeated
        Whether it may be given several times; its value is a list then, or None.
    """

    name: str
    help: str
    kind: type[str] | type[int] | type[float] | type[bool] = str
    default: str | int | float | bool | None = None
    flag: str | None = None
    repeated: bool = False


@dataclass(frozen=True)
class KeyNumber:
    """A number of the summary that the report shows, with its interval and n.

    Attributes
    ----------
    key
        In the summary. ``<key>_low`` and ``<key>_high`` hold its 95 % interval, where there is one.
    words
        What it is.
    form
        ``"share"`` is written in per cent, ``"number"`` as it is.
    n
        The entry of the summary that says on how many photographs it rests.
    """

    key: str
    words: str
    form: Literal["share", "number"] = "share"
    n: str | None = "n"


@dataclass(frozen=True)
class StudyInputs:
    """What a study is given.

    Attributes
    ----------
    model
        The model; None for a study that looks at the photographs alone (``Study.without_model``),
        and for one of a method that holds a model of its own.
    specimens
        The photographs, of the wanted split only; their labels are known to the model.
    split
        Which split they are: ``train``, ``val``, ``test`` or ``all``.
    seed
        Of everything random.
    full
        Whether to leave nothing out, neither photographs nor figures, however long it takes.
    seconds, speed
        The time that the study has, and how fast the model is; None for no limit.
    command
        The command line, word by word, for the record.
    batch_size
        Most images that go through the model at once.
    progress
        Called with (steps done, steps in all).
    options
        Values of the study's own options by name; complete, see ``Study.inputs``.
    names
        What people call the heads of the model; they stand in tables and figures.
    method
        Another way to explain than INTR's heads, whose units are studied in their place
        (``Study.any_method``); None for the model's own heads.
    device
        Where further models run that a study loads beside such a method.
    """

    model: Explainer | None
    specimens: Specimens
    split: str
    seed: int = 0
    full: bool = False
    seconds: float | None = None
    speed: Speed | None = None
    command: Sequence[str] | None = None
    batch_size: int = 32
    progress: Progress | None = None
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    names: HeadNames = field(default_factory=lambda: NO_NAMES)
    method: Method | None = None
    device: str = "auto"

    @property
    def studied(self) -> Studied:
        """Return the method, or the model where no other method is studied."""
        return self.explainer if self.method is None else self.method

    @property
    def explainer(self) -> Explainer:
        """Return the model, for whoever cannot do without."""
        assert self.model is not None, "only a study that works without a model runs without one"
        return self.model

    @property
    def limit(self) -> dict[str, Any]:
        """Return, under ``limit``, by what the number of photographs was planned; else nothing."""
        if self.seconds is None or self.speed is None:
            return {}
        return {"limit": {"seconds": self.seconds, **asdict(self.speed)}}

    def sample(self, count: int) -> Specimens:
        """Return so many of the photographs, each label with its share, drawn by the seed."""
        rows = stratified_sample(self.specimens.table["label"].tolist(), count, self.seed)
        return self.specimens.with_table(self.specimens.table.iloc[rows])

    def provenance(self, used: Specimens, **settings: Any) -> dict[str, Any]:
        """Return the record of how a result was made, for ``StudyResult.provenance``.

        Parameters
        ----------
        used
            The photographs that the result rests on.
        settings
            Choices beside the study's own options that change a number.

        Returns
        -------
        dict
            See ``result.provenance``; among its ``settings``: ``split``, ``images`` (how many were
            used), ``images_available`` and ``options``, the study's own by name. Where the time was
            limited there is also ``limit``: the seconds, and the speed that they were planned by.
        """
        if self.method is not None:
            settings["method"] = self.method.name
        model = self.model if self.method is None else self.method
        record = describe_run(
            self.command,
            self.seed,
            None if model is None else model.fingerprint,
            used.fingerprint(),
            device=None if self.model is None else self.model.device_name,
            precision=None if self.model is None else self.model.precision,
            split=self.split,
            images=len(used),
            images_available=len(self.specimens),
            options=dict(self.options),
            **settings,
        )
        return record | self.limit


Pool = Callable[[Mapping[int, StudyResult], StudyInputs], StudyResult]
"""Makes one result of those of several folds, by the number of the fold. The inputs are those of
the whole collection, without a model: every fold has its own."""


def nothing(inputs: StudyInputs) -> str | None:
    """Say that a study can run on any model and any photographs."""
    return None


@dataclass(frozen=True)
class Study:
    """One question, and how it is answered.

    Attributes
    ----------
    name
        The word for the command line and for folders: lower-case letters, digits, underscores.
    title
        The question that a biologist asks.
    order
        Its place among the studies.
    weight
        Its share of the time of a report, relative to the other studies.
    plan
        How many photographs and passes it will take; quick, and without opening a photograph.
    run
        Does it. Uses as many photographs as ``plan`` says.
    findings
        Sentences with numbers, in plain words, from the result.
    needs
        Why it cannot run on these inputs; None when it can.
    reading
        How to read its figures and numbers: one short paragraph of plain words.
    key_numbers
        What the report shows of the summary.
    options
        Its own choices.
    without_model
        Whether it can also answer from the photographs alone; ``inputs.model`` is None then.
    from_extraction
        Whether all it asks are logits and maps, so that answers extracted before do as well as a
        model (``--extracted``).
    any_method
        Whether it can also be asked of another way to explain (``--method``); ``inputs.method``
        is that way then.
    pool
        Works its numbers out again from the tables of all folds together. Without it the numbers
        of the folds stand side by side, as mean and range: those of a study whose units (head 3,
        a mean map) are not the same in two trainings.
    """

    name: str
    title: str
    order: int
    weight: float
    plan: Callable[[StudyInputs], StudyPlan]
    run: Callable[[StudyInputs], StudyResult]
    findings: Callable[[StudyResult], list[str]]
    needs: Callable[[StudyInputs], str | None] = nothing
    reading: str = ""
    key_numbers: tuple[KeyNumber, ...] = ()
    options: tuple[Option, ...] = ()
    without_model: bool = False
    from_extraction: bool = False
    any_method: bool = False
    pool: Pool | None = None

    def inputs(self, inputs: StudyInputs, given: Mapping[str, Any] | None = None) -> StudyInputs:
        """Return the inputs with this study's options filled in.

        Parameters
        ----------
        inputs
            Whatever options they carry are dropped.
        given
            Values of this study's options; None stands for the default.

        Raises
        ------
        UserError
            If the study has no such option.
        """
        values = {option.name: option.default for option in self.options}
        for name, value in (given or {}).items():
            if name not in values:
                there = ", ".join(values) if values else "none"
                raise UserError(f"study {self.name} has no option '{name}'; it has: {there}")
            if value is not None:
                values[name] = value
        return replace(inputs, options=MappingProxyType(values))
