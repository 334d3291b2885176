"""One HTTP request: time-outs on everything, waits between attempts, foreign errors named once."""

import logging
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests
import tenacity
import urllib3

from include.transfer.errors import (
    BadSettings,
    BodyBroken,
    SourceRefused,
    SourceUnavailable,
    TransferError,
    hidden,
    redact,
    secrets_in,
)
from include.transfer.source.status_hints import hint_for

log = logging.getLogger(__name__)

CHUNK_BYTES = 256 * 1024
_TRY_AGAIN = {408, 425, 429}  # and all of 500 and more


@dataclass(frozen=True)
class Patience:
    """How long a copy waits for its source before the task fails and frees its pool slot. Seconds.

    `attempts` counts tries that brought no row: whatever arrives starts the count anew.
    """

    attempts: int = 6
    first_wait: float = 0.5
    longest_wait: float = 30.0
    longest_retry_after: float = 120.0
    connect: float = 10.0
    read: float = 60.0

    def retrying(self, progress: Callable[[], int] = lambda: 0) -> tenacity.Retrying:
        """Attempts with exponential waits and full jitter; `progress` tells how many rows have come."""
        seen = {"progress": progress(), "fruitless": 0}
        backoff = tenacity.wait_random_exponential(multiplier=self.first_wait, max=self.longest_wait)

        def give_up(state: tenacity.RetryCallState) -> bool:
            now = progress()
            seen["fruitless"] = 1 if now > seen["progress"] else seen["fruitless"] + 1
            seen["progress"] = now
            error = state.outcome.exception() if state.outcome else None
            too_long = (getattr(error, "retry_after", None) or 0) > self.longest_retry_after
            return too_long or seen["fruitless"] >= self.attempts

        def wait(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            return float(max(getattr(error, "retry_after", None) or 0.0, backoff(state)))

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception_type((SourceUnavailable, BodyBroken)),
            stop=give_up,
            wait=wait,
            before_sleep=_log_wait,
            reraise=True,
        )


def _log_wait(state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    pause = state.next_action.sleep if state.next_action else 0.0
    text = getattr(error, "message", error)
    log.warning("attempt %d: %s; trying again in %.1f s", state.attempt_number, text, pause)


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Turn the HTTP library's errors, also those in the middle of a body, into this package's."""
    where = redact(url)
    # `from None`: the libraries' messages hold whole URLs, and a log would show them with their credentials.
    try:
        yield
    except requests.exceptions.TooManyRedirects:
        raise SourceRefused(
            f"GET {where}: redirected in a circle; expected rows; check the connection's host"
        ) from None
    except (
        requests.exceptions.ChunkedEncodingError,
        requests.exceptions.ContentDecodingError,
        urllib3.exceptions.ProtocolError,
        urllib3.exceptions.DecodeError,
    ) as error:
        raise BodyBroken(f"GET {where}: the body broke off ({_reason(error)})") from None
    except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise SourceUnavailable(f"GET {where}: no answer in time ({_reason(error)})") from None
    except (
        requests.exceptions.InvalidURL,
        requests.exceptions.InvalidSchema,
        requests.exceptions.MissingSchema,
        requests.exceptions.InvalidHeader,
    ):
        raise BadSettings(f"GET {where}: cannot be asked; check the connection's host and headers") from None
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        if isinstance(_innermost(error), ssl.SSLCertVerificationError):
            raise SourceRefused(
                f"GET {where}: its certificate is not trusted; check the host, and the connection's "
                f"`verify` for an authority of your own"
            ) from None
        raise SourceUnavailable(f"GET {where}: could not be asked ({_reason(error)})") from None


def _innermost(error: BaseException) -> BaseException:
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error


def _reason(error: BaseException) -> str:
    """What the system said, or else the innermost error's name: both free of credentials."""
    inner = _innermost(error)
    return (isinstance(inner, OSError) and inner.strerror) or type(inner).__name__


# What a request to another host keeps: all else may have come from the connection, and is for its host alone.
_FOR_ANYBODY = {"accept", "accept-encoding", "connection", "user-agent"}


class OwnHostOnly(requests.Session):
    """A session whose headers do not follow a redirect to another scheme, host or port.

    requests itself holds back `Authorization` alone. Everything else is as in the `given` session.
    """

    def __init__(self, given: requests.Session) -> None:
        super().__init__()
        for name in requests.Session.__attrs__:
            setattr(self, name, getattr(given, name))

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Called by requests for the request that a redirect leads to."""
        if not same_origin(str(response.request.url), str(prepared_request.url)):
            for name in [name for name in prepared_request.headers if name.lower() not in _FOR_ANYBODY]:
                del prepared_request.headers[name]
        super().rebuild_auth(prepared_request, response)


def same_origin(one: str, other: str) -> bool:
    """Whether two URLs have the same scheme, host and port."""
    default = {"http": 80, "https": 443}
    first, second = (urlsplit(url) for url in (one, other))
    return (first.scheme, first.hostname, first.port or default.get(first.scheme)) == (
        second.scheme,
        second.hostname,
        second.port or default.get(second.scheme),
    )


@contextmanager
def get(
    session: requests.Session,
    url: str,
    params: list[tuple[str, str]],
    headers: dict[str, str],
    patience: Patience,
) -> Iterator[requests.Response]:
    """Open one streamed answer with status 200; anything else is a named error."""
    with translated(url):
        response = session.get(
            url, params=params, headers=headers, stream=True, timeout=(patience.connect, patience.read)
        )
    with response:
        if response.status_code != 200:
            raise _refusal(response)
        yield response


def _refusal(response: requests.Response) -> TransferError:
    status = response.status_code
    where = redact(response.url)
    if status in _TRY_AGAIN or status >= 500:  # 501 and 505 too: what proxies say while a server restarts
        message = f"GET {where}: status {status} {response.reason}; expected 200"
        return SourceUnavailable(message, retry_after(response.headers.get("Retry-After")))
    hint, said = hint_for(status), _excerpt(response)
    if any(not same_origin(past.url, response.url) for past in response.history):
        hint += (
            "; it was redirected to another host, which gets no credentials: set the connection's host to it"
        )
    return SourceRefused(f"GET {where}: status {status} {response.reason}; expected 200; {hint}{said}")


def _excerpt(response: requests.Response) -> str:
    """The first words of an error's body: APIs say there what they did not like."""
    try:
        start = next(response.iter_content(300), b"")
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError):
        return ""
    text = " ".join(start.decode("utf-8", "replace").split())
    text = without_secrets(text, response)
    return f"; it said: {text[:200]}" if text else ""


def without_secrets(text: str, response: requests.Response) -> str:
    """`text` without what was sent to the source: some repeat it, in errors and in answers of 200."""
    found: set[str] = set()
    for request in [past.request for past in response.history] + [response.request]:
        sent = {name: str(value) for name, value in request.headers.items()}
        found |= secrets_in(str(request.url), sent)
    return hidden(text, found)


def retry_after(value: str | None) -> float | None:
    """Seconds to wait by a Retry-After header: a number or an HTTP date (RFC 9110, 10.2.3)."""
    if not value:
        return None
    if re.fullmatch(r"\s*[0-9]+\s*", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None


def chunks(response: requests.Response) -> Iterator[bytes]:
    """The body in pieces as they arrive, decompressed; its errors translated."""
    with translated(response.url):
        yield from response.iter_content(CHUNK_BYTES)
