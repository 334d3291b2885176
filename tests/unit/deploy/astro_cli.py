"""In the Astro CLI's place: a program that notes how it was called, and refuses what the CLI refuses."""

import json
import os
import shutil
import subprocess
import sys

# Options of the Astro CLI, 1.46: cmd/cloud/env_conn.go and cmd/cloud/deployment_objects.go there.
SCOPE = ["--deployment-id"]
CONNECTION = [*SCOPE, "--type", "--host", "--login", "--schema", "--port", "--extra"]
POOL = [*SCOPE, "--name", "--slots", "--description", "--include-deferred"]
OPTIONS = {
    "env connection create": [*CONNECTION, "--key"],
    "env connection update": CONNECTION,
    "deployment pool list": SCOPE,
    "deployment pool create": POOL,
    "deployment pool update": POOL,
}
FAKE_ASTRO = f"""#!{sys.executable}
import json, os, sys

words = sys.argv[1:]
piped = sys.stdin.read() if words[0] == "env" else ""
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps([words, piped]) + "\\n")
command, rest = " ".join(words[:3]), words[3:]
if command == "env connection update":
    rest = rest[1:]
options = dict(zip(rest[::2], rest[1::2], strict=True))
if unknown := set(options) - set({OPTIONS!r}[command]):
    sys.exit(f"Error: unknown flag: {{unknown}}")
if command.startswith("deployment pool ") and command != "deployment pool list":
    if options.get("--include-deferred") not in ("enable", "disable"):
        sys.exit("Error: --include-deferred is required on Airflow 3: enable or disable")
existing = json.loads(os.environ.get("EXISTING", "[]"))
if command == "deployment pool list":
    print(" NAME             SLOTS     INCLUDE DEFERRED")
    for name in ["default_pool", *existing]:
        print(f" {{name:16}} 128       false")
if command.endswith(" create") and (options.get("--key") or options.get("--name")) in existing:
    sys.exit("Error: it exists")
"""


def run_astro(folder, tmp_path, *arguments, existing=()):
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
        env=os.environ | {"PATH": path, "CALLS": str(calls), "EXISTING": json.dumps(list(existing))},
        capture_output=True,
        text=True,
        timeout=600,
    )
    seen = []
    for words, piped in map(json.loads, calls.read_text().splitlines()):
        positional = words[3:4] if words[:3] == ["env", "connection", "update"] else []
        rest = words[3 + len(positional) :]
        options = dict(zip(rest[::2], rest[1::2], strict=True)) | (
            {"--key": positional[0]} if positional else {}
        )
        seen.append((" ".join(words[:3]), options, piped))
    return ran.returncode, ran.stderr, seen


def connection_of(options, piped):
    """What the CLI makes of a connection's options."""
    names = {"--type": "conn_type", "--host": "host", "--schema": "schema", "--login": "login"}
    fields = {name: options[option] for option, name in names.items() if option in options}
    fields |= {"port": int(options["--port"])} if "--port" in options else {}
    fields |= {"extra": json.loads(options["--extra"])} if "--extra" in options else {}
    return fields | ({"password": piped.rstrip("\r\n")} if piped else {})
