"""The pictures of the page in docs/images, and some more to look at."""

from .part_large import logs
from .serving import Serving
from .tab import Tab


def take(browser, podferry, folder):
    folder.mkdir(parents=True, exist_ok=True)
    with Serving(podferry, "demo", "--ui") as serving:
        for scheme in ("light", "dark"):
            with Tab(browser, serving.url, scheme=scheme) as tab:
                tab.wait_counts("156 logs")
                tab.page.wait_for_timeout(300)
                tab.page.screenshot(path=folder / f"list-{scheme}.png")
                one_log(tab)
                tab.page.screenshot(path=folder / f"log-{scheme}.png")
        for width in (420, 800):
            with Tab(browser, serving.url, width=width) as tab:
                tab.wait_counts("156 logs")
                tab.page.screenshot(path=folder / f"narrow-{width}.png")
                one_log(tab)
                tab.page.screenshot(path=folder / f"narrow-{width}-log.png")
        # The README's: nothing but the log.
        with Tab(browser, serving.url, width=1480, height=800, scale=2) as tab:
            tab.wait_counts("156 logs")
            one_log(tab)
            pane = tab.page.locator("#detail").bounding_box()
            # Without the line on its left.
            pane.update(x=pane["x"] + 1, width=pane["width"] - 1, height=600)
            tab.page.screenshot(path=folder / "before-and-after.png", clip=pane)
        with Tab(browser, serving.url) as tab:
            tab.page.click("#help-button")
            tab.page.screenshot(path=folder / "help.png")
    with Serving(podferry, "intake", "--listen", "0", "--ui") as serving, Tab(browser, serving.url) as tab:
        tab.page.screenshot(path=folder / "empty.png")
        serving.post(logs(10_000, 1_772_359_200_000))
        tab.wait_counts("10,000 logs", seconds=60)
        tab.page.wait_for_timeout(300)
        tab.page.screenshot(path=folder / "ten-thousand.png")
        tab.search("payment -status:debug")
        chart = tab.page.locator("#chart").bounding_box()
        tab.page.mouse.move(chart["x"] + 700, chart["y"] + 20)
        tab.page.mouse.down()
        tab.page.mouse.move(chart["x"] + 960, chart["y"] + 20, steps=4)
        tab.page.mouse.up()
        tab.page.mouse.move(chart["x"] + 10, chart["y"] - 30)
        tab.page.wait_for_timeout(400)
        tab.page.screenshot(path=folder / "time-chosen.png")


    for picture in folder.glob("*.png"):
        make_small(picture)


def make_small(picture):
    """Few colors are a third of the bytes; flat ones look the same."""
    from PIL import Image

    with Image.open(picture) as whole:
        small = whole.convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    small.save(picture, optimize=True)


def one_log(tab):
    tab.search("is:masked", "1 of 156")
    tab.open("charged card")
    tab.search("", "156 logs")
    # There and back, so that the list has it in sight.
    tab.page.focus("#list")
    for key in ("j", "k"):
        tab.page.keyboard.press(key)
    tab.page.mouse.move(0, 0)
    tab.page.wait_for_timeout(500)
