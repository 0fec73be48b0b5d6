"""Ten thousand logs: how long a frame takes while somebody types, scrolls and filters, and while more come."""

import random

from .serving import Serving
from .tab import Tab

MOST = 10_000
# A frame that takes longer is felt. What a key or a click costs is the processor's time, which does not depend on what else the machine does.
FRAME_MS = 50
# What one may cost at the worst on a slow machine.
WORST_MS = 100

SERVICES = ["checkout", "storefront", "payments", "search", "orders", "stock", "mail", "auth"]
TEXTS = [
    "GET /api/v1/articles/{n} 200 {m}ms", "POST /api/v1/orders 201 {m}ms order={n}", "cache miss for article {n}", "connection to postgres took {m} ms",
    "payment {n} declined by the bank: insufficient funds", "retrying request {n} in {m} ms", "user {n} signed in", "worker finished job {n}",
]


def logs(number, end_ms, seed=1):
    """So many logs of a shop, the last of them at this time; the same for a seed."""
    choose = random.Random(seed)
    made = []
    for place in range(number):
        service = choose.choice(SERVICES)
        text = choose.choice(TEXTS)
        status = "error" if "declined" in text and choose.random() < 0.5 else "warn" if "retrying" in text else choose.choice(["info", "info", "debug"])
        made.append({
            "message": f"{text.format(n=choose.randrange(10**6), m=choose.randrange(900))} request_id={choose.getrandbits(64):016x}",
            "timestamp": end_ms - (number - place) * 180 + choose.randrange(2000), "status": status, "service": service, "ddsource": "nodejs",
            "ddtags": f"kube_cluster_name:prod,kube_namespace:shop,pod_name:{service}-{choose.randrange(4)},kube_container_name:{service},env:prod,version:1.{choose.randrange(9)},team:shop",
        })
    return made


class Clock:
    """The processor's time that the page's main thread takes: scripts, styles, layout and painting."""

    def __init__(self, tab):
        self.tab, self.session, self.costs = tab, tab.context.new_cdp_session(tab.page), []
        self.session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def now_ms(self):
        metrics = {one["name"]: one["value"] for one in self.session.send("Performance.getMetrics")["metrics"]}
        return metrics["TaskDuration"] * 1000

    def time(self, act):
        """Does something and waits until it was drawn."""
        before = self.now_ms()
        act()
        self.tab.page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        self.costs.append(self.now_ms() - before)

    def told(self):
        costs, self.costs = self.costs, []
        return middle(costs), max(costs), f"{len(costs)} times, half of them below {middle(costs):.1f} ms, the longest {max(costs):.1f} ms"


def check_speed(browser, podferry, _folder):
    """Prints what was measured."""
    with Serving(podferry, "intake", "--listen", "0", "--ui") as serving, Tab(browser, serving.url) as tab:
        page, clock, slow = tab.page, Clock(tab), []

        def tell(what):
            half, worst, text = clock.told()
            print(f"  {what}: {text}")
            if half > FRAME_MS or worst > WORST_MS:
                slow.append(what)

        before = clock.now_ms()
        serving.post(logs(MOST, 1_772_359_200_000))
        tab.wait_counts("10,000 logs", seconds=60)
        page.wait_for_timeout(300)
        print(f"  10,000 logs arrive: {clock.now_ms() - before:.0f} ms in all")
        assert page.locator(".row").count() < 80, "the list is not virtual"
        page.focus("#search")
        for key in "payment status:error -debug":
            clock.time(lambda key=key: page.keyboard.type(key))
        assert tab.counts().split()[0] not in ("0", "10,000"), tab.counts()
        tell("a key in the search")
        tab.search("", "10,000 logs")
        boxes = page.locator(".facet").nth(1).locator("input")
        for place in range(boxes.count()):
            clock.time(boxes.nth(place).click)
        tell("a click on a filter")
        page.locator(".clear:visible").click()
        for step in range(30):
            clock.time(lambda step=step: page.evaluate("top => { document.getElementById('list').scrollTop = top; }", step * 9_973))
        tell("a leap in the list")
        page.focus("#list")
        for _ in range(20):
            clock.time(lambda: page.keyboard.press("j"))
        tell("the next log by j")
        # More than are kept: the oldest go, here and there.
        before = clock.now_ms()
        serving.post(logs(2_500, 1_772_359_900_000, seed=2))
        tab.wait("document.getElementById('counts').textContent.includes('2,500 older dropped')", seconds=60)
        tab.wait_counts("10,000 logs")
        print(f"  2,500 more arrive: {clock.now_ms() - before:.0f} ms in all")
        heap = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
        print(f"  the page's memory: {heap:.0f} MB")
        assert not slow, slow
        assert heap < 200, heap


def middle(numbers):
    return sorted(numbers)[len(numbers) // 2]
