# Sourced by the other scripts (POSIX sh): one virtual environment built from a lock file, and nothing global.

# The Python to use: $PYTHON, python3, or a versioned one, the first that is new enough and can make virtual environments, which need a
# separate package on Debian.
find_python() {
  unfit=
  for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
    if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
      echo "$candidate"
      return
    fi
    unfit="${unfit:-$candidate}"
  done
  if [ -n "$unfit" ]; then
    version="$("$unfit" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
    echo "$unfit cannot make virtual environments. On Debian and Ubuntu: apt-get install python$version-venv" >&2
  else
    echo "Andon needs Python 3.11 or newer; found none (looked for: ${PYTHON:-python3, python3.13, python3.12, python3.11})." >&2
  fi
  return 1
}

# make_venv FOLDER: an empty environment; an existing one that still runs is kept.
make_venv() {
  if "$1/bin/python" -m pip --version >/dev/null 2>&1; then return; fi
  python="$(find_python)" || return 1
  echo "Creating $1 with $("$python" --version)" >&2
  "$python" -m venv --clear "$1"
}

# fingerprint LOCK: changes when any source of the environment does.
fingerprint() {
  cat requirements-bootstrap.lock "$1" pyproject.toml hatch_build.py src/andon/console/package-lock.json | cksum
}

# is_current LOCK FOLDER
is_current() {
  [ -x "$2/bin/python" ] && [ "$(cat "$2/.$1" 2>/dev/null)" = "$(fingerprint "$1")" ]
}

# ensure_venv LOCK [FOLDER]: FOLDER (.venv) gets all packages that LOCK names, and Andon itself from src/. Prints nothing if it has
# them already. Other packages stay: running the demo in a developer's checkout removes no tool. Everything is compiled, as by
# pip: where Python must not write bytecode (PYTHONDONTWRITEBYTECODE), each start of a process costs half as much.
ensure_venv() {
  lock="$1"
  venv="${2:-.venv}"
  if is_current "$lock" "$venv" || is_current requirements-dev.lock "$venv"; then return; fi
  make_venv "$venv" || return 1
  echo "Installing the packages of $lock into $venv" >&2
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bootstrap.lock &&
    "$venv/bin/python" script/uv.py pip install --quiet --compile-bytecode --require-hashes --no-deps -r "$lock" &&
    "$venv/bin/python" script/uv.py pip install --quiet --no-deps --editable . &&
    "$venv/bin/python" -m compileall -q src || return 1
  fingerprint "$lock" >"$venv/.$lock"
}
