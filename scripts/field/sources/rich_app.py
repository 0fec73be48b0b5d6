import time
from rich.console import Console
from rich.table import Table
from rich.traceback import install
install(show_locals=True, width=100)
console = Console(width=100)
console.log("starting", {"port": 8080}); time.sleep(0.02)
table = Table(title="Orders"); table.add_column("sku"); table.add_column("n"); table.add_row("pen", "3"); table.add_row("ink", "1")
console.print(table); time.sleep(0.02)
console.log("going on"); console.print("[red]plain[/red] line"); time.sleep(0.02)
try: 1 / 0
except ZeroDivisionError: console.print_exception()
time.sleep(0.02)
console.rule("end"); console.print_json('{"a": [1, {"b": null}]}')
def price(sku): return {"pen": 3}[sku]
price("ink")
