"""logging without any configuration, multiprocessing and threads: what the interpreter writes by itself."""
import logging, multiprocessing, sys, threading, time, warnings, asyncio
def work(n):
    if n == 2: raise ValueError("cannot resize %d" % n)
def run():
    log = logging.getLogger("shop")
    log.warning("cache is cold")
    time.sleep(0.02)
    try: int("x")
    except ValueError: log.exception("order 7 failed")
    log.warning("going on")
    warnings.warn("the old way", DeprecationWarning)
    warnings.warn("two\nlines of it")
    time.sleep(0.02)
    for n in (1, 2):
        p = multiprocessing.Process(target=work, args=(n,), name="Resizer-%d" % n); p.start(); p.join()
    log.error("worker gone")
    t = threading.Thread(target=work, args=(2,)); t.start(); t.join()
    time.sleep(0.02)
    log.error("item %d of %s", "x", 3)
    log.warning("after the logging error")
    class Leaky:
        def __del__(self): raise OSError("already closed")
    Leaky()
    async def lost():
        async def boom(): raise RuntimeError("never retrieved")
        t = asyncio.create_task(boom()); await asyncio.sleep(0.01); del t
        import gc; gc.collect()
    asyncio.run(lost())
    log.warning("last")
if __name__ == "__main__":
    warnings.simplefilter("always")
    run()
