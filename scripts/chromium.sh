#!/bin/sh
# The browser tests need Chromium: install it where this can be done without asking anybody (as
# root on Debian or Ubuntu); elsewhere say that these tests are skipped. Never fails.
set -u
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then
        exit 0
    fi
done
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Chromium for the browser tests (once; about 115 MB)"
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    if { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium; } >/dev/null 2>&1; then
        exit 0
    fi
    echo "Chromium could not be installed: the browser tests will be skipped" >&2
else
    echo "No Chromium here: the browser tests will be skipped (Debian and Ubuntu:" \
        "sudo apt install chromium)" >&2
fi
