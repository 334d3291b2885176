#!/bin/sh
# Finds a Python that is new enough and lets it make .venv-make: see bootstrap.py. Called by the Makefile.
set -eu

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
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
