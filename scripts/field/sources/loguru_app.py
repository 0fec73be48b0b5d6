import sys, time
from loguru import logger
logger.remove()
logger.add(sys.stderr, backtrace=True, diagnose=True, colorize=False)
def price(order, table):
    return table[order["sku"]] * order["count"]
def charge(order):
    return price(order, {"pen": 3})
logger.info("starting with {} workers", 2)
for order in [{"sku": "pen", "count": 2}, {"sku": "ink", "count": 1}, {"sku": "pen", "count": None}]:
    try:
        logger.success("charged {}", charge(order))
    except Exception:
        logger.exception("order failed: {}", order)
    time.sleep(0.02)
logger.warning("a message\nof two lines")
logger.debug("rows:\n  id=1 sku=pen\n  id=2 sku=ink")
print("plain print in between", file=sys.stderr, flush=True)
time.sleep(0.01)
logger.info("last")
raise SystemExit(charge({"sku": "cap", "count": 1}))
