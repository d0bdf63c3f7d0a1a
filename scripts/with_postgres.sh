#!/usr/bin/env bash
# Runs a command with a Postgres server beside it.
#
#   scripts/with_postgres.sh cargo test --release --workspace --test postgres
#
# The server listens on a free port of the loopback device, keeps nothing, and is ended with the command, which finds it by
# MVL_TEST_POSTGRES_URL (a superuser's; tests make schemas or databases of their own). Without Postgres on the system (Debian:
# apt-get install postgresql) the command runs without that variable.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: scripts/with_postgres.sh COMMAND…" >&2; exit 2; }

tools=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1 || true)
if [ ! -x "$tools/initdb" ]; then
  tools=$(dirname "$(command -v initdb || echo /nowhere/initdb)")
fi
if [ ! -x "$tools/initdb" ]; then
  echo "no postgres here; Debian: apt-get install postgresql" >&2
  exec "$@"
fi

work=$(mktemp -d)
as_owner=()
if [ "$(id -u)" = 0 ]; then # Postgres does not run as root
  chown nobody "$work"
  as_owner=(setpriv --reuid nobody --clear-groups env "HOME=$work")
fi
finish() {
  "${as_owner[@]}" "$tools/pg_ctl" --pgdata "$work/data" --mode immediate --silent stop >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cd "$work"
"${as_owner[@]}" "$tools/initdb" --pgdata "$work/data" --username mvl --auth trust --encoding UTF8 --no-sync >initdb.log || { cat initdb.log >&2; exit 1; }
"${as_owner[@]}" "$tools/pg_ctl" --pgdata "$work/data" --log "$work/data/server.log" --wait --timeout 60 --silent \
  --options "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories='$work' -c max_connections=200" start \
  || { cat "$work/data/server.log" >&2; exit 1; }
cd "$OLDPWD"

export MVL_TEST_POSTGRES_URL=postgres://mvl@127.0.0.1:$port/postgres
"$@"
