require 'logger'; require 'timeout'
log = Logger.new($stderr)
class Declined < StandardError; end
def price(o) = { pen: 3 }.fetch(o[:sku])
log.info('starting')
log.warn("two\nlines")
sleep 0.02
begin; price({ sku: :ink }); rescue => e
  log.error(e)
  log.error("order failed: #{e.full_message(highlight: false)}")
  log.info('next')
end
sleep 0.02
warn 'the old way', uplevel: 0
Thread.new { Thread.current.name = 'importer'; raise Declined, "card 7 declined\ntry another" }.join rescue log.error('importer is gone')
sleep 0.01
puts 'stdout'
log.info('last')
begin; price({ sku: :cap }); rescue KeyError; raise Declined, 'no price'; end
