"""The Astro CLI for tests: a program in its place that notes how it was called."""

import json
import os
import shutil
import subprocess
import sys

# Options of the Astro CLI, 1.46: cmd/cloud/env_conn.go and cmd/cloud/deployment_objects.go there.
SCOPE = {"--deployment-id"}
CONNECTION = {"--type", "--host", "--login", "--schema", "--port", "--extra"}
ASTRO_OPTIONS = {
    "env connection create": SCOPE | CONNECTION | {"--key"},
    "env connection update": SCOPE | CONNECTION,
    "deployment pool create": SCOPE | {"--name", "--slots", "--description"},
    "deployment pool update": SCOPE | {"--name", "--slots", "--description"},
}
# In the place of the CLI: notes its arguments and what comes through the pipe, and refuses to create twice.
FAKE_ASTRO = f"""#!{sys.executable}
import json, os, sys

piped = sys.stdin.read() if sys.argv[1] == "env" else ""
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps([sys.argv[1:], piped]) + "\\n")
sys.exit(sys.argv[3] == "create" and "exists" in os.environ)
"""


def run_astro(folder, tmp_path, *arguments, **environment):
    """(exit status, standard error, [(command, options, text through the pipe)])."""
    programs = tmp_path / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "astro").write_text(FAKE_ASTRO)
    (programs / "astro").chmod(0o755)
    calls = tmp_path / "calls"
    calls.write_text("")
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        [shutil.which("sh"), str(folder / "astro.sh"), *arguments],
        env=os.environ | {"PATH": path, "CALLS": str(calls)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    seen = []
    for words, piped in map(json.loads, calls.read_text().splitlines()):
        positional = words[3:4] if words[:3] == ["env", "connection", "update"] else []
        rest = words[3 + len(positional) :]
        options = dict(zip(rest[::2], rest[1::2], strict=True)) | (
            {"--key": positional[0]} if positional else {}
        )
        assert set(rest[::2]) <= ASTRO_OPTIONS[" ".join(words[:3])]
        seen.append((" ".join(words[:3]), options, piped))
    return ran.returncode, ran.stderr, seen


def connection_of(options, piped):
    """What the CLI makes of a connection's options."""
    names = {"--type": "conn_type", "--host": "host", "--schema": "schema", "--login": "login"}
    fields = {name: options[option] for option, name in names.items() if option in options}
    fields |= {"port": int(options["--port"])} if "--port" in options else {}
    fields |= {"extra": json.loads(options["--extra"])} if "--extra" in options else {}
    return fields | ({"password": piped.rstrip("\r\n")} if piped else {})
