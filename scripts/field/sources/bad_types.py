from typing import Protocol
class P(Protocol):
    def price(self, sku: str) -> int: ...
class Q:
    def price(self, sku: int) -> str: return ""
def f(p: P) -> int: return p.price(3)
f(Q())
x: int = "a"
