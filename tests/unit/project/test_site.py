"""The site's pages: links stay as they are, and what they lead to is there."""

from pathlib import Path, PurePosixPath

import pytest

pages = pytest.importorskip("services.site.pages", reason="the image has no services/")

FILES = {
    "README.md": "[page](docs/a.md#part) [code](dags/a.py) [hidden](.github/ci.yml) [folder](k8s) [gone](x)\n"
    '![picture](docs/p.webp) <img src="docs/q.webp">\n```\n[no link](dags/b.py)\n```\n',
    "docs/a.md": "[back](../README.md) [up](../.github/ci.yml)",
    "docs/p.webp": "",
    "docs/q.webp": "",
    "dags/a.py": "# --8<-- [start:x]\nx = 1\n# --8<-- [end:x]\n",
    "dags/b.py": "",
    ".github/ci.yml": "on: push\n",
    "k8s/b.yaml": "",
    "k8s/a/c.yaml": "",
}


def test_a_page_leads_to_pages_of_sources_and_the_rest_is_left_for_the_builder(tmp_path: Path) -> None:
    project, folder = tmp_path / "project", tmp_path / "pages"
    for name, text in FILES.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)

    pages.Pages(folder, project).add(PurePosixPath("README.md"))

    written = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.*")}
    assert written == {
        "README.md": "[page](docs/a.md#part) [code](dags/a.py.md) [hidden](github/ci.yml.md) [folder](k8s.md)"
        ' [gone](x)\n![picture](docs/p.webp) <img src="docs/q.webp">\n```\n[no link](dags/b.py)\n```\n',
        "docs/a.md": "[back](../README.md) [up](../github/ci.yml.md)",
        "docs/p.webp": "",
        "docs/q.webp": "",
        "dags/a.py.md": "# dags/a.py\n\n~~~~python\nx = 1\n~~~~\n",
        "github/ci.yml.md": "# .github/ci.yml\n\n~~~~yaml\non: push\n~~~~\n",
        "k8s.md": "# k8s\n\n- `a/`\n- `b.yaml`\n",
    }
