"""The search's syntax and the histogram's window of time: the page's own modules, called in the browser, and what a person sees of them."""

import json

from .serving import Serving
from .tab import Tab

MINUTE_MS, HOUR_MS, DAY_MS, YEAR_MS = 60_000, 3_600_000, 86_400_000, 365 * 86_400_000
NOW_MS = 1_772_359_200_000

# A log of a shop. Each query with whether it finds it.
TEXT = "GET /cart?id=7 failed: Cart.add(Cart.java:87) C:\\logs 50% \U0001f6d2 a*b"
FOUND = [
    ("", True), ("failed get", True), ("failed post", False), ("FAILED", True),
    # One or the other; what stands together binds closer.
    ("post OR get", True), ("post OR put", False), ("get post OR failed", True), ("post failed OR put get", False), ("get or failed", False),
    ("get AND failed", True), ("get && failed", True), ("post || get", True), ("get AND post OR failed", True),
    # Not this.
    ("-post", True), ("-get", False), ("NOT post", True), ("NOT get", False), ("NOT NOT get", True), ("get -post -put", True), ("-post OR post", True),
    ("-(post OR put)", True), ("-(post OR get)", False), ("NOT (get failed)", False), ('-"cart failed"', True),
    # Groups, also within others and of a name.
    ("(post OR get) failed", True), ("(post OR put) failed", False), ("((post OR (get failed)))", True), ("service:(cart OR web)", True),
    ("service:(cart OR shop)", False), ("-service:(cart OR shop)", True), ("service:(w* -web)", False), ("status:error -health get OR nothing", True),
    ("service:(web OR status:none)", True), ("Service:WEB", True),
    # Phrases, and what stands for itself.
    ('"get /cart"', True), ('"cart get"', False), ('"OR"', False), ('team:"two words"', True), ('team:"two w*"', False), ('"a*b"', True), ("a\\*b", True),
    ("a\\*c", False), ('"failed: cart"', True), ("failed\\:\\ cart", True), ("C:\\logs", True), ('"c:\\\\logs"', True),
    # `*` and `?`, in texts too.
    ("g*failed", True), ("failed*g*x", False), ("service:w?b", True), ("service:w?", False), ("service:?eb", True), ("service:???", True), ("service:??", False),
    ("service:w*?", True), ("service:we?*", True), ("/c?rt", True), ("/c??rt", False), ("service:*", True), ("*", True), ("team:*word?", True), ("50? ? a", True),
    ("face:?", True), ("face:a?b", False), ("pair:a?b", True), ("pair:*?b", True), ("pair:*??b", True), ("pair:*????b", False),
    # Parentheses of a text.
    ("cart.add(cart.java:87)", True), ("(cart.add(cart.java:87) post) OR get", True), ("add(cart", True), ("87)", True), (")", True), ("(87)", True),
    # No tag has this name, so it is a text.
    ("java:87", True), ("java:(86 OR 87)", True), ("java:86", False), ("nosuch:x", False), ("@id:7", False), ("-@id:7", True),
    # Still to be written to the end.
    ("get OR", True), ("OR get", True), ("get AND", True), ("get NOT", True), ("OR", True), ("NOT", True), ("-", True), ('"', True), ('get "fail', True),
    ("(get", True), ("(post OR", False), ("()", True), ("-()", True), ("get ()", True), ("service:", False), ("service:(", True), ("-(", True), ("- get", True),
]
LOG = f"""({{
  service: "web", source: null, status: "error", rules: [], leftOut: null, lower: {json.dumps(TEXT.lower())},
  tags: {{ values: new Map([["team", ["two words"]], ["face", ["\\u{{1f600}}"]], ["pair", ["a\\u{{1f600}}b"]]]) }},
}})"""
FINDS = f"""async (queries) => {{
  const [{{ parse }}, {{ finds }}] = [await import("./query.js"), await import("./search.js")];
  const log = {LOG};
  return queries.map((query) => finds(parse(query).root, log, (name) => log.tags.values.has(name)));
}}"""

# Tags as anybody may write them, and searches that one is added to.
TAGS = [
    "team:shop", "team:two words", "env:", "plain", "a:b:c", "url:http://x/y?z=1", 'q:"', "b:\\", "star:*", "paren:(x)", "OR:x", "or:x", "k(e)y:1", "k e y:1", '"k":1',
    "k\\:1", "-minus:1", "Team:X", "p:OR", "@id:7", "*:1", "?:1", "__proto__:x",
]
ADDED = [
    ("", "t:x"), ("a", "a t:x"), ("a OR b", "(a OR b) t:x"), ("(a OR b", "(a OR b) t:x"), ('"a', '"a" t:x'), ('a OR (b "c', '(a OR (b "c")) t:x'),
    ('"a\\', '"a\\\\" t:x'), ('"a\\\\', '"a\\\\" t:x'),
    # What is at the end does not take in what is written behind it.
    ("a OR", "(a OR) t:x"), ("a OR ", "(a OR) t:x"), ("a NOT", "(a NOT) t:x"), ("(a NOT", "(a NOT) t:x"), ("a -", "a - t:x"), ("c:\\logs\\", "c:\\logs\\\\ t:x"),
    ("(c:\\logs\\", "(c:\\logs\\\\) t:x"), ("a\\ ", "a\\  t:x"),
    # A parenthesis of a text stays apart from those that are added.
    ("a) OR b", "(a\\) OR b) t:x"), ("a OR b(", "(a OR b\\() t:x"), ("(a b(", "(a b\\() t:x"), ("a OR)b", "(a OR \\)b) t:x"), ("b( a)", "b( a) t:x"),
]
TAGGED = """async (tags) => {
  const [{ parse, termOf }, { finds }, { Logs }] = [await import("./query.js"), await import("./search.js"), await import("./logs.js")];
  return tags.filter((tag) => {
    const logs = new Logs();
    const log = (tags) => ({ lower: "", rules: [], leftOut: null, tags: logs.tagSet(tags) });
    const [one, other] = [log(tag), log("other:1")];
    const found = (log) => finds(parse(termOf(tag)).root, log, (name) => logs.tagNames.has(name));
    return !found(one) || found(other);
  });
}"""

# Times, and from when to when they are shown.
FEW = [NOW_MS + at for at in range(0, 5 * MINUTE_MS, MINUTE_MS)]
MANY = [NOW_MS + at for at in range(0, HOUR_MS, 30_000)]
FAR_MS = NOW_MS + 73 * YEAR_MS
WINDOWS = [
    ([], None), ([NOW_MS], (0, 0)), ([1, NOW_MS], (0, 0)), ([1, NOW_MS, NOW_MS + 5], (1, 0)), ([NOW_MS, NOW_MS, FAR_MS], (0, 1)),
    (FEW, (0, 0)), ([1, *FEW], (1, 0)), ([1, *FEW, FAR_MS], (1, 1)), (MANY, (0, 0)), ([1, 2, 3, *MANY, FAR_MS], (3, 1)),
    # An hour beside nearly all is near, and so is ten times as much as these take.
    ([FEW[1] - HOUR_MS, *FEW], (0, 0)), ([FEW[1] - HOUR_MS - 1, *FEW], (1, 0)),
    ([MANY[11] - 10 * (MANY[-1] - MANY[11]), *MANY], (0, 0)), ([MANY[11] - 10 * (MANY[-1] - MANY[11]) - 1, *MANY], (1, 0)),
    # One of ten is aside, more than that are where logs are.
    ([1] * 12 + MANY[:108], (12, 0)), ([1] * 13 + MANY[:107], (0, 0)),
    # Spread so that none is far from the next.
    ([at * YEAR_MS for at in range(1, 12)] + MANY, (11, 0)), ([-9e15, 9e15, *FEW], (1, 1)),
]
WINDOWED = """async (all) => {
  const { windowOf } = await import("./time_window.js");
  return all.map((times) => windowOf(times.toReversed()));
}"""


def check_syntax(browser, podferry, _folder):
    """Each way to write a query, what a tag is searched for by, and what it becomes in a search that is there."""
    with Serving(podferry, "intake", "--listen", "0", "--ui") as serving, Tab(browser, serving.url) as tab:
        found = tab.page.evaluate(FINDS, [query for query, _ in FOUND])
        wrong = [(query, result) for (query, expected), result in zip(FOUND, found) if result != expected]
        assert not wrong, wrong
        assert tab.page.evaluate(TAGGED, TAGS) == []
        both = tab.page.evaluate("async (queries) => { const { both } = await import('./query.js'); return queries.map((query) => both(query, 't:x')); }", [query for query, _ in ADDED])
        assert both == [expected for _, expected in ADDED], both


def check_search(browser, podferry, _folder):
    """A search for one of several, as somebody types it; a tag with blanks by a click; and queries that would take long."""
    with Serving(podferry, "intake", "--listen", "0", "--ui") as serving, Tab(browser, serving.url) as tab:
        made = [{"message": f"{word} {number}", "timestamp": NOW_MS + number, "service": word, "ddtags": "team:two words,plain"} for number in range(4) for word in ("web", "cart", "mail")]
        serving.post(made)
        tab.wait_counts("12 logs")
        for query, counts in [("web OR cart", "8 of 12"), ("service:(web OR cart) -2", "6 of 12"), ("NOT (web OR cart)", "4 of 12"), ("web 1 OR", "1 of 12"), ("plain:*", "12 logs")]:
            tab.search(query, counts)
        tab.search("@http.status_code:500", "0 of 12 logs · attributes such as @http.status_code are not searched here")
        tab.search("web OR cart", "8 of 12")
        tab.open()
        tab.page.locator(".tag", has_text="team:two words").click()
        assert tab.page.input_value("#search") == '(web OR cart) team:"two words"'
        tab.wait_counts("8 of 12")
        # Megabytes of what nearly matches: the page answers meanwhile, and gets to the end.
        long = [{"message": "a" * 8000 + str(number), "timestamp": NOW_MS, "service": "long"} for number in range(800)]
        # Datadog takes 5 MB at most.
        serving.post(long[:400])
        serving.post(long[400:])
        tab.search("", "812 logs")
        for hostile in ("a" * 498 + "?" + "a" * 498, "?" * 990 + "b", "-" + " -".join(f"b{number}" for number in range(150)), "(" * 1000, "-(" * 500, "a OR " * 200, "a*" * 499 + "b"):
            tab.search(hostile)
            tab.page.evaluate("new Promise(requestAnimationFrame)")
            longest = tab.page.evaluate(
                "new Promise(done => { let longest = 0, last = performance.now(), left = 10; requestAnimationFrame(function next(now) {"
                " longest = Math.max(longest, now - last); last = now; left -= 1; left ? requestAnimationFrame(next) : done(longest); }); })"
            )
            assert longest < 1000, (hostile[:40], longest)
            tab.search("web", "4 of 812")
        tab.search(" OR ".join(f"b{number}" for number in range(100)) + " OR long OR aaaa")
        tab.wait("/^800 of 812 logs$/.test(document.getElementById('counts').textContent)", seconds=60)


def check_far_times(browser, podferry, _folder):
    """Logs of far years do not squeeze the others in the histogram, and can be chosen."""
    with Serving(podferry, "intake", "--listen", "0", "--ui") as serving, Tab(browser, serving.url) as tab:
        for (times, expected), window in zip(WINDOWS, tab.page.evaluate(WINDOWED, [times for times, _ in WINDOWS])):
            aside = window and (sum(at < window[0] for at in times), sum(at > window[1] for at in times))
            assert aside == expected, (times[:3], len(times), window)
        serving.post([{"message": f"log {number}", "timestamp": at} for number, at in enumerate([1000, *MANY, FAR_MS, FAR_MS + DAY_MS])])
        number = len(MANY) + 3
        tab.wait_counts(f"{number} logs")
        tab.drawn()
        bars = lambda: tab.page.locator("#chart rect").count()
        assert bars() > 20, bars()
        earlier, later = tab.page.get_by_role("button", name="1 log earlier"), tab.page.get_by_role("button", name="2 logs later")
        assert "1 Jan 1970" in earlier.get_attribute("title") and "2099" in later.get_attribute("title"), later.get_attribute("title")
        faint, found = tab.contrasts([".edge"])
        assert found and not faint, faint
        later.click()
        tab.wait_counts(f"2 of {number}")
        assert later.get_attribute("aria-pressed") == "true" and bars() > 20 and tab.page.is_hidden(".brush")
        assert "from" in tab.page.inner_text(".axis .step")
        # More come while it is chosen, also far ones.
        serving.post([{"message": "later still", "timestamp": FAR_MS + 2 * DAY_MS}, {"message": "near", "timestamp": MANY[-1] + MINUTE_MS}])
        tab.wait_counts(f"3 of {number + 2}")
        tab.page.get_by_role("button", name="3 logs later").click()
        tab.wait_counts(f"{number + 2} logs")
        # By the keyboard, and back by Escape.
        earlier.focus()
        tab.page.keyboard.press("Enter")
        tab.wait_counts(f"1 of {number + 2}")
        tab.page.focus("#list")
        tab.page.keyboard.press("Escape")
        tab.wait_counts(f"{number + 2} logs")
        # Without others they are where the logs are.
        tab.search("still", f"1 of {number + 2}")
        tab.drawn()
        assert bars() == 1 and tab.page.locator(".edge:visible").count() == 0
