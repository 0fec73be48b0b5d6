#!/usr/bin/env python3
"""Checks what template.yaml promises, offline.

    python scripts/check_template.py [--template FILE] [--out PLAIN.json] [--stacks DIRECTORY] [--self-test]

Needs a Python with aws-sam-cli, for its `samtranslator`; neither credentials nor a network. The checks are in template_support/.

`sam validate --lint` does not look inside AWS::Serverless::Function. So the template is translated to plain CloudFormation, as
the service does it, and then worked out for several sets of parameters and for every partition: conditions, rules, patterns and
intrinsic functions. The checks look at the stack that comes out. `--out` keeps the translation, for cfn-lint. `--stacks` keeps it
twice, with the conditions decided for the plainest stack and for one with everything: checkov does not see what stands behind a
condition. `--self-test` breaks the template in memory, one way after the other, and fails if a break is not noticed.
"""

import argparse
import json
import sys
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse
from template_support.breaks import BREAKS, missed
from template_support.cases import CASES, EVERYTHING, PLAINEST
from template_support.checks import problems
from template_support.skips import with_skips
from template_support.stack import PARTITIONS, Broken, Stack, translate


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--template", type=Path, default=Path(__file__).parent.parent / "template.yaml")
    parser.add_argument("--out", type=Path, help="write the plain CloudFormation here, as JSON")
    parser.add_argument("--stacks", type=Path, help="write two stacks into this directory, as JSON, without conditions")
    parser.add_argument("--self-test", action="store_true", help="break the template in memory and see that it is noticed")
    arguments = parser.parse_args()

    sam = yaml_parse(arguments.template.read_text())
    try:
        if arguments.out:
            arguments.out.write_text(json.dumps(translate(sam, {}), indent=2) + "\n")
        if arguments.stacks:
            arguments.stacks.mkdir(parents=True, exist_ok=True)
            for file, name in (("plainest.json", PLAINEST), ("everything.json", EVERYTHING)):
                [case] = (case for case in CASES if case.name == name)
                parameters = case.filled_in("aws").parameters
                template = with_skips(Stack(translate(sam, parameters), parameters).template_of_it())
                (arguments.stacks / file).write_text(json.dumps(template, indent=2) + "\n")
    except Broken as broken:
        sys.exit(f"{arguments.template}: {broken}")
    found = problems(sam)
    for problem in found:
        print(f"{arguments.template}: {problem}", file=sys.stderr)
    if found:
        sys.exit(1)
    print(f"{arguments.template}: good, in {len(CASES)} sets of parameters and {len(PARTITIONS)} partitions")
    if arguments.self_test:
        not_noticed = list(missed(sam))
        for each in not_noticed:
            print(f"self-test: {each}", file=sys.stderr)
        if not_noticed:
            sys.exit(1)
        print(f"self-test: all {len(BREAKS)} breaks are noticed")


if __name__ == "__main__":
    main()
