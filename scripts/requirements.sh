#!/bin/sh
# Updates requirements.txt and requirements-dev.txt for all supported Python versions. Called by `make requirements`.
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
        --python-version 3.11 --no-header --no-annotate --output-file "$output" "$@"
}

pin requirements.txt pyproject.toml "$@"
if [ -f requirements-dev.txt ]; then grep -v '^-r ' requirements-dev.txt > "$tools/dev.txt"; fi
pin "$tools/dev.txt" --group dev --constraints requirements.txt "$@"

{
    echo "-r requirements.txt"
    grep -vxF -f requirements.txt "$tools/dev.txt"
} > requirements-dev.txt
