"""Templates: nothing that a source, a store or a form named becomes HTML."""

import re
from html.parser import HTMLParser

from include.lake_page import detail, overview, strip
from include.lake_page.figures import figures_of
from include.lake_page.render import STATIC, render
from include.lake_page.runs import Attempt, CopyDag, Progress
from include.lake_page.stored_runs import Chart, Report
from include.transfer.batches import Batch

HOSTILE = "<script>alert('x')</script>\"' onload=y"
SCOPE = {"root_path": "/below/lake"}


class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def run_page(made, **changes):
    dag = CopyDag(HOSTILE, {"name": "fires"}, "copy", "plan", "verify")
    run = made.run("failed", dag=dag, run_id=HOSTILE)
    progress = Progress(
        planned=(Batch(0, 5),),
        attempts=(Attempt("copy", 0, "failed", 1, None, None),),
        findings=(f"versions {HOSTILE}",),
    )
    batches = detail.batches(run.prefix, run, progress, None, {}, made.now)
    values = {
        "row": overview.run_row(run.prefix, run, figures_of(run, progress, made.now), None, made.now),
        "run": run,
        "prefix": run.prefix,
        "manifest": None,
        "batches": batches,
        "shown": batches.rows,
        "strip": strip.draw(batches.rows, None),
        "sort": "start",
        "descending": False,
        "page": 1,
        "pages": 1,
        "report": Report("", (Chart("x", HOSTILE, "x.png", ""),), (), True, True),
        "bucket": HOSTILE,
        "troubles": [],
        "torn": [HOSTILE],
        "unchanged": HOSTILE,
    }
    return render("run.html", SCOPE, **{**values, **changes})


def test_hostile_text_stays_text(made):
    html = run_page(made)
    tags = Tags(html).found
    sources = {attributes.get("src") for tag, attributes in tags if tag == "script"}
    assert sources == {"/below/lake/static/theme.js", "/below/lake/static/lake.js"}
    assert not [tag for tag in tags if any(name.startswith("on") or name == "style" for name in tag[1])]
    assert "&lt;script&gt;" in html


def test_links_hold_names_as_one_segment_below_airflows_path(made):
    links = [attributes["href"] for tag, attributes in Tags(run_page(made)).found if tag == "a"]
    (dag_run,) = [link for link in links if link.endswith("onload%3Dy")]
    assert dag_run.startswith("/below/dags/%3Cscript%3E")
    assert all(re.match(r"(/below/|#content|\?)", link) for link in links)


def test_nothing_is_loaded_from_elsewhere():
    for file in STATIC.iterdir():
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|//[a-z]|@import|url\(", re.sub(r"^\s*//.*$", "", text, flags=re.M)), (
            file
        )


def test_an_empty_lake_says_what_to_do(made):
    dag = CopyDag("a_dag", {"name": "fires"}, "copy", None, None)
    html = render("overview.html", SCOPE, datasets=[], dags=[dag], troubles=[])
    assert "No runs yet" in html
    assert 'href="/below/dags/a_dag"' in html
    assert "None of the DAGs" in render("overview.html", SCOPE, datasets=[], dags=[], troubles=[])
