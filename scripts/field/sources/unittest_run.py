import unittest, sys
class Orders(unittest.TestCase):
    def test_ok(self): self.assertEqual(1, 1)
    def test_total(self): self.assertEqual({"total": 3, "lines": [1]}, {"total": 4, "lines": [1]})
    def test_missing(self): {}["sku"]
    @unittest.skip("slow")
    def test_slow(self): pass
    def test_text(self): self.assertEqual("a\nb\n", "a\nc\n")
unittest.main(verbosity=2, argv=["x"])
