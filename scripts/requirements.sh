#!/bin/sh
# Updates requirements.txt and requirements-dev.txt for all supported Python versions. Called by `make requirements`.
# Each pin has the hashes of its files: pip installs nothing else, and refuses a requirement without a hash.
# Pins that still fit are kept; ARGS="--upgrade-package litestar" upgrades one, ARGS=--upgrade all.
set -eu
cd "$(dirname "$0")/.."

tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
"${PYTHON:-python3}" -m venv "$tools/uv"
"$tools/uv/bin/python" -m pip install --quiet --disable-pip-version-check uv

pin() { # pin OUTPUT SOURCE...
    output=$1; shift
    UV_CUSTOM_COMPILE_COMMAND="make requirements" "$tools/uv/bin/uv" pip compile --quiet --universal \
        --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --output-file "$output" "$@"
    # Where files were looked for on this machine is nobody else's business: lines of options are left out.
    grep -v '^--' "$output" > "$tools/pinned.txt"
    cat "$tools/pinned.txt" > "$output"
}

pins() { # pins FILE: its pins without their hashes
    sed -n 's/ *\\$//; /^[a-z]/p' "$1"
}

pin requirements.txt pyproject.toml "$@"
if [ -f requirements-dev.txt ]; then grep -v '^-r ' requirements-dev.txt > "$tools/dev.txt"; fi
pins requirements.txt > "$tools/run.txt"
pin "$tools/dev.txt" --group dev --constraints "$tools/run.txt" "$@"

{
    echo "-r requirements.txt"
    # A pin that requirements.txt has is left out together with the lines of its hashes.
    awk 'NR == FNR { there[$0]; next } /^[a-z]/ { pin = $0; sub(/ *\\$/, "", pin); out = pin in there } !out' \
        "$tools/run.txt" "$tools/dev.txt"
} > requirements-dev.txt
