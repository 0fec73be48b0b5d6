def deep(n) = n > 2 ? raise(ArgumentError, "order #{n}") : deep(n + 1)
3.times { |i| begin; deep(i); rescue => e; $stderr.puts e.full_message(highlight: false); end }
$stderr.puts 'three errors'
3.times { |i| begin; deep(i); rescue => e; $stderr.puts "#{e.class}: #{e.message}", e.backtrace; end }
$stderr.puts 'next'
warn 'deprecated'
$stderr.puts({ a: 1 }.inspect)
deep(0)
