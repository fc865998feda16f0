#!/bin/sh
# Makes the database once, sets its password at every start, then becomes the server. A database that an interrupted
# start left half made is made anew: it gets its name only when it is whole. One that a backup wrote down is loaded then.
set -eu
umask 077
for programs in /usr/lib/postgresql/*/bin; do PATH=$programs:$PATH; done
config=/etc/stack/current
data=/var/lib/postgresql/packets
dump=/var/lib/postgresql/restore.dump

# Reads statements, one a line. No pipe leads here: it must be this shell's own child, since it takes a lock file that
# names its parent, as a killed server leaves it, for stale.
single() { postgres --single -D "$1" -c log_min_messages=fatal postgres >/dev/null; }

if [ ! -d "$data" ]; then
    rm -rf "$data.new"
    initdb -D "$data.new" --username=postgres --auth=reject --data-checksums --encoding=UTF8 \
        --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8 >/dev/null
    single "$data.new" <<END
CREATE ROLE app LOGIN
CREATE DATABASE packets OWNER app
END
    if [ -f "$dump" ]; then
        pg_ctl -D "$data.new" -w -l /tmp/restore.log start \
            -o "-c listen_addresses= -c unix_socket_directories=/tmp -c hba_file=$config/pg_hba.conf" >/dev/null
        pg_restore -h /tmp -U postgres -d packets --single-transaction "$dump"
        pg_ctl -D "$data.new" -w -m fast stop >/dev/null
    fi
    mv "$data.new" "$data"
    rm -f "$dump"
fi
set -- $(postgres --version)
major=${3%%[!0-9]*} # of "postgres (PostgreSQL) 18.6 (Debian ...)"
if [ "$(cat "$data/PG_VERSION")" != "$major" ]; then
    echo "FATAL: the data is that of PostgreSQL $(cat "$data/PG_VERSION"), which $major cannot open:" \
        "name its image in STACK_POSTGRES_IMAGE and start, then monitoring-stack upgrade --to postgres=IMAGE moves it" >&2
    exit 1
fi
# The client's password wins, so that a lost one is repaired by the next start. It is never an argument.
password=$(cat /etc/stack/secrets/postgres_password)
single "$data" <<END
ALTER ROLE app PASSWORD '$password'
END
exec postgres -D "$data" -c config_file="$config/postgresql.conf" -c hba_file="$config/pg_hba.conf"
