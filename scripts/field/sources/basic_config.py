import logging, time, traceback, json
logging.basicConfig(level=logging.INFO)
a, b = logging.getLogger("shop.orders"), logging.getLogger("shop.stock")
a.info("up")
for n in range(3):
    b.info("stock of %d\npen: %d\nink: %d", n, n * 3, n * 2)
    try: [1, 2][n]
    except IndexError as e:
        a.error("order %d", n, exc_info=True)
        a.error("the same by hand: %s", traceback.format_exc())
    time.sleep(0.01)
a.info(json.dumps({"a": 1, "b": [1, 2]}, indent=2))
a.warning("headers: %s", "\n".join("%s: %s" % x for x in [("Host", "shop"), ("Accept", "*/*")]))
b.critical("", stack_info=True)
a.info("end")
