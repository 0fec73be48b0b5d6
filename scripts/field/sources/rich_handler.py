import logging, time
from rich.logging import RichHandler
from rich.console import Console
import sys
logging.basicConfig(level="DEBUG", format="%(message)s", datefmt="[%X]", handlers=[RichHandler(console=Console(file=sys.stderr, width=100), rich_tracebacks=False)])
log = logging.getLogger("shop")
log.info("starting up the shop")
log.debug("one of two in the same second")
log.warning("a rather long message that has to be wrapped by the handler because it does not fit into the hundred columns of the console")
time.sleep(0.03)
try:
    {}["sku"]
except KeyError:
    log.exception("no such order")
time.sleep(0.02)
log.info("next")
log.error("giving up")
