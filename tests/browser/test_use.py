"""How the page is to use: themes, keyboard, narrow windows, many batches, and when things are missing."""

from typing import Any

import pytest

from tests.browser.scenes import folder, widen

# The ratio of luminances of a text and what is behind it (WCAG 2.2, 1.4.3), for every piece of text.
CONTRASTS = """() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const channels = (color) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const luminance = (color) => {
        const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        const [r, g, b] = channels(color).map((c) => linear(c / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
        for (let each = element; each; each = each.parentElement) {
            const color = getComputedStyle(each).backgroundColor;
            if (channels(color)[3] > 0) return color;
        }
        return "white";
    };
    const found = [];
    for (const element of document.querySelectorAll("main *")) {
        const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.nodeValue.trim());
        if (!own || element.closest("svg")) continue;
        const [a, b] = [luminance(getComputedStyle(element).color), luminance(behind(element))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        found.push([element.textContent.trim().slice(0, 40), ratio]);
    }
    return found;
}"""
BACKGROUND = "() => getComputedStyle(document.body).backgroundColor"
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(22, 29, 45)"


@pytest.mark.parametrize(("theme", "background"), [("light", LIGHT), ("dark", DARK)])
def test_text_can_be_read_in_both_themes(stack, scenes, visit, theme, background):
    for path in ("/lake/", *(f"/lake/runs/{folder(stack, run)}" for run in (scenes.changed, scenes.slow))):
        page = visit(theme=theme).open(path)
        assert page.evaluate(BACKGROUND) == background
        contrasts = page.evaluate(CONTRASTS)
        assert len(contrasts) > 20
        assert [each for each in contrasts if each[1] < 4.5] == []


def test_the_theme_is_airflows_and_changes_with_it(scenes, visit):
    """Chosen in Airflow's own menu, while the page is open in its frame."""
    seen = visit(theme="light")
    body = seen.framed().locator("body")
    outer = seen.page.locator("html")
    assert (
        outer.get_attribute("class"),
        body.evaluate("each => getComputedStyle(each).backgroundColor"),
    ) == (
        "light",
        LIGHT,
    )
    seen.page.get_by_role("button", name="User").click()
    seen.page.get_by_role("menuitem", name="Appearance").click()
    seen.page.get_by_role("menuitemradio", name="Dark").click()
    seen.page.locator("html.dark").wait_for()
    assert body.evaluate("each => getComputedStyle(each).backgroundColor") == DARK


def test_alone_in_a_tab_the_page_follows_the_system(visit):
    assert visit(color_scheme="dark").open("/lake/").evaluate(BACKGROUND) == DARK
    assert visit(color_scheme="light").open("/lake/").evaluate(BACKGROUND) == LIGHT
    assert visit(theme="light", color_scheme="dark").open("/lake/").evaluate(BACKGROUND) == LIGHT


def focused(page: Any) -> str:
    return page.evaluate("document.activeElement.textContent.trim()")


def test_all_can_be_reached_by_keyboard_and_the_focus_is_seen(stack, scenes, visit):
    page = visit().open("/lake/")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    run = page.locator('section[data-key="slow"] tbody a')
    for _ in range(60):
        page.keyboard.press("Tab")
        if run.evaluate("each => each === document.activeElement"):
            break
    assert run.evaluate("each => getComputedStyle(each).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/lake/runs/{folder(stack, scenes.slow)}")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(focused(page))
    assert {"DAG run", "Manifest", "Took", "log", "object"} <= reached


@pytest.mark.parametrize("width", [320, 400, 800])
def test_a_narrow_window_needs_no_scrolling_sideways(stack, scenes, visit, width):
    for path in ("/lake/", "/lake/datasets/slow", f"/lake/runs/{folder(stack, scenes.changed)}"):
        page = visit(width=width).open(path)
        wide = page.evaluate("[document.scrollingElement.scrollWidth, document.scrollingElement.clientWidth]")
        assert wide[0] <= wide[1]
        assert page.locator("tbody tr").first.is_visible()


def test_who_wants_no_motion_gets_none(scenes, visit):
    rule = """() => [...document.styleSheets[0].cssRules]
        .filter((rule) => rule.media && matchMedia(rule.media.mediaText).matches)
        .some((rule) => [...rule.cssRules].some((inner) => inner.style?.transitionDuration))"""
    assert visit().open("/lake/").evaluate(rule) is True
    assert visit(reduced_motion="reduce").open("/lake/").evaluate(rule) is False


def test_moments_are_in_airflows_time_zone(scenes, visit):
    page = visit(timezone_id="America/New_York").open("/lake/")
    moment = page.locator("tbody time").first
    at = "each => new Date(each.dateTime).toLocaleString('sv-SE', {timeZone: '%s'})"
    assert moment.inner_text() == moment.evaluate(at % "America/New_York")
    page.evaluate("localStorage.setItem('timezone', JSON.stringify('Asia/Tokyo'))")
    page.reload()
    assert moment.inner_text() == moment.evaluate(at % "Asia/Tokyo")


def test_a_thousand_batches(stack, scenes, visit):
    widen(stack, scenes.refused, 1_000)
    seen = visit("reader")
    page = seen.open(f"/lake/runs/{folder(stack, scenes.refused)}")
    assert page.locator("progress").evaluate("each => [each.value, each.max]") == [999, 1000]
    assert page.locator(".strip rect").count() == 1_000
    assert page.locator("tbody tr").count() == 100
    assert page.locator(".strip svg").evaluate("each => each.getBoundingClientRect().width") <= 1280
    page.get_by_role("link", name="Next").click()
    assert page.locator("tbody th").first.inner_text() == "rows 500–504"
    page.goto(f"{stack.api.url}/lake/")
    assert "999 of 1,000" in page.locator('section[data-key="refused"]').inner_text()
    assert seen.complaints == []


def test_who_has_no_runs_yet_is_told_what_to_do(visit):
    page = visit("newcomer").open("/lake/")
    assert "No runs yet" in page.inner_text("main")
    assert (
        page.get_by_role("link", name="wildfires_per_year").get_attribute("href")
        == "/dags/wildfires_per_year"
    )
    page = visit("outsider").open("/lake/")
    assert "None of the DAGs that you may read copies into the lake" in page.inner_text("main")


def test_without_its_store_the_page_still_opens_and_says_what_to_do(stack, scenes, visit):
    from services.local.airflow_env import local_connections
    from services.local.home import Credentials
    from tests.servers.ports import free_port

    (known,) = [
        {"connection_id": each.conn_id, **each.row}
        for each in local_connections(stack.ports, Credentials.load(stack.home))
        if each.conn_id == "locals3"
    ]
    try:
        wrong = {**known, "extra": f'{{"endpoint_url": "http://127.0.0.1:{free_port()}"}}'}
        stack.api.request("PATCH", "/connections/locals3", json=wrong)
        page = visit().open("/lake/")
        small = page.locator('section[data-key="wildfires_small"]')
        notice = small.get_by_role("alert").inner_text()
        assert "locals3" in notice
        assert "no connection to the store" in notice
        assert "not checked" in small.locator("tbody tr").last.inner_text()
        page.goto(f"{stack.api.url}/lake/runs/{folder(stack, scenes.small)}")
        assert page.locator("tbody tr").count() == 4
        assert page.get_by_role("alert").count() == 1

        stack.api.request("DELETE", "/connections/locals3")
        page.goto(f"{stack.api.url}/lake/")
        assert "connection locals3: Airflow gave none" in page.get_by_role("alert").first.inner_text()
    finally:
        stack.apply_settings()
    assert visit().open("/lake/").get_by_role("alert").count() == 0
