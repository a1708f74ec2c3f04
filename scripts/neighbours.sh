#!/bin/sh
# Make the environment .venv-neighbours with CaBRNet, which trains ProtoPNet and ProtoTree.
#
#   sh scripts/neighbours.sh [ENVIRONMENT]      (default: .venv-neighbours beside pyproject.toml)
#
# CaBRNet wants an old Gradio and an old scikit-learn, so it never shares an environment with
# intr-discover: `intr-discover study neighbours` runs it as a process of its own. It is LGPL, and
# nothing of it is in this repository. PYTHON=/path/to/python chooses the Python (3.10 to 3.12),
# PIP_ARGS adds options to `pip install`.
set -eu
cd "$(dirname "$0")/.."
venv=${1:-.venv-neighbours}
wanted='cabrnet==1.2 safetensors==0.8.0'
stamp=$venv/.cabrnet-installed

fail() {
    printf 'neighbours: %s\n' "$*" >&2
    exit 2
}

fits() { # does this Python run, and is it one that CaBRNet takes?
    "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 13))' >/dev/null 2>&1
}

find_python() {
    for candidate in ${PYTHON:-python3.11 python3.12 python3.10 python3}; do
        if fits "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "CaBRNet needs Python 3.10 to 3.12${PYTHON:+, not $PYTHON}; install one, or name it:" \
        "make neighbours PYTHON=/path/to/python3.11"
}

if [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && fits "$venv/bin/python"; then
    exit 0
fi
if [ -e "$venv" ] && [ ! -e "$venv/pyvenv.cfg" ]; then
    fail "$venv exists and is not a Python environment; move it away and run this again"
fi
if ! fits "$venv/bin/python"; then
    python=$(find_python)
    printf 'Making the environment %s with %s\n' "$venv" "$python"
    "$python" -m venv --clear "$venv" || fail "$python cannot make an environment"
fi
echo 'Installing CaBRNet and what it needs (some 6 GB with PyTorch; several minutes)'
# shellcheck disable=SC2086  # lists of words
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check ${PIP_ARGS:-} $wanted ||
    fail "pip could not install everything (its message is above); check the network and the free" \
        "disk space, then run this again"
"$venv/bin/python" -c 'import cabrnet.archs.protopnet.model, safetensors.torch' ||
    fail "the installed packages do not work on this machine (the message is above)"
printf '%s' "$wanted" >"$stamp"
echo 'Done. Next: intr-discover study neighbours DATA --methods intr,protopnet,prototree --out DIR'
