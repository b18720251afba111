#!/bin/bash
# docker/: loopback only, durable, no password in the tree, the same schema as everywhere.
. "${srcdir:-.}/tests/lib/sh.sh"
scratch=$(mktemp -d "${XATOP_TMP:-${TMPDIR:-/tmp}}/docker.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# findings COMPOSE_FILE
findings()
{
    local file=$1 dir port mount setting
    dir=$(dirname "$1")
    while read -r port; do
        [[ $port == 127.0.0.1:* ]] || echo "port $port is not on loopback"
    done < <(sed -n 's/.*ports:[^"]*"\([^"]*\)".*/\1/p' "$file")
    [ "$(grep -c 'ports:' "$file")" = "$(grep -c '"127\.0\.0\.1:[0-9]*:3306"' "$file")" ] || echo 'a port is published in another way'
    ! grep -nE 'PASSWORD:|PASSWORD=|--password|[[:space:]"]-p[A-Za-z0-9]' "$file" || echo 'a password is written down'
    while read -r mount; do
        [ -e "$dir/$mount" ] || echo "$mount, which is mounted, is not there"
    done < <(sed -n 's/^ *- \(\.[^:]*\):.*/\1/p' "$file")
    for setting in --innodb-flush-log-at-trx-commit=1 --log-bin --sync-binlog=1 healthcheck schema.mysql.sql; do
        grep -qe "$setting" "$file" || echo "$setting is missing"
    done
}

self_test()
{
    local found
    mkdir "$scratch/docker" "$scratch/sql"
    sed 's/127\.0\.0\.1:33062/0.0.0.0:33062/; s/MYSQL_PASSWORD_FILE: .*/MYSQL_PASSWORD: x/; s/--sync-binlog=1/--sync-binlog=0/' \
        "$srcdir/docker/compose.yaml" >"$scratch/docker/compose.yaml"
    found=$(findings "$scratch/docker/compose.yaml")
    echo "$found"
    [[ $found == *'not on loopback'* && $found == *'a password is written down'* && $found == *'--sync-binlog=1 is missing'* &&
        $found == *'schema.mysql.sql, which is mounted, is not there'* ]]
}
run_test 'docker: the check finds what it forbids' self_test

found=$(findings "$srcdir/docker/compose.yaml")
if [ -z "$found" ]; then ok 'docker: loopback, durable, no password, same schema'; else
    not_ok 'docker: loopback, durable, no password, same schema' "$found"
fi

passwords()
{
    mkdir -p "$scratch/tree/conf" "$scratch/tree/docker"
    cp "$srcdir/conf/docker.conf" "$scratch/tree/conf/" && cp "$srcdir/docker/passwords" "$scratch/tree/docker/" || return
    "$scratch/tree/docker/passwords" || return
    local first secrets=$scratch/tree/docker/secrets file
    first=$(cat "$secrets"/*.password)
    "$scratch/tree/docker/passwords" && [ "$(cat "$secrets"/*.password)" = "$first" ] || return
    [ "$(stat -c %a "$secrets")" = 700 ] && [ -z "$(find "$secrets" -type f ! -perm 600)" ] || return
    # every password the configuration names is there and long enough
    for file in $(sed -n 's/.*password_file = "\(.*\)";/\1/p' "$secrets/xatop.conf"); do
        [ "$(wc -c <"$secrets/$file")" -ge 24 ] || { echo "$file is short or missing"; return 1; }
    done
    # and so is every file that compose mounts as a secret
    for file in $(sed -n 's@.*{file: \./secrets/\(.*\)}@\1@p' "$srcdir/docker/compose.yaml"); do
        [ -s "$secrets/$file" ] || { echo "$file is missing"; return 1; }
    done
}
run_test 'docker: passwords are made once, private, and are those that are named' passwords

if docker compose version >/dev/null 2>&1; then
    cp -r "$srcdir/docker" "$srcdir/sql" "$srcdir/conf" "$scratch/tree/" && "$scratch/tree/docker/passwords" >/dev/null
    run_test 'docker: compose accepts the file' docker compose -f "$scratch/tree/docker/compose.yaml" config -q
else
    skip 'docker: compose accepts the file' 'docker compose is not here'
fi
finish
