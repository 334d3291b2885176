"""Search: every candidate is tried out, and the first that is proven is what was found."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from include.transfer.dataset import Dataset
from include.transfer.errors import Fatal, SourceRefused, TransferError
from include.transfer.probe.asking import PATIENCE, Asker, Pairs
from include.transfer.probe.names import words
from include.transfer.probe.opening import Notes, open_url
from include.transfer.probe.recognise import Recognition
from include.transfer.probe.trial import Proven, prove
from include.transfer.schema.contract import contract_of
from include.transfer.source.api import Api
from include.transfer.source.endpoint import Endpoint
from include.transfer.source.pace import Patience

PROBED = "probed_api"  # the connection that `make run API=…` makes
_GENERIC = re.compile(r"(api|get|list|query|search|items|data|rows|results|records|odata|rest|v?[\d.]+)$")
_SECRET_WORDS = frozenset(
    ("key", "apikey", "appid", "token", "secret", "password", "passwd", "pwd", "sig", "signature", "auth")
)


@dataclass(frozen=True)
class Found:
    """What a probe ends with: settings that were proven, and what is to be said of them."""

    settings: dict[str, Any]
    proven: Proven
    notes: Notes
    base_url: str


def probe(
    endpoint: Endpoint,
    path: str,
    conn_id: str = PROBED,
    tell: Callable[[str], None] = lambda line: None,
    patience: Patience = PATIENCE,
) -> Found:
    """The settings for what stands at `path`, which may hold a query, below the endpoint's base URL.

    `tell` gets a line for each request. Raises Fatal where nothing that was tried works, and the errors of a
    source that cannot be asked.
    """
    path, _, query = path.partition("?")
    notes = Notes()
    asker = Asker(endpoint, path, parse_qsl(query, keep_blank_values=True), tell, patience)
    recognition = Recognition(open_url(asker, notes), notes)
    name, refused = dataset_name(path, endpoint.base_url), []
    try:
        for candidate in recognition.candidates():
            settings = {"name": name, "conn_id": conn_id, **candidate}
            try:
                proven = _proven(endpoint, settings, recognition, patience)
            except TransferError as error:
                refused.append(f"paging {candidate['paging']['style']}, total {candidate['total']}: {error}")
                tell(f"tried {refused[-1]}")
                continue
            return Found(_with_columns(settings, proven, notes, asker), proven, notes, endpoint.base_url)
    except SourceRefused:
        raise
    except Fatal as error:
        refused.append(error.got)
    fix = "look up how the API pages, and write the settings by docs/your-api.md"
    raise Fatal("; ".join(refused), where=f"GET {path}", fix=fix)


def _proven(
    endpoint: Endpoint, settings: dict[str, Any], recognition: Recognition, patience: Patience
) -> Proven:
    api = Api(endpoint.session(), endpoint.base_url, Dataset.from_dict(settings), patience)
    return prove(api, recognition.first.rows)


def _with_columns(settings: dict[str, Any], proven: Proven, notes: Notes, asker: Asker) -> dict[str, Any]:
    """The settings with the contract, and without what nobody may read there."""
    contract = contract_of(proven.sample)
    notes.seen += [f"types are those of {', '.join(proven.parts)}", *contract.notes]
    notes.unclear += proven.notes
    if header := settings.get("version_header"):
        if proven.version is None:
            settings = {name: value for name, value in settings.items() if name != "version_header"}
        else:
            notes.unclear.append(
                f"whether {header} changes whenever the rows do: it is the same in different answers, so it "
                "is taken for the dataset's version, and a run that finds it unchanged copies nothing"
            )
    if settings.get("duplicates") == "allow":
        notes.seen.append("equal rows in one answer: duplicates are allowed")
    return {**_without_secrets(settings, asker, notes), "types": contract.types}


def _without_secrets(settings: dict[str, Any], asker: Asker, notes: Notes) -> dict[str, Any]:
    secrets = [name for name in _secret_parameters(asker.query) if name in settings.get("query", {})]
    if not secrets:
        return settings
    notes.unclear.append(
        f"how to send {', '.join(secrets)} without showing it: the settings, which everybody can read, leave "
        "it out. Send it as a header, in the extra of a connection"
    )
    return {
        **settings,
        "query": {name: value for name, value in settings["query"].items() if name not in secrets},
    }


def dataset_name(path: str, base_url: str) -> str:
    """A name for the dataset: the last part of the path that means something."""
    parts = [re.sub(r"[^a-z0-9_-]+", "-", part.lower()).strip("-_") for part in path.split("/")]
    told = [part for part in parts if part and not _GENERIC.fullmatch(part)]
    host = re.sub(r"[^a-z0-9]+", "-", (urlsplit(base_url).hostname or "").lower()).strip("-")
    named = re.search("[a-z]", host)  # an address of numbers says nothing
    return (told[-1] if told else host if named else "my-api")[:63]


def _secret_parameters(query: Pairs) -> list[str]:
    """Names of parameters that hold credentials, such as api_key; a page's token is none."""
    found = []
    for name, _ in query:
        parts = words(name)
        if parts & _SECRET_WORDS and not parts & {"page", "next", "continuation", "sort", "order"}:
            found.append(name)
    return found
