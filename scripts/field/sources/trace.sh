#!/bin/bash
set -x
name=shop
for n in 1 2; do echo "item $n" >&2; done
sleep 0.01
cat <<EOF >&2
Usage: $0 [options]

Options:
  -v  verbose
  -h  help
EOF
sleep 0.01
false || echo "failed, going on" >&2
nosuchcommand
sleep 0.01
ls /nonexistent
set +x
echo end >&2
