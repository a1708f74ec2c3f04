"""Arrows between the rooms point one way, and what is imported is what the project names."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "intr_discover"

# A room may import its own files and those of the rooms named here.
BOTTOM = {"downloads", "errors", "files", "plugins", "provenance"}
MAY_IMPORT = {
    "catalogue": {"downloads", "errors", "files"},
    "downloads": {"errors", "files"},
    "errors": set(),
    "files": set(),
    "plugins": set(),
    "provenance": set(),
    "console": {"errors"},
    "doctor": BOTTOM,
    "model": BOTTOM,
    "data": BOTTOM,
    "figures": BOTTOM,
    "training": BOTTOM | {"model", "data", "figures"},
    "explain": BOTTOM | {"model", "data", "figures"},
    "edits": BOTTOM,
    # Photographs before any model sees them: no torch, no studies.
    "preparation": BOTTOM | {"data", "edits"},
    # Writes down what models say. The studies do not know it: they are handed an explainer.
    "extraction": BOTTOM | {"model", "data", "explain"},
    "studies": BOTTOM | {"model", "data", "figures", "explain", "edits"},
    # The statistics alone: what people say needs no model.
    "annotations": BOTTOM | {"studies"},
    "exhibits": BOTTOM | {"model", "data", "figures", "explain", "edits", "studies"},
    "report": BOTTOM | {"model", "data", "figures", "explain", "edits", "studies"},
    # Trains other methods beside ours and measures all with the parts of the studies.
    "neighbours": BOTTOM | {"model", "data", "figures", "explain", "edits", "studies", "training"},
    # Runs our commands in processes of their own: it knows their files, not their rooms.
    "rerun": BOTTOM,
    # A surface, as the command line and the app are; nothing below it knows of it.
    "widgets": BOTTOM | {"model", "data", "figures", "explain", "edits", "studies"},
}

# Modules whose name is not that of the package that brings them.
PROVIDED_BY = {
    "IPython": "ipywidgets",
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "pi_heif": "pi-heif",
    "pytorch_grad_cam": "grad-cam",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "traitlets": "ipywidgets",
    "yaml": "pyyaml",
}


def imports(path: Path) -> set[str]:
    """Return the full names of what a file imports, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written out in full"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def ours(path: Path) -> set[str]:
    """Return the rooms of intr_discover that a file imports from."""
    names = [name.split(".") for name in imports(path)]
    return {parts[1] for parts in names if parts[0] == "intr_discover" and len(parts) > 1}


FILES = sorted(PACKAGE.rglob("*.py"))
# Runs in another environment, whose packages are none of ours.
OTHER_ENVIRONMENT = PACKAGE / "neighbours" / "cabrnet_program.py"
SCRIPTS = sorted((ROOT / "data_prep").rglob("*.py"))
APP = sorted((ROOT / "apps").rglob("*.py"))


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [f for f in FILES if room_of(f) in MAY_IMPORT], ids=label)
def test_a_room_imports_only_from_rooms_below_it(path):
    room = room_of(path)
    # `from intr_discover import __version__` is no arrow to another room.
    wrong = ours(path) - MAY_IMPORT[room] - {room, "__version__"}
    assert not wrong, f"{label(path)} in room {room} imports from {sorted(wrong)}"


def test_every_room_has_its_rule():
    surfaces = {
        "cli",
        "cli_annotations",
        "cli_app",
        "cli_characters",
        "cli_discover",
        "cli_doctor",
        "cli_edit",
        "cli_extract",
        "cli_figure",
        "cli_neighbours",
        "cli_models",
        "cli_notebooks",
        "cli_options",
        "cli_plugins",
        "cli_prepare",
        "cli_rerun",
        "cli_rings",
        "cli_shard",
        "cli_study",
        "cli_trait",
        "__init__",
        "__main__",
    }
    assert {room_of(path) for path in FILES} <= set(MAY_IMPORT) | surfaces


def test_nothing_but_its_command_imports_the_app():
    """The app is a surface: what the project is must work without it."""
    importing = {
        room_of(path)
        for path in FILES
        if any(name.split(".")[0] == "apps" for name in imports(path))
    }
    assert importing == {"cli_app"}


def test_everything_else_works_without_the_widgets():
    importing = {room_of(path) for path in FILES if "widgets" in ours(path)}
    assert importing == {"widgets"}


def test_annotations_take_nothing_but_statistics_from_the_studies():
    files = [path for path in FILES if room_of(path) == "annotations"]
    assert files
    taken = {
        name for path in files for name in imports(path) if name.split(".")[1:2] == ["studies"]
    }
    assert {name.rpartition(".")[0] for name in taken} == {"intr_discover.studies.statistics"}


@pytest.mark.parametrize(
    "path", [f for f in FILES if room_of(f) in ("figures", "edits")], ids=label
)
def test_figures_and_edits_know_no_torch(path):
    assert not {name for name in imports(path) if name.split(".")[0] in ("torch", "timm")}


@pytest.mark.parametrize("path", FILES + SCRIPTS + APP, ids=label)
def test_every_imported_package_is_a_dependency(path):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"]]
    if path in APP:
        lines += project["optional-dependencies"]["app"]
    if "widgets" in path.parts:
        lines += project["optional-dependencies"]["notebooks"]
    declared = {Requirement(line).name.lower() for line in lines}
    known = {"intr_discover", "data_prep", "apps", "__future__"} | set(sys.stdlib_module_names)
    if path == OTHER_ENVIRONMENT:
        known.add("cabrnet")
    modules = {name.split(".")[0] for name in imports(path)} - known
    missing = {module for module in modules if PROVIDED_BY.get(module, module) not in declared}
    assert not missing, f"{label(path)} imports {sorted(missing)}, not named in pyproject.toml"


@pytest.mark.parametrize("module", ["intr_discover", "intr_discover.cli"])
def test_import_is_light(module):
    code = f"import sys, {module}; print(sorted({{'torch', 'pandas', 'timm'}} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == "[]"


def test_the_program_of_the_other_environment_takes_nothing_of_ours():
    assert not ours(OTHER_ENVIRONMENT)
    importing = [path for path in FILES if "intr_discover.neighbours.cabrnet_program" in
                 {name.rpartition(".")[0] for name in imports(path)} | imports(path)]  # fmt: skip
    assert not importing
