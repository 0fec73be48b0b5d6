"""Prints the cases that the real engines are asked: the texts on the first line, then one JSON object a line,
{"pattern", "replacement", "texts": numbers of texts}.

    python3 scripts/patterns/cases.py go|python

Some are written by hand, one for every construct; the others are made from a grammar, always the same.
"""
import json
import random
import sys

TEXTS = {
    "log": '10.0.3.7 - - [22/Nov/2026:19:30:01 +0000] "GET /health?token=abc123 HTTP/1.1" 200 12 "-" "curl/8.1"',
    "app": "2026-11-22 19:30:01,123 ERROR [main] user=alice@example.com password=hunter2 card 4111-1111-1111-1111",
    "unicode": "é ſ K İ ı \u00a0 ٣ \U0001f600 naïve Straße Ωω",
    "space": "a\tb\nc\rd\x0be\x0cf g\x1ch",
    "odd": "a{2} {x} [a] (b) <i> ^$ .*+? | \\ & ~ - _ / \" ' # ab12",
    "empty": "",
    "lines": "first\nsecond line\n\nfourth",
    "aaa": "aaaa baab abab",
}

GO = r"""
abc
a.c
^\d{4}-\d{2}-\d{2}
\d+
\D+
\w+
\W+
\s+
\S+
\bERROR\b
\BRR
\Bb
[\d.]+
[^\s]+
[\w-]+@[\w.]+
[\D]
[^\W]
(?i)password=\S+
(?i:k)
(?i)ss
(?i)[k]
(?i)\w+
\[(INFO|WARN|ERROR)\]
(?P<user>\w+)@(?P<host>[\w.]+)
(?<user>\w+)@
(?P<1a>\w+)@
(?:\d{4}-){3}\d{4}
\b(?:4\d{3}|5[1-5]\d{2})(?:-?\d{4}){3}\b
(\d+)\.(\d+)
a{2}
a{2,}
a{2,3}
a{,2}
a{
a{2
a{x}
{x}
{2}
a{02}
a{0}
a{0,0}b
a{1000}
a{1001}
(a{100}){100}
a{3,2}
a**
a*+
a*?
a+?
a??
a*??
a{2}{3}
a{2}?
a{2}+
(a*)*
*a
+
|
a|
|a
a||b
()
(|a)+
(
)
a)
[
]
[]a]
[^]a]
[]
[a
[a-]
[-a]
[a-c-e]
[z-a]
[a-\d]
[\d-z]
[a\]b]
[[]
[[a]
[a&&b]
[a--b]
[a~~b]
[[:alpha:]]+
[[:^alpha:]]+
[[:word:]]+
[[:foo:]]
[:alpha:]
[[:alpha:]-z]
[\x00-\x1f]
[\n\t]
[^\n]+
[\Q]\E]
\Qa.b\E
\Q.*+\E
\Q{x}
\Qa\Eb
\x41
\x4
\x{e9}
\x{1F600}
\x{110000}
\x{}
\x{D800}
\u00e9
\0
\01
\012
\12
\1
(a)\1
\8
\123
\a\f\t\n\r\v
\v
\A\d
\d\z
\d\Z
\C
\pL+
\pN
\p{Greek}+
\p{^Greek}
\P{Greek}+
\PL
\p{Lu}
\p{Foo}
\p{L
\pZ
[\pL\d]+
[^\pL]+
[\p{Greek}a]
\<
\>
\_
\-
\/
\"
\'
\#
\ 
\é
\!
\@
\&
\~
\=
\%
\h
\y
\e
\K
\R
\X
\G
\
(?=a)
(?!a)
(?<=a)
(?<!a)
(?>a)
(?(1)a)
(?#c)a
(?x)a b
(?u)a
(?i)A
(?-i)a
(?i-s)A.
(?is:A.B)
(?m)^\w+$
^\w+$
(?s).+
.+
(?U)a+
(?U)a+?
(?ims)A
(?)a
(?-)a
(?i-)a
(?:)
(?P<n>a)(?P<n>b)
(?P<>a)
(?P<a-b>a)
(?P<é>a)
(?P=n)
(?P>n)
(?Pn)
^*
$*
^+a
a^b
a$b
\b+
(?i)*
$
^
\b
\B
x*
a*
a|b|
\.
é+
[é-ü]
[^a]
(?i)É
(?i)[^x]
(?i)straße
[+--]
[!--]
[a-z&&[aeiou]]
[\]]
[\[]
[\^a]
[\-a]
[a\-z]
[\w\-.]+
[\/]
[,;|]
(a)(b)?
((a)|b)+
(?P<d>\d+)-(?P<m>\d+)
.*token=([^& ]+)
^(?:\S+ ){3}
"[^"]*"
\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}
[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}
\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b
(?i)(api[_-]?key|token|secret)["']?\s*[:=]\s*["']?[^\s"',]+
\$\{?\w+\}?
^\s*at\s
HTTP/\d\.\d" (4|5)\d\d
""".strip("\n").split("\n")

PYTHON_ONLY = r"""
a{,2}
{,2}
a{,}
a{2}{3}
a*+
a++
a?+
a{2}+
a**
(?P=n)
(?P<n>a)(?P=n)
(?#comment)a
(?#comment
(?x) a  b # c
(?x)a\ b[ ]
(?a)\w
(?L)a
(?u)\w+
(?i)É
a(?i)b
(?i:É)b
(?-i:a)
(?<n>a)
(?P<1a>a)
(?P<é>a)
\Z
\d\Z
\z
\u00e9
\U0001F600
\u00
\N{BULLET}
\0
\07
\012
\123
\400
\12
(a)\1
\pL
[[:alpha:]]
[\b]
[\d-z]
[a-\d]
[]a]
[a&&b]
[[a]
\Qa\E
\é
\_
\!
\h
\e
\x{41}
\x41
^*
$*
\b*
(?s:.)+
[\s]+
[^\s]+
\S+
\s+
\w+
\d+
\W+
(?i)ss
(?=a)b
(?>a)
(?(1)a|b)
(?)a
(?ms)^.+$
(?P<>a)
(?P<n>a)(?P<n>b)
a{1001}
a{3,2}
a{02}
a{2
""".strip("\n").split("\n")

GO_REPLACEMENTS = ["***", "", "[$0]", "$1", "${1}x", "$1x", "$user at ${host}", "$$1", "$", "${", "${1", "$é", "$10", "${d}/$m", "$01", "${1a}"]
PYTHON_REPLACEMENTS = ["***", "", r"[\g<0>]", r"\1", r"\g<1>x", r"\g<user>", r"\\", r"\n\t", r"\q", r"\0", r"\12", r"\g<x", "$1", r"\.", r"\123", "\\"]


def random_pattern(rng, depth=0):
    atoms = ["a", "b", "ab", "\\d", "\\w", "\\s", ".", "[a-c]", "[^a]", "[0-9_]", "é", "\\.", "-", "=", "\\b", "^", "$", "x"]
    parts = []
    for _ in range(rng.randint(1, 4)):
        part = rng.choice(atoms)
        if depth < 2 and rng.random() < 0.3:
            part = rng.choice(["(", "(?:", "(?i:"]) + random_pattern(rng, depth + 1) + ")"
        if rng.random() < 0.4 and part not in ("^", "$", "\\b"):
            part += rng.choice(["*", "+", "?", "*?", "+?", "{2}", "{1,3}", "{0,2}?"])
        parts.append(part)
    pattern = "".join(parts)
    return pattern + "|" + random_pattern(rng, depth + 1) if depth < 2 and rng.random() < 0.2 else pattern


def main():
    dialect = sys.argv[1]
    rng = random.Random(37)
    replacements = GO_REPLACEMENTS if dialect == "go" else PYTHON_REPLACEMENTS
    patterns = list(GO if dialect == "go" else PYTHON_ONLY + GO)
    written = len(patterns)
    patterns += [random_pattern(rng) for _ in range(250)]
    numbers = range(len(TEXTS))
    print(json.dumps(list(TEXTS.values())))
    for number, pattern in enumerate(dict.fromkeys(patterns)):
        texts = list(numbers) if number < written else rng.sample(numbers, 3)
        print(json.dumps({"pattern": pattern, "replacement": replacements[number % len(replacements)], "texts": texts}))
    # Every replacement with a pattern that has groups, too.
    for replacement in replacements:
        name = "1a" if dialect == "go" else "n"
        pattern = r"(?P<user>\w+)(=)(?P<%s>\w)?" % name
        print(json.dumps({"pattern": pattern, "replacement": replacement, "texts": [1]}))


main()
