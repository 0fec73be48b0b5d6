"""Prints logs and stack traces as Python programs do. A line `===` stands between two logs."""
import json
import logging
import re
import socket
import struct
import sys
import threading


def mark():
    sys.stderr.flush()
    print("===", file=sys.stderr, flush=True)


def say(text):
    print(text, file=sys.stderr, flush=True)
    mark()


def divide(a, b):
    return a / b


def order():
    try:
        divide(1, 0)
    except ZeroDivisionError as error:
        raise ValueError("order 7 failed") from error


def careless():
    try:
        divide(1, 0)
    except ZeroDivisionError:
        {}["missing"]


def deep(n):
    return deep(n - 1) if n else divide(1, 0)


def several():
    raise ValueError("first line\nsecond line of the message")


def caught(function, *arguments):
    try:
        function(*arguments)
    except BaseException:
        import traceback

        traceback.print_exc()
    mark()


def group():
    raise ExceptionGroup("several", [ValueError("one"), ExceptionGroup("inner", [TypeError("two"), KeyError("three")])])


def own():
    raise type("timeout", (Exception,), {"__module__": "shop.errors"})


say("INFO:root:starting")
caught(divide, 1, 0)
say("plain line between")
caught(order)
caught(careless)
say('{"level": "info", "msg": "json between"}')
caught(deep, 30)
caught(lambda: sys.exit(3))
caught(group)
say("2026-11-22 19:30:01,123 - app - INFO - after the group")
caught(exec, "def broken(:\n    pass")
caught(json.loads, "{")
caught(struct.unpack, "i", b"x")
caught(re.compile, "(")
caught(lambda: socket.create_connection(("name.invalid", 443)))
caught(own)
say("shop.orders: this is a log of its own")
say("KeyError is not a trace")
say("Traceback is a word")
say("ValueError: this is a log of its own")
for form in (
    "%(levelname)s:%(name)s:%(message)s",
    "%(asctime)s %(levelname)s %(message)s",
    "%(asctime)s - %(name)s - %(levelname)s - %(message)s",
    "[%(asctime)s] {%(filename)s:%(lineno)d} %(levelname)s - %(message)s",
    "%(levelname)-8s %(message)s",
):
    logger = logging.getLogger(form)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(form))
    logger.addHandler(handler)
    logger.info("before")
    mark()
    try:
        order()
    except ValueError:
        logger.exception("could not place order")
    mark()
    logger.info("after")
    mark()
say("rows:\n  a: 1\n  b: 2".split("\n")[0])
say("  a: 1")
say("  b: 2")
thread = threading.Thread(target=divide, args=(1, 0), name="worker")
thread.start()
thread.join()
mark()
say("INFO:root:last words")
several() if len(sys.argv) > 1 else order()
