import sys, time, traceback, threading, concurrent.futures as cf
print("batch 1 of 2", flush=True)
def work(n):
    try: 1 / n
    except ZeroDivisionError as e: e.add_note("while dividing\nby nothing"); raise
with cf.ThreadPoolExecutor(2) as pool:
    futures = [pool.submit(work, n) for n in (1, 0, 0)]
for n, f in enumerate(futures):
    if f.exception(): print(f"task {n} failed:", file=sys.stderr); traceback.print_exception(f.exception())
    else: print("task", n, "done", flush=True)
    time.sleep(0.01)
t = threading.Thread(target=work, args=(0,), name="crunch"); t.start(); t.join()
print("batch 2 of 2", flush=True)
def deep(n): return deep(n + 1)
try: deep(0)
except RecursionError: traceback.print_exc()
exec(compile("x = (1,\n  2", "<config>", "exec"))
