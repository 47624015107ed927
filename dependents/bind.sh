title="BIND"
packages=(bind9 bind9-dnsutils bind9-utils libuv1)

version() {
  named -v | sed -n 's/^BIND \([^ -]*\).*/\1/p'
}

zone() { # SERIAL
  local i
  cat <<ZONE
\$TTL 300
@     SOA   ns hostmaster $1 600 300 3600 300
      NS    ns
      MX    10 mail
ns    A     127.0.0.1
mail  A     192.0.2.25
www   CNAME host1
serial TXT  "$1"
ZONE
  for i in {1..2000}; do echo "host$i A 192.0.2.$((i % 256))"; done
  # More than a datagram holds.
  for i in {1..60}; do echo "long TXT \"text number $i, $(printf '%060d' "$i")\""; done
}

# Two servers: the first has the zone, the second copies it and resolves
# recursively through the first. Server N has the ports from 5N00.
configuration() { # SERVER RECURSION ZONES
  mkdir "$1"
  cat >"$1/named.conf" <<CONF
options {
  directory "$PWD/$1";
  pid-file "pid";
  session-keyfile "session.key";
  listen-on port 5${1}00 { 127.0.0.1; };
  listen-on port 5${1}01 tls ephemeral { 127.0.0.1; };
  listen-on port 5${1}02 tls ephemeral http default { 127.0.0.1; };
  listen-on-v6 { none; };
  recursion $2;
  dnssec-validation no;
  empty-zones-enable no;
  max-cache-size 32m;
  allow-transfer { any; };
};
key control { algorithm hmac-sha256; secret "$(printf %032d 0 | base64)"; };
controls { inet 127.0.0.1 port 5${1}03 allow { any; } keys { control; }; };
$3
CONF
  cat >"$1/rndc.conf" <<CONF
key control { algorithm hmac-sha256; secret "$(printf %032d 0 | base64)"; };
options { default-key control; default-server 127.0.0.1; default-port 5${1}03; };
CONF
}

ask() { # SERVER [OPTION ...]
  dig @127.0.0.1 -p "5${1}00" +tries=10 +time=3 "${@:2}"
}

serial_is() { # SERVER ZONE SERIAL
  [ "$(ask "$1" +short "serial.$2" TXT)" = "\"$3\"" ]
}

run() {
  configuration 1 no 'zone "example.test" {
  type primary; file "zone"; allow-update { any; };
  notify explicit; also-notify { 127.0.0.1 port 5200; };
};
zone "forwarded.test" { type primary; file "forwarded"; };'
  configuration 2 yes 'zone "example.test" {
  type secondary; file "copy"; primaries port 5100 { 127.0.0.1; };
};
zone "." { type forward; forward only; forwarders { 127.0.0.1 port 5100; }; };'
  zone 1 | tee 1/zone >1/forwarded
  local server servers=() clients how query i
  for server in 1 2; do
    named -g -n 2 -c "$PWD/$server/named.conf" 2>"$server/log" &
    servers+=($!)
    # The second asks the first for the zone, and waits for minutes if that is not there yet.
    wait_for serial_is "$server" example.test 1
  done
  maps "${servers[@]}"

  echo "== UDP, TCP, TLS and HTTPS"
  for how in +notcp +tcp "+tls -p 5101" "+https -p 5102"; do
    for query in "example.test SOA" "www.example.test A" "example.test MX" "none.example.test A"; do
      ask 1 $how $query +noall +comments +answer | grep -oE '^[^;].*|status: [A-Z]*'
    done
  done
  echo "== an answer that needs TCP"
  ask 1 +bufsize=512 +ignore long.example.test TXT +noall +comments | grep -o 'flags: .*;'
  ask 1 +bufsize=512 long.example.test TXT +short | sort | sha256sum
  echo "== the zone, transferred"
  ask 1 example.test AXFR +noall +answer | sort | sha256sum
  ask 2 example.test AXFR +noall +answer | sort | sha256sum
  echo "== many at once"
  for how in +notcp +tcp "+tcp +keepopen"; do
    for server in "1 example" "2 example" "2 forwarded"; do
      set -- $server
      for i in {1..2000}; do echo "host$i.$2.test"; done >names
      clients=()
      for i in {0..7}; do
        awk "NR % 8 == $i" names >"names.$i"
        ask "$1" $how +noall +answer +nottlid -f "names.$i" >"answers.$i" &
        clients+=($!)
      done
      for i in "${clients[@]}"; do wait "$i"; done
      grep -hv '^;' answers.? | sort | sha256sum
    done
  done
  echo "== pipelined"
  mdig @127.0.0.1 -p 5200 +tcp +noall +answer +nottlid -f names | sort | sha256sum
  echo "== updates and reloading"
  {
    echo "server 127.0.0.1 5100"
    echo "zone example.test"
    for i in {1..200}; do echo "update add added$i.example.test 300 A 198.51.100.$i"; done
    echo "update delete host1.example.test"
    echo "update add serial.example.test 300 TXT updated"
    echo send
  } >updates
  nsupdate updates
  ask 1 +short added77.example.test
  ask 1 +noall +comments host1.example.test | grep -o 'status: [A-Z]*'
  wait_for eval '[ "$(ask 2 +short added200.example.test)" = 198.51.100.200 ]'
  ask 1 example.test AXFR +noall +answer | sort | sha256sum
  ask 2 example.test AXFR +noall +answer | sort | sha256sum
  # The second one caches replies until it is flushed.
  ask 2 +short serial.forwarded.test TXT
  zone 1000 >1/forwarded
  rndc -c 1/rndc.conf reload forwarded.test
  wait_for serial_is 1 forwarded.test 1000
  ask 2 +short serial.forwarded.test TXT
  rndc -c 2/rndc.conf flush
  ask 2 +short serial.forwarded.test TXT
  rndc -c 2/rndc.conf reconfig
  rndc -c 1/rndc.conf reload
  rndc -c 1/rndc.conf status | grep -E '^(number of zones|server is)'
  echo "== stopping"
  rndc -c 1/rndc.conf stop
  wait "${servers[0]}"
  echo "the first ended: $?"
  ask 1 +tries=1 example.test SOA | grep -o 'no servers could be reached' || true
  kill -TERM "${servers[1]}"
  wait "${servers[1]}"
  echo "the second ended: $?"
}
