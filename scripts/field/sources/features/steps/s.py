from behave import given, when, then
@given("an order of {n:d}")
def _(c, n): c.n = n; print("order", n)
@when("it is paid")
def _(c): c.each = 6 / c.n
@then("it is shipped")
def _(c): assert c.each == 3, "too few\nin the box"
