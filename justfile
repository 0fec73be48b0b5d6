# Short names for what is done often; `just --list` shows them. Each is one command that also works without just.

# Sample events through the forwarder's own code, to an intake on loopback
demo:
    cargo run --quiet -- demo

# What Datadog would get of an event file: `just preview EVENT.json --output json`
preview file *options:
    cargo run --quiet -- preview {{ quote(file) }} {{ options }}

# All tests
test:
    cargo test

# Format and lints
lint:
    cargo fmt --check && cargo clippy --all-targets -- -D warnings

# Spelling, style and our list of words in what people read; needs typos and proselint, both from PyPI
prose:
    scripts/check_prose

# All that has to hold before a change goes in
ci:
    .ci/run

# The forwarder in Lambda's own runtimes; its top says what it needs
e2e *options:
    scripts/e2e {{ options }}

# The page of `--ui` in Chromium; `just page --screenshots FOLDER` takes its pictures
page *options:
    scripts/check_page {{ options }}

# The whole pure path beside its floor
bench:
    cargo bench -p bench

# Ask real Go and real Python about patterns again, and real runtimes for stack traces; needs them all
fixtures:
    python3 scripts/patterns/cases.py go | go run scripts/patterns/engine.go > tests/fixtures/patterns/go.jsonl
    python3 scripts/patterns/cases.py python | python3 scripts/patterns/engine.py > tests/fixtures/patterns/python.jsonl
    scripts/traces/run

# Write the manifests that the tests expect of `podferry generate` again, after a change that is meant
manifests:
    cargo test -p podferry --test integration generate -- --ignored

# Fuzz some targets (event, record, rules, tags, message, lint), or all, for some seconds each: `just fuzz 120 record`
fuzz seconds="20" *targets:
    fuzz/run {{ seconds }} {{ targets }}

# Write the Terraform module again, after a change of template.yaml; needs a Python with aws-sam-cli
terraform:
    python3 scripts/terraform_module

# The function as it ships beside the floor that the C libraries set; its top says what it can be told
measure *options:
    cargo build --release -p forwarder
    scripts/measure {{ options }}

# The function's zip for arm64 or x86_64
build architecture="arm64":
    scripts/build {{ architecture }}

# The files of a release, and a look at them; scripts/dist says what they are and what it needs
dist *options:
    scripts/dist {{ options }}
    scripts/check_dist

# Build and deploy with the SAM CLI: `just deploy ClusterName=prod LogGroupName=/eks/prod`
deploy *parameters:
    scripts/deploy {{ parameters }}

# Write the reports that the tests expect of `podferry lint`, and docs/lint-rules.md, again, after a change that is meant
lint-reports:
    cargo test -p manifests --test integration lint -- --ignored
