require Logger
defmodule Shop.Stock do
  use GenServer
  def init(s), do: {:ok, s}
  def handle_call(:price, _, s), do: {:reply, Map.fetch!(s, :ink), s}
end
Logger.info("starting")
IO.inspect(%{port: 8080, hosts: ["a", "b"], tls: %{cert: "/etc/tls/tls.crt", key: "/etc/tls/tls.key", verify: true, depth: 3}}, label: "config")
Process.sleep(30)
Logger.warning("two\nlines")
{:ok, pid} = GenServer.start(Shop.Stock, %{pen: 3})
try do GenServer.call(pid, :price) catch :exit, r -> IO.puts("caught: #{inspect(r) |> String.slice(0, 60)}") end
Process.sleep(30)
Task.start(fn -> raise ArgumentError, "no such\norder" end)
Process.sleep(30)
spawn(fn -> 1 = :erlang.length(:x) end)
Process.sleep(30)
Logger.error("failed", crash_reason: nil)
IO.puts("plain")
defmodule Shop.Order do
  def total(lines) when is_list(lines), do: Enum.sum(lines)
end
Shop.Order.total(:none)
