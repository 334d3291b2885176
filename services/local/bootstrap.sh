#!/bin/sh
# Finds a Python that is new enough and lets it make .venv-make: see bootstrap.py. Called by the Makefile.
set -eu

# A version manager leaves programs for versions that are not there: a Python is what says its version.
new_enough() {
    [ "$("$1" -c 'import sys; print(sys.version_info >= (3, 11))' 2>/dev/null)" = True ]
}

if [ -n "${PYTHON:-}" ]; then
    if ! said=$("$PYTHON" -c 'import sys' 2>&1); then
        echo "PYTHON=$PYTHON does not run:" >&2
        echo "$said" >&2
        echo "Name another: make PYTHON=/path/to/python3 …" >&2
        exit 1
    fi
    candidates=$PYTHON
else
    candidates="python3 python3.13 python3.12 python3.11 python3.14 /usr/bin/python3 /usr/local/bin/python3"
fi
for candidate in $candidates; do
    if new_enough "$candidate"; then
        exec "$candidate" "$(dirname "$0")/bootstrap.py" "$@"
    fi
done
echo "No Python 3.11 or newer was found (looked for: $candidates)." >&2
echo "Install one (Debian, Ubuntu: apt install python3 python3-pip), or name it: make PYTHON=/path/to/python3 …" >&2
exit 1
