"""One HTTP request: time-outs on everything, foreign errors named once."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import requests
import urllib3

from include.transfer.errors import (
    BadSettings,
    BodyBroken,
    SourceRefused,
    SourceUnavailable,
    TransferError,
)
from include.transfer.redact import redact
from include.transfer.source.pace import BUSY, Patience, asked_to_wait
from include.transfer.source.redirects import OwnHostOnly, same_origin

CHUNK_BYTES = 256 * 1024
_ANSWERS = {200, 204, 206}  # 204: nothing; 206: some of the rows, with their number in Content-Range
_TRY_AGAIN = {408, 425, 429}  # and all of 500 and more
_FIXES = {
    401: "check the login or token in the connection",
    403: "the credentials in the connection do not allow this",
    404: "check the dataset's path",
    406: "the API does not offer the media type asked for: check the dataset's `accept`",
    413: "the API refuses so many rows at once: set paging's size",
    422: "the API rejected a parameter: check paging, query and columns",
}


@contextmanager
def translated(url: str, method: str = "GET") -> Iterator[None]:
    """Turn the HTTP library's errors, also those in the middle of a body, into this package's."""
    where = f"{method} {redact(url)}"
    # `from None`: the libraries' messages hold whole URLs, and a log would show them with their credentials.
    try:
        yield
    except requests.exceptions.TooManyRedirects:
        got = "it redirects in a circle, or too often"
        raise SourceRefused(got, where=where, fix="check the connection's host") from None
    except (
        requests.exceptions.ChunkedEncodingError,
        requests.exceptions.ContentDecodingError,
        urllib3.exceptions.ProtocolError,
        urllib3.exceptions.DecodeError,
    ) as error:
        raise BodyBroken(f"the body broke off ({_reason(error)})", where=where) from None
    except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise SourceUnavailable(f"no answer in time ({_reason(error)})", where=where) from None
    except (
        requests.exceptions.InvalidURL,
        requests.exceptions.InvalidSchema,
        requests.exceptions.MissingSchema,
        requests.exceptions.InvalidHeader,
    ):
        raise BadSettings(
            "this is no valid request", where=where, fix="check the connection's host and headers"
        ) from None
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        if isinstance(_innermost(error), ssl.SSLCertVerificationError):
            fix = "check the host; for an authority of your own set `verify` in the connection's extra"
            raise SourceRefused("its certificate is not trusted", where=where, fix=fix) from None
        raise SourceUnavailable(f"no connection ({_reason(error)})", where=where) from None


def _innermost(error: BaseException) -> BaseException:
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error


def _reason(error: BaseException) -> str:
    """What the system said, or else the innermost error's name: both free of credentials."""
    inner = _innermost(error)
    return (isinstance(inner, OSError) and inner.strerror) or type(inner).__name__


@contextmanager
def request(
    session: OwnHostOnly,
    url: str,
    params: list[tuple[str, str]],
    headers: dict[str, str],
    patience: Patience,
    body: bytes | None = None,
) -> Iterator[requests.Response]:
    """Open one streamed answer with status 200, 204 or 206; anything else is a named error.

    `body`: of a POST; None: a GET.
    """
    method = method_of(body)
    with translated(url, method), _of_a_redirect(session, f"{method} {redact(url)}"):
        response = session.request(
            method,
            url,
            params=params,
            data=body,
            headers=headers,
            stream=True,
            timeout=(patience.connect, patience.read),
        )
    with response:
        if response.status_code not in _ANSWERS:
            raise _refusal(session, response)
        yield response


def method_of(body: bytes | None) -> str:
    """With which method a request is made that has this body, or none."""
    return "GET" if body is None else "POST"


@contextmanager
def _of_a_redirect(session: OwnHostOnly, where: str) -> Iterator[None]:
    """Say which request was redirected to where it must not go."""
    try:
        yield
    except SourceRefused as error:
        error.where = error.where or where  # one of a token names its own request
        error.rewrite(session.without_secrets)
        raise error from None


def _refusal(session: OwnHostOnly, response: requests.Response) -> TransferError:
    status = response.status_code
    where, reason = (
        session.without_secrets(text, response)
        for text in (f"{response.request.method} {redact(response.url)}", response.reason or "")
    )
    got = f"status {status} {reason[:80]}"
    wait = asked_to_wait(response.headers)
    limited = status == 403 and wait is not None  # as GitHub says that its rate limit is used up
    if limited or status in _TRY_AGAIN or status >= 500:  # 501 and 505 too: proxies, while a server restarts
        unavailable = SourceUnavailable(got, where=where, fix=BUSY if limited or status == 429 else "")
        unavailable.retry_after, unavailable.status = wait, status
        return unavailable
    fix = _FIXES.get(status, "check the connection and the dataset's settings")
    if 300 <= status < 400:
        fix = "it redirects to nowhere: check the connection's host and the dataset's path"
    if any(not same_origin(past.url, response.url) for past in response.history):
        fix += "; it redirects to another host, which gets no credentials: set the connection's host to it"
    refused = SourceRefused(got + _excerpt(session, response), where=where, fix=fix)
    refused.status = status
    return refused


def _excerpt(session: OwnHostOnly, response: requests.Response) -> str:
    """The first words of an error's body: APIs say there what they did not like."""
    try:
        start = next(response.iter_content(300), b"")
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError):
        return ""
    # Before white space is made one: a secret may hold some.
    text = " ".join(session.without_secrets(start.decode("utf-8", "replace"), response).split())
    return f", and it said: {text[:200]}" if text else ""


def chunks(response: requests.Response) -> Iterator[bytes]:
    """The body in pieces as they arrive, decompressed; its errors translated."""
    with translated(response.url, str(response.request.method)):
        yield from response.iter_content(CHUNK_BYTES)
