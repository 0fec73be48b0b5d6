require 'minitest/autorun'
class Orders < Minitest::Test
  def test_adds; assert_equal 2, 1 + 1; end
  def test_total; assert_equal({ a: 1, b: [1] }, { a: 2, b: [1] }); end
  def test_dies; raise ArgumentError, "two\nlines"; end
  def test_later; skip 'later'; end
end
