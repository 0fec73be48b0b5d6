require 'rspec/core'
RSpec.describe 'orders' do
  it('adds') { expect(1 + 1).to eq 2 }
  it('totals') { puts 'computing'; expect({ a: 1, b: [1] }).to eq({ a: 2, b: [1] }) }
  it('dies') { raise ArgumentError, "two\nlines" }
  it('waits') { pending 'later'; raise 'x' }
end
