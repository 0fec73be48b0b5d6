import logging, time
from apscheduler.schedulers.background import BackgroundScheduler
logging.basicConfig(level=logging.INFO, format="[%(asctime)s] {%(filename)s:%(lineno)d} %(levelname)s - %(message)s")
def sync(): print("syncing", flush=True)
def fails(): raise ConnectionError("no answer from\n  db:5432")
s = BackgroundScheduler(); s.add_job(sync, "interval", seconds=0.3); s.add_job(fails, "interval", seconds=0.5)
s.start(); time.sleep(1.3); s.shutdown()
