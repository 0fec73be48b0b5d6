$stderr.sync = true
$stderr.puts 'start', 'order 1'
sleep 0.01
$stderr.puts "Loading:\n  pen\n  ink\ndone"
sleep 0.01
begin; Integer('x'); rescue => e; $stderr.puts e.full_message(highlight: false, order: :top); end
$stderr.puts 'next'
sleep 0.01
require 'pp'; $stderr.puts({ id: 7, lines: [{ sku: 'pen' * 10, n: 1 }, { sku: 'ink' * 10, n: 2 }] }.pretty_inspect)
$stderr.puts 'last'
nil.upcase
