for i in 1 2 3; do echo "$(date -u +%FT%T) INFO batch $i of 3"; echo "moving file $i"; sleep 0.03; done
echo "$(date -u +%FT%T) ERROR batch failed"; cat <<X
usage: batch [options]
  --from DIR   where
  --to DIR     whereto
X
sleep 0.03; printf 'downloading 10%%\rdownloading 50%%\rdownloading 100%%\n'; echo "done"; sleep 0.03
git clone https://127.0.0.1:1/x.git 2>&1; sqlite3 :memory: 'create table a(b); insert into a values(1),(2);' '.mode box' 'select * from a' 'select nope from a'; sleep 0.03
echo '-----BEGIN X-----'; head -c 90 /dev/zero | base64 -w 64; echo '-----END X-----'; date --nope; awk 'BEGIN { print 1; x = substr( }'; sort --nope
