"""The tables of the database, and the version of their layout.

Nothing is ever overwritten: who changes an answer adds a later one. Times are texts (ISO 8601, UTC,
microseconds, all of one length), so that they sort as texts and come back exactly from any
database.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

APPLICATION = "intr-discover annotations"
VERSION = 1
"""Raised by every change of the tables."""

NAME_LENGTH = 200
"""Most characters of the name of a rater or a study. All other texts may be of any length."""

_TIME, _HASH = String(32), String(64)

metadata = MetaData()

about = Table(
    "annotations_about",
    metadata,
    Column("application", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
)

raters = Table(
    "raters",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(NAME_LENGTH), nullable=False, unique=True),
)

head_names = Table(
    "head_names",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("rater", ForeignKey("raters.id"), nullable=False),
    Column("model", _HASH, nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("head", Integer, nullable=False),
    Column("name", Text),  # NULL: the rater sees no attribute
    Column("time", _TIME, nullable=False),
)

studies = Table(
    "studies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(NAME_LENGTH), nullable=False, unique=True),
    Column("seed", Integer, nullable=False),
    Column("vocabulary", Text, nullable=False),  # a JSON list
    Column("time", _TIME, nullable=False),
)

study_items = Table(
    "study_items",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study", ForeignKey("studies.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("image", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("label", Text),
    Column("vocabulary", Text),  # a JSON list; NULL: that of the study
    UniqueConstraint("study", "number"),
)

study_answers = Table(
    "study_answers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item", ForeignKey("study_items.id"), nullable=False),
    Column("rater", ForeignKey("raters.id"), nullable=False),
    Column("ticked", Text, nullable=False),  # a JSON list
    Column("time", _TIME, nullable=False),
)

edits = Table(
    "edits",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("image_hash", _HASH, nullable=False),
    Column("number", Integer, nullable=False),
    Column("image", Text, nullable=False),
    Column("parent", Integer),  # number of the edit of the same image that it starts from
    Column("operation", Text, nullable=False),  # a JSON object
    Column("mask", LargeBinary, nullable=False),  # PNG
    Column("result_hash", _HASH, nullable=False),
    Column("before", Text, nullable=False),  # a JSON object
    Column("after", Text, nullable=False),  # a JSON object
    Column("rater", ForeignKey("raters.id"), nullable=False),
    Column("time", _TIME, nullable=False),
    UniqueConstraint("image_hash", "number"),
)

Index("study_answers_item_rater", study_answers.c.item, study_answers.c.rater)
