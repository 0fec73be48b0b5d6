# Prints logs and stack traces as Ruby programs do. A line `===` stands between two logs.
require "logger"
$stderr.sync = true
def mark = $stderr.puts("===")
def say(text) = ($stderr.puts(text); mark)
def deep(n) = n.zero? ? raise(ArgumentError, "deep down") : deep(n - 1)
def order
  deep(2)
rescue ArgumentError
  raise "order 7 failed"
end

say "starting"
begin
  order
rescue => error
  $stderr.puts error.full_message(highlight: false)
end
mark
say "plain line"
logger = Logger.new($stderr)
logger.info("one line")
mark
begin
  deep(3)
rescue => error
  logger.error(error)
end
mark
logger.info("after")
mark
say '{"level":"info"}'
say "from here on it works"
thread = Thread.new { deep(1) }
begin
  thread.join
rescue ArgumentError
  mark
end
say "last words"
ARGV[0] == "nil" ? nil.missing : order
