"""What a store's client raises, named once, by what to do next.

Always `from None`: the client's own errors hold answers as they came, and a log would show them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from xml.etree.ElementTree import ParseError

import urllib3
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError

from include.transfer.errors import StoreRefused, StoreUnavailable
from include.transfer.store.connections import is_distrust

# NoSuchUpload: a repeated end of an upload whose first answer got lost.
_TRY_AGAIN = {
    "SlowDown",
    "InternalError",
    "ServiceUnavailable",
    "RequestTimeout",
    "OperationAborted",
    "ConditionalRequestConflict",
    "NoSuchUpload",
}
_NOT_IMPLEMENTED = 501
_FIXES = {
    "AuthorizationHeaderMalformed": "set region_name in the connection's extra to the store's region",
    "NoSuchBucket": "create the bucket, or set the dataset's `bucket`",
    "AccessDenied": "the keys in the connection may not do this: correct their policy, or take others",
    "InvalidAccessKeyId": "the access key in the connection is unknown to the store: correct its login",
    "SignatureDoesNotMatch": "the secret key in the connection is wrong: correct its password",
    "RequestTimeTooSkewed": "this machine's clock is wrong: set it",
    "EntityTooLarge": "the store takes no object of this size: make batches smaller",
}


@contextmanager
def translated(where: str, hide: Callable[[str], str] = str) -> Iterator[None]:
    """Raise StoreUnavailable or StoreRefused for whatever a call of the client raises; `where`: the call.

    `hide` takes secrets out of what the store or the client says.
    """
    try:
        yield
    except S3Error as error:
        code = hide(error.code or "no code")[:80]
        status = error.response.status
        if code in _TRY_AGAIN or (status >= 500 and status != _NOT_IMPLEMENTED):
            raise StoreUnavailable(f"the store answered {code} (status {status})", where=where) from None
        fix = _FIXES.get(code, "check the store's connection")
        said = " ".join(hide(error.message or "").split())[:200]
        got = f"the store answered {code} (status {status})" + (f", and it said: {said}" if said else "")
        refused = StoreRefused(got, where=where, fix=fix)
        refused.status, refused.code = status, code
        raise refused from None
    except ServerError as error:
        got = f"the store answered status {error.status_code}"
        raise StoreUnavailable(got, where=where) from None
    except InvalidResponseError as error:
        # The client has no public name for the status; the tests fail if a release renames this one.
        raise _no_xml(where, getattr(error, "_code", 200)) from None
    except (ParseError, UnicodeDecodeError):
        raise _no_xml(where) from None
    except (MinioException, ValueError) as error:
        if "XML element" in str(error):  # well-formed, and none of S3's answers: XHTML
            raise _no_xml(where) from None
        fix = "check the store's connection, and that S3 allows the bucket's name"
        got = f"the client refused the call ({hide(str(error))[:200]})"
        raise StoreRefused(got, where=where, fix=fix) from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        if is_distrust(error):
            fix = "check endpoint_url; for an authority of your own set `verify` in the connection's extra"
            raise StoreRefused("its certificate is not trusted", where=where, fix=fix) from None
        cause = type(getattr(error, "reason", None) or error).__name__
        fix = f"check endpoint_url in the connection; {StoreUnavailable.advice}"
        raise StoreUnavailable(f"no connection to the store ({cause})", where=where, fix=fix) from None


def _no_xml(where: str, status: int = 200) -> StoreUnavailable | StoreRefused:
    """An answer of something before the store, or one that was cut short; only a refusal is final."""
    got, fix = f"the answer is not S3's XML (status {status})", "check endpoint_url in the connection"
    if status == _NOT_IMPLEMENTED or 400 <= status < 500:
        refused = StoreRefused(got, where=where, fix=fix)
        refused.status = status
        return refused
    return StoreUnavailable(got, where=where, fix=f"{fix}; {StoreUnavailable.advice}")
