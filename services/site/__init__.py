"""The documents as a site: `make docs`. It runs in .venv-docs and imports nothing of ours."""
