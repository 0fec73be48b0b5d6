"""The page as people use it: the list, the search, the filters, the time, the keys, and what a log shows."""

import json

from .serving import Line, Serving
from .tab import Tab

# Texts whose contrast counts: each once with all statuses, marks and panes in sight.
READ = [
    ".title", ".connection", ".button", ".axis", "legend", ".value", ".values .number", ".heading span", ".row .time", ".row .status", ".row .service",
    ".row .text", ".mark", ".counts", ".pill", ".detail-head time span", ".fields dt", ".fields dd", ".block", ".caption", ".tags dt", ".tag", ".note",
    ".json-name", ".json-sign", ".json-value", "summary", ".hits .why",
]


def check_demo(browser, podferry, _folder):
    """What the demo's logs show, by mouse."""
    with Serving(podferry, "demo", "--ui") as serving, Tab(browser, serving.url) as tab:
        tab.wait_counts("156 logs")
        assert len(tab.rows()) < 60, "only what is seen is there"
        for query, counts in [
            ("is:masked", "1 of 156"), ("is:left-out", "2 of 156"), ("rule:health_checks", "2 of 156"), ("kube_namespace:batch", "15 of 156"),
            ("NAMESPACE:batch", "15 of 156"), ("service:stor*", "54 of 156"), ("service:s*r*nt", "54 of 156"), ("-service:storefront", "102 of 156"),
            ('"could not be rendered"', "3 of 156"), ("rendered could", "3 of 156"), ("nosuchtag:x", "0 of 156"), ("[card] charged", "1 of 156"),
            ('-"could not" service:python', "12 of 156"), ("service:", "0 of 156"), ('"', "156 logs"), ("-", "156 logs"), ("", "156 logs"),
        ]:
            tab.search(query, counts)
        # Several values of a filter add up, of several filters all have to hold; the counts are of what another choice would bring.
        box = lambda value: tab.page.locator(".facet label", has=tab.page.get_by_text(value, exact=True)).first
        box("batch").click()
        tab.wait_counts("15 of 156")
        box("kube-system").click()
        tab.wait_counts("26 of 156")
        assert "130" in box("shop").inner_text()
        tab.page.locator(".facet", has_text="Status").locator("label", has_text="error").click()
        tab.wait("document.getElementById('counts').textContent.match(/^[1-9] of 156/)")
        while tab.page.locator(".clear:visible").count() > 0:
            tab.page.locator(".clear:visible").first.click()
            tab.page.evaluate("new Promise(requestAnimationFrame)")
        tab.wait_counts("156 logs")
        # Left out logs are shown unless one does not want them.
        tab.page.click("#left-out-button")
        tab.wait_counts("154 logs")
        tab.page.click("#left-out-button")
        # A part of the time, by dragging; a click takes it back.
        chart = tab.page.locator("#chart").bounding_box()
        tab.page.mouse.move(chart["x"] + 2, chart["y"] + 30)
        tab.page.mouse.down()
        tab.page.mouse.move(chart["x"] + 200, chart["y"] + 30, steps=4)
        tab.page.mouse.up()
        tab.wait("/^[1-9][0-9]? of 156/.test(document.getElementById('counts').textContent)")
        assert tab.page.is_visible(".brush")
        tab.page.mouse.click(chart["x"] + 100, chart["y"] + 30)
        tab.wait_counts("156 logs")
        # What is searched for is there again after the page was loaded again.
        tab.search("is:masked", "1 of 156")
        tab.page.reload()
        tab.wait_counts("1 of 156")


def check_one_log(browser, podferry, _folder):
    """The record beside the log, the tags by origin, the rules; and the search by a tag."""
    with Serving(podferry, "demo", "--ui") as serving, Tab(browser, serving.url) as tab:
        tab.search("is:masked", "1 of 156")
        tab.open("charged card")
        record, datadog = tab.page.inner_text(".record"), tab.page.inner_text(".datadog")
        assert "4111 1111 1111 1111" in record and "[card]" in datadog and "4111" not in datadog
        assert "masked by card_numbers" in tab.page.inner_text(".hits")
        assert "info, by the head of the line" in datadog
        origins = tab.page.locator(".tags dt").all_inner_texts()
        assert "pod label" in [origin.lower() for origin in origins] and "log stream" in [origin.lower() for origin in origins], origins
        # The JSON of the record is set out, and not changed.
        text = tab.page.inner_text(".record .block")
        assert '"pod_name": "orders-6c9d8b7f5d-h2x4k"' in text
        tab.page.locator(".tag", has_text="kube_namespace:shop").click()
        assert tab.page.input_value("#search") == "is:masked kube_namespace:shop"
        tab.search("is:left-out", "2 of 156")
        tab.open("GET /healthz")
        assert "Not sent to Datadog: left out by rule health_checks" in tab.page.inner_text(".hits")
        assert "No log in Datadog" in tab.page.inner_text(".datadog h3")
        tab.search("is:joined service:orders", "1 of 156")
        tab.open()
        assert "8 records became one log" in tab.page.inner_text(".record")
        # When podferry has ended, the page says so and keeps what it has.
        tab.tolerated = ("Failed to load resource", "net::ERR")
        serving.process.terminate()
        serving.process.wait()
        tab.wait("document.getElementById('connection').dataset.state === 'waiting'")
        tab.search("is:masked", "1 of 156")
        tab.open()
        assert "podferry does not answer" in tab.page.inner_text("#detail .note")


def check_keys(browser, podferry, _folder):
    """All of it without a mouse, and what a screen reader is told."""
    with Serving(podferry, "demo", "--ui") as serving, Tab(browser, serving.url) as tab:
        tab.wait_counts("156 logs")
        press, page = tab.page.keyboard.press, tab.page
        press("/")
        assert tab.focused() == "search"
        page.keyboard.type("-is:left-out")
        tab.wait_counts("154 of 156")
        press("Enter")
        assert tab.focused() == "list" and tab.selected() == tab.rows()[0]
        second = tab.rows()[1]
        press("j")
        assert tab.selected() == second
        press("ArrowUp")
        press("k")
        assert tab.selected() == tab.rows()[0]
        press("End")
        tab.wait("document.querySelector('.row[aria-selected=true]').getAttribute('aria-posinset') === '154'")
        press("PageUp")
        press("Home")
        press("j")
        active = page.get_attribute("#list", "aria-activedescendant")
        assert page.locator(f"#{active}").get_attribute("aria-selected") == "true"
        press("Enter")
        page.wait_for_selector("#detail .both")
        assert tab.focused() == "detail"
        before = page.inner_text("#detail")
        press("j")
        tab.wait(f"document.getElementById('detail').innerText !== {json.dumps(before)}")
        press("Escape")
        assert tab.focused() == "list" and page.is_hidden("#detail")
        press("x")
        tab.wait_counts("154 logs")
        press("x")
        press("s")
        tab.wait("document.getElementById('sort-sign').textContent === '↑'")
        press("?")
        assert page.is_visible("#help")
        press("Escape")
        assert page.is_hidden("#help")
        press("/")
        press("Escape")
        tab.wait_counts("156 logs")
        # The time by arrows: the last bar, the one before it too, and none.
        page.focus("#chart")
        press("ArrowLeft")
        tab.wait("/^[0-9]+ of 156/.test(document.getElementById('counts').textContent)")
        assert page.is_visible(".brush")
        press("Escape")
        tab.wait_counts("156 logs")
        assert page.is_hidden(".brush")
        # In this order, and each with a name.
        order = []
        page.focus("#search")
        for _ in range(5):
            press("Tab")
            order.append(tab.focused())
        assert order[:4] == ["left-out-button", "pause-button", "help-button", "chart"], order
        page.locator(".facet input").last.focus()
        press("Tab")
        assert tab.focused() == "list"
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", "what has the focus is seen"
        for role in ("button", "checkbox", "searchbox", "listbox"):
            for part in page.get_by_role(role).all():
                assert part.evaluate("e => (e.ariaLabel || e.innerText || e.labels?.[0]?.innerText || '').trim() !== ''"), part
        assert page.get_attribute("#announcement", "aria-live") == "polite"
        tab.wait("document.getElementById('announcement').textContent.includes('156 logs')")


def check_line(browser, podferry, _folder):
    """A line that breaks: the page comes back by itself, and has each log once."""
    with Serving(podferry, "intake", "--listen", "0", "--ui") as serving:
        port = int(serving.url.split(":")[2].split("/")[0])
        line = Line(port)
        with Tab(browser, serving.url.replace(f":{port}/", f":{line.port}/")) as tab:
            tab.tolerated = ("ERR_", "Failed to load resource")
            assert "DD_URL=" in tab.page.inner_text("#empty"), "what to do next"
            serving.post([{"message": f"log {number}", "timestamp": number} for number in range(5)])
            tab.wait_counts("5 logs")
            line.cut()
            tab.wait("document.getElementById('connection').dataset.state === 'waiting'")
            serving.post([{"message": f"log {number}", "timestamp": number} for number in range(5, 8)])
            line.mend()
            tab.wait_counts("8 logs", seconds=30)
            assert tab.rows() == [f"log {number}" for number in reversed(range(8))]
            # Held still, and then all of it.
            tab.page.click("#pause-button")
            serving.post([{"message": "later", "timestamp": 9}])
            tab.page.wait_for_timeout(500)
            assert tab.rows()[0] == "log 7"
            tab.page.click("#pause-button")
            tab.wait_counts("9 logs")
            tab.open("later")
            assert "without the records that they were made of" in tab.page.inner_text(".record")
            # Somebody else's podferry at the same port: the page says that it is not the one.
            tab.page.route("**/tail", lambda route: route.fulfill(status=403))
            line.cut()
            line.mend()
            tab.wait("document.getElementById('connection').dataset.state === 'ended'", seconds=30)
        line.close()


def check_looks(browser, podferry, _folder):
    """Contrast in light and dark, and windows of any width without a bar to scroll sideways."""
    with Serving(podferry, "demo", "--ui") as serving:
        for scheme in ("light", "dark"):
            with Tab(browser, serving.url, scheme=scheme, height=2400) as tab:
                tab.search("kube_container_name:orders", "6 of 156")
                seen = set()
                for text in ("", "charged card", "healthz"):
                    if text:
                        tab.open(text)
                        if tab.page.locator(".as-json summary").count():
                            tab.page.click(".as-json summary")
                            # It is written when the browser says that it is open, which is a moment later.
                            tab.wait("document.querySelector('.as-json .json-value')")
                    faint, found = tab.contrasts(READ)
                    assert not faint, f"{scheme}: {faint}"
                    seen |= set(found)
                assert seen == set(READ), set(READ) - seen
        for width in (320, 480, 700, 900, 1280, 1920):
            with Tab(browser, serving.url, width=width) as tab:
                tab.wait_counts("156 logs")
                wide = "document.documentElement.scrollWidth > innerWidth"
                assert not tab.page.evaluate(wide), width
                tab.open()
                assert not tab.page.evaluate(wide), width
                assert tab.page.locator("#detail").bounding_box()["width"] >= min(width, 320) * 0.95
                if width <= 900:
                    tab.page.click("#filters-button")
                    assert tab.page.is_visible("#facets") and tab.page.get_attribute("#filters-button", "aria-expanded") == "true"
                    tab.page.click("#filters-button")
