all: a b
a:
	@echo building a; sleep 0.02; echo "a.c:3:5: error: no such thing" >&2; echo "   3 |   thing();" >&2; echo "     |   ^~~~~" >&2; exit 1
b:
	@echo building b; sleep 0.05; echo done b
