import sys, time, logging, stackprinter
logging.basicConfig(format="%(levelname)s %(message)s", level=logging.INFO, stream=sys.stdout)
class F(logging.Formatter):
    def formatException(self, info): return "    " + stackprinter.format(info).replace("\n", "\n    ")
logging.getLogger().handlers[0].setFormatter(F("%(asctime)s %(levelname)s %(message)s"))
logging.info("up"); time.sleep(0.02)
def total(lines, factor=2):
    n = sum(lines) * factor
    return n / len(lines)
try: total([])
except ZeroDivisionError: logging.exception("no total")
logging.info("next"); time.sleep(0.02)
import better_exceptions; better_exceptions.hook()
sys.stdout.flush()
total([])
