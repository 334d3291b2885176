"""docker, kind, kubectl and helm for tests: each writes down how it was called, and keeps what it makes.

Run as the program whose name it has on PATH. Its state is a JSON file beside it; `fails` in there lists what
is to go wrong: {"when": words of the command, "times": n, "says": text, "code": status, "sleeps": seconds}.
"""

import base64
import hashlib
import json
import sys
import time
from pathlib import Path

HOME = Path(sys.argv[0]).resolve().parent
STATE = HOME / "state.json"
NODE_PORTS = {"30080/tcp": "airflow", "30333/tcp": "s3", "30646/tcp": "s3_admin"}


def value_of(arguments: list[str], option: str) -> str:
    for place, each in enumerate(arguments):
        if each == option:
            return arguments[place + 1]
        if each.startswith(f"{option}="):
            return each.partition("=")[2]
    return ""


def docker(state: dict, arguments: list[str], given: str) -> str:
    match arguments:
        case ["info", *_]:
            return "28.3.0"
        case ["build", *_]:
            state["images"].append(value_of(arguments, "--tag"))
            return "#1 building"
        case ["image", "inspect", *_, image]:
            return "sha256:" + hashlib.sha256(f"{image} {state['built']}".encode()).hexdigest()
        case ["tag", _, new]:
            state["images"].append(new)
        case ["image", "ls", *_]:
            return "\n".join(sorted(set(state["images"])))
        case ["image", "rm", image]:
            state["images"] = [each for each in state["images"] if each != image]
        case ["ps", *_]:
            return "0123456789ab" if state["clusters"] else ""
        case ["port", _, port]:
            (mapping,) = [m for m in state["ports"] if f"{m['containerPort']}/tcp" == port]
            return f"{mapping['listenAddress']}:{mapping['hostPort']}"
    return ""


def kind(state: dict, arguments: list[str], given: str) -> str:
    match arguments:
        case ["get", "clusters"]:
            return "\n".join(state["clusters"]) or "No kind clusters found."
        case ["create", "cluster", *_]:
            state["clusters"].append(value_of(arguments, "--name"))
            state["ports"] = json.loads(given)["nodes"][0]["extraPortMappings"]
            Path(value_of(arguments, "--kubeconfig")).write_text("{}")
        case ["export", "kubeconfig", *_]:
            Path(value_of(arguments, "--kubeconfig")).write_text("{}")
        case ["delete", "cluster", *_]:
            state.update(clusters=[], objects={}, releases={})
    return ""


def kubectl(state: dict, arguments: list[str], given: str) -> str:
    assert arguments[:4:2] == ["--kubeconfig", "--namespace"]
    match arguments[4:]:
        case ["apply" | "create" as verb, *_]:
            for found in json.loads(given)["items"]:
                name = f"{found['kind'].lower()}/{found['metadata']['name']}"
                if verb == "create" and name in state["objects"]:
                    raise SystemExit(f"Error from server (AlreadyExists): {name}")
                keep(state, name, found)
        case ["delete", "job", name, *_]:
            state["objects"].pop(f"job/{name}", None)
        case ["get", "secrets", *_]:
            secrets = [
                encoded(found) for name, found in state["objects"].items() if name.startswith("secret/")
            ]
            return json.dumps({"items": secrets})
        case ["get", "secret", name, *_]:
            return json.dumps(encoded(state["objects"][f"secret/{name}"]))
        case ["get", what, *_]:
            return f"NAME of {what}"
        case ["logs", *_]:
            return f"the log of {arguments[5:]}"
    return ""


def keep(state: dict, name: str, found: dict) -> None:
    """A Job's template cannot be changed."""
    before = state["objects"].get(name, found)
    if found["kind"] == "Job" and before["spec"]["template"] != found["spec"]["template"]:
        raise SystemExit(f"The Job {name} is invalid: spec.template: Invalid value: field is immutable")
    state["objects"][name] = found


def encoded(secret: dict) -> dict:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in secret["stringData"].items()}
    return {"metadata": secret["metadata"], "data": data}


def helm(state: dict, arguments: list[str], given: str) -> str:
    match arguments:
        case ["version", *_]:
            return state["helm"]
        case ["status", name, *_]:
            if name not in state["releases"]:
                raise SystemExit("Error: release: not found")
            return json.dumps({"info": {"status": state["releases"][name]}})
        case ["list", *_]:
            found = state["releases"].items()
            return json.dumps([{"name": n, "status": s, "chart": "airflow-1.22.0"} for n, s in found])
        case ["upgrade", "--install", name, *_]:
            if state["releases"].get(name, "").startswith("pending"):
                raise SystemExit("Error: another operation (install/upgrade/rollback) is in progress")
            image = next(each for each in arguments if each.startswith("images.airflow.tag="))
            migration = {"kind": "Job", "spec": {"template": {"image": image}}}
            keep(state, "job/airflow-run-airflow-migrations", migration)
            state["releases"][name] = "deployed"
        case ["uninstall", name, *_]:
            del state["releases"][name]
        case ["rollback", name, *_]:
            state["releases"][name] = "deployed"
    return ""


def planned_failure(state: dict, line: str) -> dict | None:
    for failure in state["fails"]:
        if failure["times"] > 0 and failure["when"] in line:
            failure["times"] -= 1
            return failure
    return None


def main() -> None:
    name, arguments = Path(sys.argv[0]).name, sys.argv[1:]
    given = "" if sys.stdin is None else sys.stdin.read()
    with (HOME / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps({"program": name, "arguments": arguments, "stdin": given}) + "\n")
    state = json.loads(STATE.read_text())
    failure = planned_failure(state, " ".join([name, *arguments]))
    if failure is None:
        try:
            said = globals()[name](state, arguments, given)
        except SystemExit as error:
            sys.stdout.write(f"{error.code}\n")
            raise SystemExit(1) from None
    STATE.write_text(json.dumps(state))
    if failure is not None:
        sys.stdout.write(failure.get("says", "") + "\n")
        sys.stdout.flush()
        time.sleep(failure.get("sleeps", 0))
        raise SystemExit(failure.get("code", 1))
    sys.stdout.write(f"{said}\n")


if __name__ == "__main__":
    main()
