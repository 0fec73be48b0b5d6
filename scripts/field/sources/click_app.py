import typer, sys, time
app = typer.Typer()
@app.command()
def ship(order: int, fast: bool = False):
    print("shipping", order, flush=True)
    raise RuntimeError(f"order {order} is lost")
for args in (["x"], ["--nope"], ["7"]):
    print("run", args, flush=True); time.sleep(0.02)
    try: app(args, standalone_mode=True)
    except SystemExit as e: print("exit", e.code, flush=True)
    except RuntimeError: sys.excepthook(*sys.exc_info())
    time.sleep(0.02)
