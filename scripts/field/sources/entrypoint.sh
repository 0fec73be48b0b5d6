set -x
DB=postgres://db:5432/shop
cat <<X
config:
  db: $DB
X
for i in 1 2; do
  curl -sS http://127.0.0.1:1/health
  sleep 0.02
done
[ -f /nothing ] || echo "no file" >&2
set +x
echo "Waiting for db..."
curl -v http://127.0.0.1:1/ 2>&1
ls /nothing /nowhere
nosuchcommand --help
tar xf /nothing.tar
python3 -c 'import nothing'
exec node -e 'null.x'
