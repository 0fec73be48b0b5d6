local function price(o) return o.table[o.sku] * o.count end
local function wait() os.execute("sleep 0.01") end
io.stderr:write("start\n"); io.stderr:write("order 1\n")
wait()
local ok, message = xpcall(price, debug.traceback, { sku = "ink", count = 1, table = {} })
io.stderr:write(message, "\n")
io.stderr:write("next\n")
wait()
io.stderr:write("items:\n  pen 2\n  ink 1\n")
io.stderr:write("done\n")
wait()
error({ code = 3 } and "no price for " .. price({ sku = "cap", count = 1, table = {} }))
