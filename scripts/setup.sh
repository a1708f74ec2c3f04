#!/bin/sh
# Make the environment .venv and install intr-discover with its development tools into it.
#
#   sh scripts/setup.sh [ENVIRONMENT]      (default: .venv beside pyproject.toml)
#
# Run it as often as you like: it does nothing while pyproject.toml and constraints.txt stay as
# they are, goes on where an interrupted installation stopped, and makes a broken environment anew.
# PYTHON=/path/to/python chooses the Python; PIP_ARGS adds options to `pip install`.
set -eu
cd "$(dirname "$0")/.."
venv=${1:-.venv}
stamp=$venv/.intr-discover-installed

say() { printf '%s\n' "$*"; }
fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 2
}

runs() { # does this Python run, and is it new enough?
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
        if runs "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "no Python 3.11 or newer found${PYTHON:+ at $PYTHON}; install it (for example Debian and Ubuntu:" \
        "apt install python3.11 python3.11-venv; macOS: brew install python@3.11)" \
        "or name one: make setup PYTHON=/path/to/python3.11"
}

# What the finished installation stood on: this folder (environments cannot be moved) and the
# contents of the two files that say what to install.
wanted() {
    pwd
    cksum pyproject.toml constraints.txt
}

healthy() { # Python and pip run
    runs "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1
}

remove_environment() {
    # Only what this script made is ever removed: never an environment or a folder of the user's.
    if [ "$venv" != .venv ]; then
        fail "$venv cannot be used as it is; remove it, or leave out VENV, then run this again"
    elif [ ! -e .venv/pyvenv.cfg ] && [ -n "$(ls -A .venv)" ]; then
        fail ".venv exists and is not a Python environment; move it away and run this again"
    fi
    rm -rf .venv
}

create_environment() {
    python=$(find_python)
    [ ! -e "$venv" ] || remove_environment
    say "Making the environment $venv with $("$python" --version 2>&1) ($python)"
    "$python" -m venv "$venv" || {
        rm -rf "$venv"
        fail "$python cannot make an environment; on Debian and Ubuntu install its venv package" \
            "(apt install python3-venv, or python3.11-venv), then run this again"
    }
}

install() {
    say "Installing intr-discover and what it needs into $venv"
    say "(the first time this takes several minutes: PyTorch with its CUDA libraries is some 3 GB to"
    say " download and 6 GB on disk; it runs on machines without a GPU too. docs/installing.md tells"
    say " how to use the much smaller CPU-only build.)"
    # shellcheck disable=SC2086  # PIP_ARGS is a list of options
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check ${PIP_ARGS:-} \
        --constraint constraints.txt --editable '.[dev,app,notebooks]' ||
        fail "pip could not install everything (its message is above); check the network and the" \
            "free disk space, then run this again: it goes on where it stopped"
}

imports() { # what takes long to install is there whole
    "$venv/bin/python" -c 'import torch, torchvision, timm, accelerate, pandas, cv2, matplotlib' &&
        "$venv/bin/python" -m pip check >/dev/null
}

if [ -e "$stamp" ] && [ "$(head -n 1 "$stamp")" != "$(pwd)" ]; then
    say "The repository has been moved, which environments do not survive"
    remove_environment
fi
if healthy; then
    if [ -e "$stamp" ] && [ "$(wanted)" = "$(cat "$stamp")" ]; then
        exit 0
    fi
else
    create_environment
fi
install
if ! imports; then
    say "The environment $venv is damaged (perhaps an installation was interrupted); it is made anew"
    create_environment
    install
    imports || fail "the installed packages do not work on this machine (the message is above)"
fi
wanted >"$stamp"
say "Done. Next: make demo, or $venv/bin/intr-discover --help"
