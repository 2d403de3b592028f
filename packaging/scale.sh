#!/bin/sh
# One map on several machines (docs/scale.md). Once on each of them, as root, the first one first:
#     MAP=map.example.com NODES="10.0.0.1 10.0.0.2 10.0.0.3" PASSWORD=… sh packaging/scale.sh 10.0.0.1
# with its own address at the end, and a PASSWORD of letters and digits that is the same everywhere. The tracker is in
# /opt/tracker; on the first machine there are PostgreSQL, NATS and Caddy, as Debian has them.
set -eu
OWN=$1 FIRST=${NODES%% *}
cd "$(dirname "$0")"
umask 077
cat > /etc/default/tracker <<END
TRACKER_STORE=postgresql://tracker:$PASSWORD@$FIRST/tracker?sslmode=require
TRACKER_BUS=nats://tracker:$PASSWORD@$FIRST
TRACKER_HOST=$OWN
TRACKER_BEHIND_PROXY=$FIRST
TRACKER_HOSTS=$MAP
END
umask 022
cp tracker.service /etc/systemd/system/

if [ "$OWN" = "$FIRST" ]; then
    # PostgreSQL: a role and a database, for these machines alone
    as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups psql -v ON_ERROR_STOP=1 -qAtX "$@"; }
    as_postgres -v password="'$PASSWORD'" < postgres.sql
    as_postgres -c "ALTER SYSTEM SET listen_addresses = 'localhost, $FIRST'"
    for NODE in $NODES; do
        echo "hostssl tracker tracker $NODE/32 scram-sha-256"
    done >> "$(as_postgres -c 'SHOW hba_file')"
    systemctl restart postgresql

    # NATS: for who has the password
    install -m 400 -o nats /dev/null /etc/nats-server.conf
    cat > /etc/nats-server.conf <<END
host: $FIRST
authorization {
  users = [{ user: tracker, password: "$PASSWORD", permissions: { publish: ["tracker.>"], subscribe: ["tracker.>"] } }]
}
END
    systemctl restart nats-server

    # Caddy: TLS, and a node that is ready
    cat > /etc/caddy/Caddyfile <<END
$MAP {
    reverse_proxy $(printf '%s:8000 ' $NODES) {
        health_uri /readyz
        health_interval 1s
        health_timeout 1s
        lb_policy least_conn
        lb_try_duration 5s
        header_up -Forwarded
        transport http {
            dial_timeout 1s
        }
    }
}
END
    systemctl restart caddy

    # who lets the others in: prints a link that is good for a day
    (set -a; . /etc/default/tracker; /opt/tracker/bin/tracker users add admin --role administrator --data /var/lib/tracker)
fi
systemctl enable --now tracker
