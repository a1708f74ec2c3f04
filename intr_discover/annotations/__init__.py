"""What people say: names of heads, answers of blind studies, edits; in a database.

``open_database`` gives a ``Database``; its ``names``, ``studies`` and ``edits`` take and return
plain frozen dataclasses.
"""

from intr_discover.annotations.database import Database, open_database, usual_file
from intr_discover.annotations.edits import Edit
from intr_discover.annotations.names import AgreedName, HeadName
from intr_discover.annotations.study_design import Answer, HumanStudy, Item, Question

__all__ = [
    "AgreedName",
    "Answer",
    "Database",
    "Edit",
    "HeadName",
    "HumanStudy",
    "Item",
    "Question",
    "open_database",
    "usual_file",
]
