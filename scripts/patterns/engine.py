"""Says what Python's re makes of the cases on standard input: see cases.py.

    python3 scripts/patterns/cases.py python | python3 scripts/patterns/engine.py > tests/fixtures/patterns/python.jsonl
"""
import json
import re
import sys
import warnings

warnings.simplefilter("ignore")
texts = json.loads(next(sys.stdin))
print(json.dumps(texts, ensure_ascii=False))
for line in sys.stdin:
    case = json.loads(line)
    answer = {"pattern": case["pattern"], "replacement": case["replacement"], "compiles": False}
    try:
        pattern = re.compile(case["pattern"])
    except re.error:
        pattern = None
    if pattern is not None:
        answer["compiles"] = True
        answer["said"] = []
        for number in case["texts"]:
            text = texts[number]
            at = lambda index: len(text[:index].encode())
            spans = [[at(found.start()), at(found.end())] for found in pattern.finditer(text)]
            try:
                replaced = pattern.sub(case["replacement"], text)
            except (re.error, IndexError):
                replaced = None
            said = {"text": number, "spans": spans}
            # Where an empty match is, Python replaces more than any other engine: not compared.
            if spans and all(start < end for start, end in spans):
                said["replaced"] = replaced
            answer["said"].append(said)
    print(json.dumps(answer, ensure_ascii=False))
