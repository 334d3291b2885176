"""What to do about a status that repeating does not help."""

_HINTS = {
    401: "check the login or token in the connection",
    403: "the credentials in the connection do not allow this",
    404: "check the dataset's path",
    406: "the API does not offer the media type asked for: check the dataset's `accept`",
    413: "the API refuses so many rows at once: set page_size",
    422: "the API rejected a parameter: check names, page_size and columns",
}


def hint_for(status: int) -> str:
    """Advice for the reader of the error."""
    if 300 <= status < 400:
        return "it redirects in a circle or to nowhere: check the connection's host and the dataset's path"
    if status >= 500 or status in (408, 425, 429):
        return "it did not pass in two minutes of asking again: is the API up?"
    return _HINTS.get(status, "check the connection and the dataset's settings")
