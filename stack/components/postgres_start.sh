#!/bin/sh
# Makes the database once, sets its password at every start, then becomes the server. A database that an interrupted
# start left half made is made anew: it gets its name only when it is whole.
set -eu
umask 077
PATH=/usr/lib/postgresql/18/bin:$PATH
config=/etc/stack/current
data=/var/lib/postgresql/packets

single() { postgres --single -D "$1" -c log_min_messages=fatal postgres >/dev/null; }

if [ ! -d "$data" ]; then
    rm -rf "$data.new"
    initdb -D "$data.new" --username=postgres --auth=reject --data-checksums --encoding=UTF8 \
        --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8 >/dev/null
    printf 'CREATE ROLE app LOGIN\n\nCREATE DATABASE packets OWNER app\n' | single "$data.new"
    mv "$data.new" "$data"
fi
# The client's password wins: a lost one is repaired by the next start. It goes in by a pipe, never as an argument.
password=$(cat /etc/stack/secrets/postgres_password)
printf "ALTER ROLE app PASSWORD '%s'\n" "$password" | single "$data"
exec postgres -D "$data" -c config_file="$config/postgresql.conf" -c hba_file="$config/pg_hba.conf"
