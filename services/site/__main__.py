"""Build the site of the documents into .site/html; every link and every included piece of code must be there.

python -m services.site
"""

import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

from services.site.pages import PROJECT, Pages

SITE = PROJECT / ".site"
AT_THE_ROOT = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")


def main() -> int:
    shutil.rmtree(SITE, ignore_errors=True)
    pages = Pages(SITE / "pages")
    documents = (str(path.relative_to(PROJECT)) for path in (PROJECT / "docs").rglob("*.md"))
    for page in [*AT_THE_ROOT, *sorted(documents)]:
        pages.add(PurePosixPath(page))
    zensical = str(Path(sys.executable).with_name("zensical"))
    command = [zensical, "build", "--strict", "--clean", "--config-file", "mkdocs.yml"]
    done = subprocess.run(command, cwd=PROJECT, check=False)
    if done.returncode == 0:
        print(f"The site is {SITE / 'html' / 'index.html'}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
