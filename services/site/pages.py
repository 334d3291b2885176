"""The site's pages, laid out as the repository is, so that a link is the same there and in a code browser.

Pages link to sources as well: each file and folder that is linked to gets a page that shows it. A link to
what is not there stays as it is, and the builder fails by it.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from pathlib import Path, PurePosixPath

PROJECT = Path(__file__).resolve().parents[2]
# Code comes first, so that nothing in it is taken for a link.
LINK = re.compile(r"^```.*?^```$|(\]\()([^)\s#]+)(#[^)\s]*)?(\))", re.DOTALL | re.MULTILINE)
PICTURE = re.compile(r'(?:src|srcset)="([^":]+)"')
SHOWN = {".png", ".webp", ".svg"}
LANGUAGES = {".py": "python", ".yaml": "yaml", ".yml": "yaml", ".json": "json", ".toml": "toml", ".sh": "sh"}


class Pages:
    """Writes pages into a folder; `add` a page, and all that it leads to is there too."""

    def __init__(self, folder: Path, project: Path = PROJECT) -> None:
        self.folder = folder
        self.project = project
        self._done: set[PurePosixPath] = set()

    def add(self, page: PurePosixPath) -> None:
        """A page of the project by its path there."""
        if page in self._done:
            return
        self._done.add(page)
        text = (self.project / page).read_text()
        for picture in PICTURE.findall(text):
            self._copy(_target(page, picture))

        def led(found: re.Match[str]) -> str:
            before, path, anchor, after = found.groups("")
            return f"{before}{self._lead(page, path)}{anchor}{after}" if path else found[0]

        self._write(page, LINK.sub(led, text))

    def _lead(self, page: PurePosixPath, path: str) -> str:
        """Make what a link leads to; returns its path on the site."""
        target = _target(page, path)
        if re.match(r"\w+:", path) or not (self.project / target).exists():
            return path
        if target.suffix == ".md":
            self.add(target)
        elif target.suffix in SHOWN:
            self._copy(target)
        else:
            self._show(target)
            return f"{_visible(path)}.md"
        return path

    def _copy(self, file: PurePosixPath) -> None:
        if (self.project / file).is_file():
            (self.folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.project / file, self.folder / file)

    def _show(self, source: PurePosixPath) -> None:
        """A page that shows a source file, or lists a folder's."""
        path = self.project / source
        title = f"# {source}\n\n"
        if path.is_dir():
            names = sorted(
                each.name + "/" * each.is_dir() for each in path.iterdir() if each.name[0] not in "._"
            )
            body = "".join(f"- `{name}`\n" for name in names)
        else:
            # Without the marks of the sections that lessons include.
            lines = [line for line in path.read_text().splitlines() if "--8<--" not in line]
            body = "\n".join([f"~~~~{LANGUAGES.get(source.suffix, 'text')}", *lines, "~~~~", ""])
        self._write(PurePosixPath(f"{_visible(source)}.md"), title + body)

    def _write(self, page: PurePosixPath, text: str) -> None:
        (self.folder / page).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / page).write_text(text)


def _target(page: PurePosixPath, path: str) -> PurePosixPath:
    return PurePosixPath(posixpath.normpath(page.parent / path))


def _visible(path: PurePosixPath | str) -> str:
    """Without the dots in front of names: the builder leaves hidden files out."""
    return "/".join(part.lstrip(".") or part for part in str(path).split("/"))
