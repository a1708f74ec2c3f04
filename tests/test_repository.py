"""The files round the package agree with each other and with what they promise."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import intr_discover

ROOT = Path(__file__).resolve().parents[1]

# What conda-forge calls the same package.
CONDA_NAMES = {
    "torch": "pytorch",
    "matplotlib": "matplotlib-base",
    "seaborn": "seaborn-base",
    "playwright": "playwright-python",
    "duckdb": "python-duckdb",
}


def tracked_text() -> dict[str, str]:
    """Return the text of every file that git tracks or would track, by its relative path."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    texts = {}
    for name in listing.split("\0"):
        path = ROOT / name
        if name and path.is_file():
            data = path.read_bytes()
            if b"\0" not in data:
                texts[name] = data.decode("utf-8")
    return texts


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def python_requirements() -> dict[str, Requirement]:
    """Return what pyproject.toml asks for: the core, app, notebooks and development tools."""
    extras = project()["optional-dependencies"]
    lines = project()["dependencies"] + extras["app"] + extras["notebooks"] + extras["dev"]
    return {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines}


def constraints() -> dict[str, Requirement]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    names = [canonicalize_name(requirement.name) for requirement in requirements]
    assert len(set(names)) == len(names), "constraints.txt names a package twice"
    return dict(zip(names, requirements, strict=True))


def test_conda_names_the_same_dependencies_with_the_same_versions():
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    (pip,) = [entry["pip"] for entry in listed if isinstance(entry, dict)]
    lines = [entry for entry in listed if isinstance(entry, str) and entry != "pip"]
    lines += [line for line in pip if not line.startswith("--editable")]
    conda = {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines}

    assert str(conda.pop("python").specifier) == project()["requires-python"]
    expected = {
        CONDA_NAMES.get(name, name): requirement.specifier
        for name, requirement in python_requirements().items()
    }
    assert {name: requirement.specifier for name, requirement in conda.items()} == expected
    assert "--editable ." in pip, "the package itself must be installed as well"


def test_constraints_pin_every_dependency_within_its_bounds():
    pinned = constraints()
    for name, requirement in python_requirements().items():
        assert name in pinned, f"constraints.txt lacks {name}"
        (pin,) = pinned[name].specifier
        assert pin.operator == "=="
        assert requirement.specifier.contains(pin.version), f"{requirement} against {pinned[name]}"


def test_constraints_hold_versions_only():
    for name, requirement in constraints().items():
        assert requirement.url is None and not requirement.extras, name
        assert [pin.operator for pin in requirement.specifier] == ["=="], name
    assert "intr-discover" not in constraints()


def test_linux_only_packages_are_left_out_elsewhere():
    linux_only = re.compile(r"nvidia-|cuda-|triton$")
    for name, requirement in constraints().items():
        if linux_only.match(name):
            assert requirement.marker is not None, f"{name} does not exist outside Linux"
            assert requirement.marker.evaluate({"sys_platform": "linux"})
            assert not requirement.marker.evaluate({"sys_platform": "darwin"})


def test_citation_names_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == intr_discover.__version__
    assert citation["license"] == project()["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    (paper,) = citation["references"]
    assert len(paper["authors"]) == 14


def links_to_files() -> list[tuple[str, str]]:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/**/*.md")]
    found = []
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if not re.match(r"https?:|mailto:|#", target):
                found.append((str(page.relative_to(ROOT)), target))
    return found


@pytest.mark.parametrize(("page", "target"), links_to_files())
def test_every_link_to_a_file_leads_somewhere(page, target):
    name, _, heading = target.partition("#")
    path = (ROOT / page).parent / name
    assert path.exists(), f"{page} links to {target}, which does not exist"
    if heading:
        text = path.read_text(encoding="utf-8")
        titles = re.findall(r"^#+ +(.*)$", text, flags=re.MULTILINE)
        anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
        assert heading in anchors, f"{page} links to {target}, but there is no such heading"


def test_ci_script_is_executable():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").startswith("#!/usr/bin/env bash\n")


@pytest.mark.parametrize("script", [".ci/run", "scripts/setup.sh"])
def test_shell_scripts_parse(script):
    shell = "bash" if script == ".ci/run" else "sh"
    subprocess.run([shell, "-n", str(ROOT / script)], check=True)


def test_no_file_names_private_paths_or_package_hosts():
    # Put together here, so that this file does not name them either.
    private = ["/" + "work/", "/tmp/" + "bash_jobs", "/" + "opt/pypi"]
    hosts = ["pypi" + ".org", "files.python" + "hosted", "download.py" + "torch.org"]
    hosts += ["conda" + ".anaconda.org", "npm" + "js.org"]
    for name, text in tracked_text().items():
        for word in private + hosts:
            assert word not in text, f"{name} names {word}"


def run_setup(repository: Path, *options: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Run the set-up script with only the commands in the folder ``path``."""
    return subprocess.run(
        ["/bin/sh", str(repository / "scripts" / "setup.sh"), *options],
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def bare_machine(tmp_path) -> tuple[Path, Path]:
    """Return a copy of what the set-up reads, and a folder of commands without any Python."""
    repository = tmp_path / "a clone"
    (repository / "scripts").mkdir(parents=True)
    for name in ["scripts/setup.sh", "pyproject.toml", "constraints.txt"]:
        (repository / name).write_bytes((ROOT / name).read_bytes())
    commands = tmp_path / "commands"
    commands.mkdir()
    for name in ["cat", "cksum", "dirname", "head", "ls", "rm"]:
        source = next(
            folder / name for folder in (Path("/bin"), Path("/usr/bin")) if (folder / name).exists()
        )
        (commands / name).symlink_to(source)
    return repository, commands


def test_setup_without_python_says_what_to_install(bare_machine):
    repository, commands = bare_machine
    result = run_setup(repository, path=commands)
    assert result.returncode == 2
    assert result.stdout == ""
    assert "no Python 3.11 or newer found" in result.stderr
    assert not (repository / ".venv").exists()


def test_setup_refuses_an_old_python(bare_machine):
    repository, commands = bare_machine
    old = commands / "python3.11"
    old.write_text("#!/bin/sh\nexit 1\n")  # the answer of a Python 3.10 to the question for 3.11
    old.chmod(0o755)
    result = run_setup(repository, path=commands)
    assert result.returncode == 2
    assert "no Python 3.11 or newer found" in result.stderr


def fake_python(folder: Path, log: Path, *, imports: bool = True) -> None:
    """Write a Python that makes environments of itself and notes what it was asked to do."""
    script = f"""#!/bin/sh
echo "$@" >> '{log}'
case "$*" in
    "-m venv "*) mkdir -p "$3/bin" && : > "$3/pyvenv.cfg" && cp "$0" "$3/bin/python" ;;
    "--version") echo "Python 3.11.0" ;;
    "-c import torch"*) exit {0 if imports else 1} ;;
esac
"""
    for name in ["mkdir", "cp"]:
        if not (folder / name).exists():
            (folder / name).symlink_to(Path("/bin") / name)
    (folder / "python3.11").write_text(script)
    (folder / "python3.11").chmod(0o755)


def installations(log: Path) -> int:
    return log.read_text().count("-m pip install")


def test_setup_installs_once_and_again_only_after_a_change(bare_machine, tmp_path):
    repository, commands = bare_machine
    log = tmp_path / "log"
    fake_python(commands, log)

    assert run_setup(repository, path=commands).returncode == 0
    assert installations(log) == 1
    assert "--constraint constraints.txt --editable .[dev,app,notebooks]" in log.read_text()

    again = run_setup(repository, path=commands)
    assert (again.returncode, again.stdout) == (0, "")
    assert installations(log) == 1

    with (repository / "constraints.txt").open("a") as file:
        file.write("# another version\n")
    assert run_setup(repository, path=commands).returncode == 0
    assert installations(log) == 2
    assert log.read_text().count("-m venv") == 1


@pytest.mark.parametrize("damage", ["no python", "half made", "moved"])
def test_setup_mends_a_broken_environment(bare_machine, tmp_path, damage):
    repository, commands = bare_machine
    log = tmp_path / "log"
    fake_python(commands, log)
    run_setup(repository, path=commands)
    if damage == "no python":
        (repository / ".venv" / "bin" / "python").unlink()
    elif damage == "half made":
        (repository / ".venv" / ".intr-discover-installed").unlink()
        (repository / ".venv" / "bin" / "python").write_text("")
        (repository / ".venv" / "bin" / "python").chmod(0o644)
    else:
        repository = repository.rename(tmp_path / "elsewhere")

    assert run_setup(repository, path=commands).returncode == 0
    assert log.read_text().count("-m venv") == 2
    assert installations(log) == 2


def test_setup_gives_up_after_one_new_environment(bare_machine, tmp_path):
    repository, commands = bare_machine
    log = tmp_path / "log"
    fake_python(commands, log, imports=False)
    result = run_setup(repository, path=commands)
    assert result.returncode == 2
    assert "do not work on this machine" in result.stderr
    assert log.read_text().count("-m venv") == 2


def test_setup_never_removes_a_folder_that_is_no_environment(bare_machine, tmp_path):
    repository, commands = bare_machine
    fake_python(commands, tmp_path / "log")
    (repository / ".venv").mkdir()
    (repository / ".venv" / "thesis.txt").write_text("years of work")
    result = run_setup(repository, path=commands)
    assert result.returncode == 2
    assert "is not a Python environment" in result.stderr
    assert (repository / ".venv" / "thesis.txt").read_text() == "years of work"


def test_setup_never_removes_an_environment_elsewhere(bare_machine, tmp_path):
    repository, commands = bare_machine
    fake_python(commands, tmp_path / "log")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "pyvenv.cfg").write_text("")
    result = run_setup(repository, str(theirs), path=commands)
    assert result.returncode == 2
    assert (theirs / "pyvenv.cfg").exists()


def test_no_two_test_files_have_one_name():
    """pytest takes the second for the first when tests are no packages."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
