#!/bin/sh
# Makes the environment .venv in the checkout and installs what is needed: `environment.sh run` or `environment.sh test`.
# Does nothing, quickly, when everything is there. PYTHON names the interpreter; else the newest one that fits is taken.
set -eu
cd "$(dirname "$0")/.."
wanted=$1
here=$(pwd -P)
case "${PYTHON:-}" in "~/"*) PYTHON=$HOME/${PYTHON#"~/"} ;; esac # not every shell expands it behind `PYTHON=`

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $1"; shift; for line in "$@"; do say "       $line"; done; exit 1; }

# A command that is found may still not run (a pyenv shim, say), so each candidate is asked.
fits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
makes_environments() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }
told() { "$1" -V 2>/dev/null || echo "a command that does not run"; }
version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'; }

need_venv_module() {
    fail "$1 ($(told "$1")) cannot make environments: its module venv or ensurepip is missing." \
        "On Debian and Ubuntu it is in the package python$(version_of "$1")-venv, on other systems beside Python itself."
}

choose_python() {
    if [ -n "${PYTHON:-}" ]; then
        command -v "$PYTHON" >/dev/null || fail "PYTHON=$PYTHON is not there."
        fits "$PYTHON" || fail "Hymio needs Python 3.11 or newer; PYTHON=$PYTHON is $(told "$PYTHON")."
        makes_environments "$PYTHON" || need_venv_module "$PYTHON"
        python=$PYTHON
        return
    fi
    bare=
    for python in python3.14 python3.13 python3.12 python3.11 python3 python; do
        fits "$python" || continue
        if makes_environments "$python"; then return; fi
        bare=${bare:-$python}
    done
    if [ -n "$bare" ]; then need_venv_module "$bare"; fi
    fail "Hymio needs Python 3.11 or newer, and none was found (python3 is $(told python3))." \
        "Install one, or name it: make PYTHON=/path/to/python3.13 …"
}

# An environment that was moved still has the old place in its scripts; one whose Python is gone does not start.
usable() {
    [ -x .venv/bin/python ] && fits .venv/bin/python || return 1
    .venv/bin/python -m pip --version >/dev/null 2>&1 || return 1
    grep -qsF "$here/.venv/bin/python" .venv/bin/pip || return 1
    [ -z "${PYTHON:-}" ] || [ "$(version_of "$PYTHON" 2>/dev/null)" = "$(version_of .venv/bin/python)" ]
}

quietly() { # quietly WHAT COMMAND...: one line of progress; the command's output only if it fails
    what=$1; shift
    printf '%s' "$what …" >&2
    log=$(mktemp)
    if "$@" >"$log" 2>&1; then
        say " done"
        rm -f "$log"
    else
        say " failed"
        cat "$log" >&2
        rm -f "$log"
        exit 1
    fi
}

pip() { .venv/bin/python -m pip --disable-pip-version-check --no-input "$@"; }

# The stamp holds sums of contents, so that a checkout with new dates installs nothing again.
state() { cat "$@" scripts/environment.sh | cksum; }
installed() { [ "$(cat ".venv/.installed-$1" 2>/dev/null)" = "$2" ]; }

install() { # install NAME WHAT REQUIREMENTS FILES...
    name=$1; what=$2; requirements=$3; shift 3
    now=$(state "$@")
    if installed "$name" "$now"; then return; fi
    rm -f ".venv/.installed-$name"
    quietly "Installing $what into .venv" pip install -r "$requirements"
    if [ "$name" = run ]; then
        quietly "Installing Hymio itself" pip install --no-deps --editable .
    fi
    printf '%s\n' "$now" > ".venv/.installed-$name"
}

if ! usable; then
    choose_python
    quietly "Making the environment .venv with $("$python" -V 2>&1)" "$python" -m venv --clear .venv
fi
install run "what Hymio runs on" requirements.txt requirements.txt pyproject.toml
if [ "$wanted" = test ]; then
    install test "what its tests need" requirements-dev.txt requirements.txt requirements-dev.txt
fi
