import sys, time
from twisted.python import log, failure
from twisted.internet import defer, reactor
log.startLogging(sys.stdout)
log.msg("shop starts")
log.msg("two\nlines")
def job():
    try: {}["sku"]
    except Exception: log.err(None, "job failed")
    print("printed by hand")
    d = defer.Deferred(); d.addCallback(lambda _: 1 / 0); d.callback(1); del d
    import gc; gc.collect()
    def bad(): raise ValueError("in the reactor")
    reactor.callLater(0.02, bad)
    reactor.callLater(0.05, reactor.stop)
reactor.callWhenRunning(job)
reactor.run()
