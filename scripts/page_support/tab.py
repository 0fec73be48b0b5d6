"""A tab of a browser with the page in it, as a person sees and uses it. Whatever goes wrong in it, or is loaded from elsewhere, is a failure."""

import json
import time
from urllib.parse import urlsplit

# How much of the text may be dimmer: WCAG 2.2, 1.4.3, level AA.
CONTRAST = 4.5

# How dark a text is on what stands behind it, for each of some selectors: the least of all elements that can be seen.
CONTRASTS = """selectors => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = color => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => top.slice(0, 3).map((value, at) => value * top[3] + under[at] * (1 - top[3]));
  const light = color => {
    const [r, g, b] = color.map(value => value / 255).map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = element => {
    const under = element.parentElement ? ground(element.parentElement) : [255, 255, 255];
    return over(rgba(getComputedStyle(element).backgroundColor), under);
  };
  const found = {};
  for (const selector of selectors) {
    for (const element of document.querySelectorAll(selector)) {
      if (!element.checkVisibility() || element.textContent.trim() === "") continue;
      const back = ground(element);
      const [one, other] = [light(over(rgba(getComputedStyle(element).color), back)), light(back)];
      const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      found[selector] = Math.min(found[selector] ?? 21, contrast);
    }
  }
  return found;
}"""


class Tab:
    def __init__(self, browser, url, width=1280, height=800, scheme="light", scale=1):
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, timezone_id="UTC", device_scale_factor=scale
        )
        self.page = self.context.new_page()
        self.wrong, self.tolerated = [], ()
        own = urlsplit(url).netloc
        self.page.on("console", lambda message: self.note(message.type, message.text) if message.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.note("exception", str(error)))
        self.page.on("dialog", lambda dialog: (self.note("dialog", dialog.message), dialog.dismiss()))
        self.page.on("request", lambda request: self.note("request", request.url) if urlsplit(request.url).netloc != own else None)
        self.page.goto(url)
        self.wait("document.getElementById('connection').dataset.state === 'live'")

    def note(self, kind, text):
        if not any(part in text for part in self.tolerated):
            self.wrong.append(f"{kind}: {text}")

    def close(self):
        self.context.close()
        assert not self.wrong, self.wrong

    def __enter__(self):
        return self

    def __exit__(self, kind, *_exception):
        if kind is None:
            self.close()
        else:
            self.context.close()

    def wait(self, condition, seconds=20):
        """Until a condition in JavaScript is true. Asked from here: playwright's own waiting needs `eval`, which the page's policy forbids."""
        until = time.monotonic() + seconds
        while not self.page.evaluate(f"Boolean({condition})"):
            assert time.monotonic() < until, f"never: {condition}; {self.counts()}"
            time.sleep(0.03)

    def counts(self):
        return self.page.inner_text("#counts")

    def wait_counts(self, start, seconds=20):
        """Until the line below the list begins so."""
        self.wait(f"document.getElementById('counts').textContent.startsWith({json.dumps(start)})", seconds)

    def search(self, text, counts=None):
        self.page.fill("#search", text)
        if counts is not None:
            self.wait_counts(counts)

    def drawn(self):
        """What was done is drawn in the next frame, so two frames later it is there."""
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")

    def rows(self):
        """The texts of the rows that can be seen, from the top."""
        self.drawn()
        return self.page.evaluate(
            "[...document.querySelectorAll('.row:not([hidden])')].sort((a, b) => a.dataset.place - b.dataset.place).map(row => row.querySelector('.text').textContent)"
        )

    def selected(self):
        """The text of the selected log."""
        self.drawn()
        return self.page.inner_text(".row[aria-selected=true] .text")

    def open(self, text=""):
        """Opens the first log in sight that has this text, by a click."""
        self.drawn()
        row = self.page.locator(".row:not([hidden])", has_text=text).first
        row.click()
        self.wait(f"document.getElementById('detail').dataset.number === '{row.get_attribute('id').removeprefix('log-')}'")

    def focused(self):
        return self.page.evaluate("document.activeElement.id || document.activeElement.className || document.activeElement.tagName")

    def contrasts(self, selectors):
        self.drawn()
        found = self.page.evaluate(CONTRASTS, selectors)
        return {selector: round(value, 2) for selector, value in found.items() if value < CONTRAST}, found
