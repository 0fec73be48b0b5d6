#!/bin/sh
# What several containers write, each line behind the name of its own, as docker compose prints it.
p() { sed -u "s/^/$1 | /"; }
( echo "listening on 8080"; sleep 0.02; echo "GET /ok 200"; sleep 0.03; printf 'Traceback (most recent call last):\n  File "/app/x.py", line 3, in f\nKeyError: %s\n' "'k'"; sleep 0.02; echo "GET /ok 200" ) | p "web-1   " &
( sleep 0.01; echo "job 1"; sleep 0.03; echo "job 2"; sleep 0.05; printf 'Error: no upstream\n    at f (/app/x.js:1:2)\n    at g (/app/x.js:3:4)\n' ; sleep 0.01; echo "job 3" ) | p "worker-1" &
wait
