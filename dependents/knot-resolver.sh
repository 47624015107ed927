title="Knot Resolver"
packages=(knot-resolver bind9 bind9-dnsutils libuv1)

version() {
  kresd --version | sed -n 's/.*version //p'
}

ask() {
  dig @127.0.0.1 -p 5200 +tries=10 +time=3 "$@"
}

# BIND has the zone three times; the resolver asks it in three ways.
run() {
  local zone how i server resolver clients
  cat >named.conf <<CONF
options {
  directory "$PWD"; pid-file "pid"; session-keyfile "session.key";
  listen-on port 5100 { 127.0.0.1; };
  listen-on port 5101 tls ephemeral { 127.0.0.1; };
  listen-on-v6 { none; };
  recursion no; dnssec-validation no; max-cache-size 32m;
};
controls { };
$(for zone in udp tcp tls; do echo "zone \"$zone.test\" { type primary; file \"zone\"; };"; done)
CONF
  {
    echo '$TTL 3600'
    echo '@ SOA ns hostmaster 1 600 300 3600 300'
    echo '@ NS ns'
    echo 'ns A 127.0.0.1'
    echo 'www CNAME host1'
    for i in {1..1000}; do echo "host$i A 192.0.2.$((i % 256))"; done
    for i in {1..60}; do echo "long TXT \"text number $i, $(printf '%060d' "$i")\""; done
  } >zone
  cat >kresd.conf <<'CONF'
net.listen('127.0.0.1', 5200, { kind = 'dns' })
net.listen('127.0.0.1', 5201, { kind = 'tls' })
net.listen('127.0.0.1', 5202, { kind = 'doh2' })
cache.size = 10 * MB
modules = { 'stats' }
modules.unload('ta_signal_query')
modules.unload('priming')
modules.unload('detect_time_skew')
trust_anchors.remove('.')
policy.add(policy.suffix(policy.DENY, { todname('denied.test') }))
policy.add(policy.suffix(policy.FLAGS('TCP'), { todname('tcp.test') }))
policy.add(policy.suffix(policy.STUB('127.0.0.1@5100'), { todname('udp.test'), todname('tcp.test') }))
policy.add(policy.suffix(policy.TLS_FORWARD({ { '127.0.0.1@5101', insecure = true } }),
  { todname('tls.test') }))
local ticks = 0
event.recurrent(sec / 200, function()
  ticks = ticks + 1
  if ticks == 20 then
    local file = io.open('ticked', 'w')
    file:write('twenty ticks\n')
    file:close()
  end
end)
CONF
  named -g -n 2 -c "$PWD/named.conf" 2>named.log &
  server=$!
  kresd -n -c "$PWD/kresd.conf" "$PWD" >kresd.log 2>&1 &
  resolver=$!
  wait_for dig @127.0.0.1 -p 5100 +tries=1 +time=1 udp.test SOA
  wait_for ask +tries=1 +time=1 udp.test SOA
  maps "$resolver" "$server"

  echo "== UDP, TCP, TLS and HTTPS, each on to UDP, TCP and TLS"
  for how in +notcp +tcp "+tls -p 5201" "+https -p 5202"; do
    for zone in udp tcp tls; do
      ask $how "www.$zone.test" +noall +comments +answer +nottlid | grep -oE '^[^;].*|status: [A-Z]*'
      ask $how "none.$zone.test" +noall +comments | grep -o 'status: [A-Z]*'
      ask $how +bufsize=4096 "long.$zone.test" TXT +short | sort | sha256sum
    done
  done
  ask www.denied.test +noall +comments | grep -o 'status: [A-Z]*'
  ask +ignore +bufsize=512 long.udp.test TXT +noall +comments | grep -o 'flags: .*;'

  echo "== many at once"
  for how in "+notcp udp" "+tcp tcp" "+notcp tls" "+tcp udp"; do
    set -- $how
    clients=()
    for i in {0..7}; do
      for ((k = i + 1; k <= 1000; k += 8)); do echo "host$k.$2.test"; done >"names.$i"
      ask "$1" +noall +answer +nottlid -f "names.$i" >"answers.$i" &
      clients+=($!)
    done
    for i in "${clients[@]}"; do wait "$i"; done
    grep -hv '^;' answers.? | sort | sha256sum
  done
  wait_for test -s ticked
  cat ticked

  echo "== the control socket"
  perl -MIO::Socket::UNIX -e '
    my $socket = IO::Socket::UNIX->new(Peer => glob("control/*")) or die;
    $socket->autoflush;
    sysread($socket, my $prompt, 2);
    die "no prompt" if $prompt ne "> ";
    for my $line ("1 + 1", "cache.count() > 1000", "stats[\"answer.total\"] > 4000", "nonsense(") {
      print $socket "$line\n";
      my $answer = "";
      # It ends with the prompt for the next line.
      until ($answer =~ /\n> $/) { sysread($socket, $answer, 4096, length $answer) or last }
      print $answer =~ s/> $//r =~ s/:\d+:.*//r;
    }'

  echo "== without the server, from the cache"
  kill "$server"
  wait "$server"
  for i in 1 500 1000; do ask "host$i.tls.test" +short; done
  kill "$resolver"
  wait "$resolver"
  echo "ended: $?"
}
