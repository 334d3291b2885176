"""The report's page in a real browser: on a phone, and what it shows of generated rows."""

import pytest

from include.report import html
from include.report.charts import FIGURES
from include.report.origin import Origin
from include.report.pictures import Picture
from tests.report.test_publish import rows_of_marts

WORD = "Generated rows, not real fires (seed 0)"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    marts, origin = rows_of_marts(), Origin(WORD, generated=True)
    (sizes,) = (figure for figure in FIGURES if figure.name == "sizes")
    loaded = {
        "dataset": "wildfires",
        "run": "20260101T000000-a",
        "rows": 60,
        "manifest": "s3://x",
        "digest": "d",
    }
    file = tmp_path_factory.mktemp("report") / "index.html"
    file.write_text(html.render(marts, [Picture.of(sizes, marts, origin)], loaded, origin, "2026-01-01"))
    return file


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_gets_a_picture_of_its_own_width_with_text_as_large_as_the_pages(browser, page_file, scheme):
    context = browser.new_context(viewport={"width": 360, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    page.goto(page_file.as_uri())
    shown = page.locator("figure img").evaluate(
        "image => ({drawn: image.naturalWidth, shown: image.clientWidth, page: document.body.scrollWidth})"
    )
    assert shown["page"] <= 360
    assert shown["shown"] / shown["drawn"] > 0.85  # what is drawn at 12 pixels is shown at 10 or more
    context.close()


def test_the_page_says_first_that_its_rows_are_generated_and_folds_the_hundred_largest(browser, page_file):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert page.locator("h1 + p").inner_text() == WORD
    name = page.get_by_text("& SONS")
    assert not name.is_visible()
    page.get_by_text("All of them, by acres").click()
    assert name.is_visible()
    context.close()
