"""Hostile logs: nothing of them becomes markup, runs, or hides what it is."""

import json
import urllib.error
import urllib.request

from . import hostile
from .serving import Serving
from .tab import Tab

# What an element of a log's text may be: ours, all of them.
OURS = """() => {
  const names = new Set(), odd = [];
  for (const element of document.querySelectorAll("#list *, #detail *, #facets *, #title")) {
    names.add(element.localName);
    for (const attribute of element.attributes) if (/^on|^src|^href|^srcdoc/.test(attribute.name)) odd.push(element.outerHTML.slice(0, 200));
  }
  return [[...names], odd];
}"""
NAMES = {
    "div", "span", "button", "header", "h1", "h2", "h3", "h4", "p", "time", "ul", "li", "code", "strong", "section", "dl", "dt", "dd", "pre", "details", "summary",
    "fieldset", "legend", "label", "input",
}


def look(tab):
    """Nothing ran, and nothing is there that is not the page's."""
    assert tab.page.evaluate("window.attacked === undefined && ({}).polluted === undefined"), "something of a log ran"
    names, odd = tab.page.evaluate(OURS)
    assert not odd and set(names) <= NAMES, (odd, set(names) - NAMES)


def check_records(browser, podferry, folder):
    """Records of CloudWatch Logs, one after the other."""
    name = f"<img src=x onerror={hostile.SCRIPT}>.json"
    (folder / name).write_text(hostile.event())
    with Serving(podferry, "preview", "--ui", "--as-new", name, folder=folder, DD_LOGS_CONFIG_AUTO_MULTI_LINE_DETECTION="false") as serving, Tab(browser, serving.url) as tab:
        number = len(hostile.LINES) + 1
        tab.wait_counts(f"{number} logs")
        assert name in tab.page.inner_text("#title")
        tab.page.keyboard.press("s")
        tab.wait("document.getElementById('sort-sign').textContent === '↑'")
        rows = tab.rows()
        for (_, shown), row in zip(hostile.LINES, rows):
            assert shown in row, (shown, row[:200])
        look(tab)
        for place in range(number):
            tab.page.locator(f".row[data-place='{place}']").click()
            # A break of a line is a sign in the list, and JSON is set out.
            start = "".join(rows[place].replace("⏎", "").split())[:40]
            tab.wait(f"document.querySelector('#detail .message')?.textContent.replace(/\\s+/g, '').startsWith({json.dumps(start)})")
            look(tab)
        # A million characters, of which podferry sends what Datadog takes: the beginning is shown, and all of it if one asks.
        tab.page.keyboard.press("Escape")
        tab.search("long xxx", f"1 of {number}")
        tab.open("long xxx")
        assert "976 KiB" in tab.page.inner_text(".row:not([hidden]) .marks"), tab.page.inner_text(".marks")
        assert tab.page.evaluate("document.querySelector('#detail .message').textContent.length") < 30_000
        tab.page.locator(".message .expander").click()
        tab.wait("document.querySelector('#detail .message').textContent.length > 900_000")
        look(tab)


def check_logs(browser, podferry, _folder):
    """Logs whose members are not what they should be, as anything may send them to the stand-in."""
    with Serving(podferry, "intake", "--listen", "0", "--ui") as serving, Tab(browser, serving.url) as tab:
        sent = hostile.logs()
        serving.post(sent)
        tab.wait_counts(f"{len(sent)} logs")
        for place in range(len(sent)):
            tab.page.locator(f".row[data-place='{place}']").click()
            tab.wait(f"document.getElementById('detail').dataset.number === document.querySelector(\".row[data-place='{place}']\").id.slice(4)")
            look(tab)
        tab.search("__proto__:x", f"1 of {len(sent)}")
        tab.search("service:__proto__", f"1 of {len(sent)}")
        tab.search("constructor:y tostring:1")
        tab.search("", f"{len(sent)} logs")
        look(tab)


def check_policy(browser, podferry, _folder):
    """What holds should the page have a mistake: no text becomes markup, nothing is loaded or sent elsewhere, nobody frames it."""
    with Serving(podferry, "demo", "--ui") as serving, Tab(browser, serving.url) as tab:
        tab.tolerated = ("Content Security Policy", "TrustedHTML", "TrustedScript", "Refused to", "violates", "ERR_BLOCKED", "requires")
        throws = lambda code: tab.page.evaluate(f"() => {{ try {{ {code}; return false }} catch {{ return true }} }}")
        for code in (
            "document.body.innerHTML = '<b>x</b>'", "document.body.insertAdjacentHTML('beforeend', '<b>x</b>')", "document.write('<b>x</b>')",
            "document.createElement('script').text = 'window.attacked = true'", "document.createElement('img').setAttribute('onerror', 'x')",
            "trustedTypes.createPolicy('p', { createHTML: text => text })", "setTimeout('window.attacked = true')", "document.createElement('iframe').srcdoc = 'x'",
        ):
            assert throws(code), f"the policy lets this through: {code}"
        other = serving.url.split("/")[2]
        assert tab.page.evaluate(f"fetch('http://localhost:{other.split(':')[1]}/').then(() => false, () => true)"), "another origin can be asked"
        tab.wrong.clear()
        framing = browser.new_page()
        framing.goto("about:blank")
        framing.set_content(f"<iframe src='{serving.url}'></iframe>")
        framing.wait_for_timeout(500)
        assert not any("podferry" in (frame.title() or "") for frame in framing.frames), "it can be framed"
        framing.close()
        # The token is in no address that leaves the page.
        for path in ("", "nothing/"):
            try:
                urllib.request.urlopen("/".join(serving.url.split("/")[:3]) + "/" + path)
                raise AssertionError("let in without a token")
            except urllib.error.HTTPError as error:
                assert error.code == 403
