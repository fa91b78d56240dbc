# SPDX-License-Identifier: BSD-2-Clause
#
# listen: addresses, unix sockets, default_server, IPv6, reuseport, the PROXY
# protocol, and the options of a socket.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::IP;
use Weir::Test;

my $v6 = IO::Socket::IP->new(LocalHost => '::1', Listen => 1) ? 1 : 0;
my $v6_server = $v6 ? <<'EOC' : '';
    server { listen [::1]:%%PORT_v6%%;
             return 200 "v6 $server_addr $remote_addr"; }
    server { listen [::1]:%%PORT_only%% ipv6only=on; return 200 only; }
EOC

my $t = Weir::Test->new;
$t->run(<<"EOC" . $v6_server . "}\n");
%%HTTP%%
    default_type text/plain;
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.2:%%PORT%%;
        listen 127.0.0.1:%%PORT_second%%;
        location / { return 200 "first \$server_addr \$server_port"; }
    }
    server {
        listen 127.0.0.2:%%PORT%% default_server;
        return 200 "default of 127.0.0.2";
    }
    server { listen %%PORT_any%%; return 200 "any \$server_addr"; }
    server { listen *:%%PORT_star%%; return 200 "star \$server_addr"; }
    server { listen 127.0.0.3:%%PORT_any%%; return 200 "exact address"; }
    server { listen localhost:%%PORT_name%%; return 200 name; }
    server { listen unix:%%TESTDIR%%/a.sock;
             return 200 "[\$server_addr] [\$remote_addr] [\$server_port]"; }
    server { listen unix:%%TESTDIR%%/b.sock; server_name b; return 200 b; }
    server { listen unix:%%TESTDIR%%/b.sock default_server; return 200 bd; }
    server {
        listen 127.0.0.1:%%PORT_options%% backlog=64 rcvbuf=64k sndbuf=64k
               deferred so_keepalive=30m::10 fastopen=8 reuseport;
        return 200 options;
    }
    server { listen 127.0.0.1:%%PORT_keep%% so_keepalive=on bind;
             return 200 keep; }
    server {
        listen 127.0.0.1:%%PORT_proxy%% proxy_protocol;
        listen unix:%%TESTDIR%%/p.sock proxy_protocol;
        access_log off;
        set \$from "\$proxy_protocol_addr \$proxy_protocol_port";
        set \$to "\$proxy_protocol_server_addr \$proxy_protocol_server_port";
        return 200 "\$from \$to \$remote_addr";
    }
EOC

sub body {
    my (%at) = @_;

    return $t->get('/', %at)->body;
}

# ---- addresses ----

my ($port, $second) = ($t->port, $t->port('second'));
is body(), "first 127.0.0.1 $port", 'an address';
is body(port => 'second'), "first 127.0.0.1 $second", 'another port';
is body(host_address => '127.0.0.2'), 'default of 127.0.0.2',
    'default_server counts for its address';
is body(port => 'any'), 'any 127.0.0.1', 'a port alone';
is body(port => 'any', host_address => '127.0.0.5'), 'any 127.0.0.5',
    'a port alone: any address';
is body(port => 'any', host_address => '127.0.0.3'), 'exact address',
    'an address beside the port alone';
is body(port => 'star'), 'star 127.0.0.1', 'an asterisk';
is body(port => 'name'), 'name', 'a name';
is body(unix => 'a.sock'), '[unix:' . $t->path('a.sock') . '] [unix:] []',
    'a unix socket';
is body(unix => 'b.sock'), 'bd', 'a unix socket: default_server';
is $t->get('/', unix => 'b.sock', host => 'b')->body, 'b',
    'a unix socket: by name';
is +(stat $t->path('a.sock'))[2] & 0777, 0666, 'a unix socket: its mode';
SKIP: {
    skip 'no IPv6 here', 2 if !$v6;
    is body(port => 'v6', host_address => '::1'), 'v6 ::1 ::1', 'IPv6';
    is body(port => 'only', host_address => '::1'), 'only', 'ipv6only=on';
}
is body(port => 'options'), 'options', 'options of a socket';
is body(port => 'keep'), 'keep', 'so_keepalive';

# ---- parameters ----

for (['ipv6only=on', ''], ['so_keepalive=30m:1m:5', ''],
     ['so_keepalive=::3', ''], ['bind', ''], ['default', ''],
     ['ipv6only=maybe', 'invalid parameter "ipv6only=maybe"'],
     ['ipv6only=of', 'invalid ipv6only flags "of"', '1.23'],
     ['so_keepalive=30m:1:x', 'invalid so_keepalive value: "30m:1:x"'],
     ['so_keepalive=::', 'invalid so_keepalive value: "::"'],
     ['setfib=1', 'invalid parameter "setfib=1"'],
     ['backlog=x', 'invalid backlog "backlog=x"'],
     ['default_serv', 'invalid parameter "default_serv"']) {
    my ($word, $error, $since) = @$_;
    my $r = conf_test("events {}\nhttp { server {\n"
        . "listen 127.0.0.1:%%PORT%% $word;\n}}\n",
        test => Weir::Test->new);

    is $r->{code} ? $r->{first} : '', $error && "$error in F:3",
        "listen: $word";
}
SKIP: {
    skip_before '1.29.7', 'multipath', 1;
    skip 'no multipath TCP here', 1
        if !IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 1,
                                Proto => 262);
    my $r = conf_test("events {}\nhttp { server {\n"
        . "listen 127.0.0.1:%%PORT%% multipath;\n}}\n",
        test => Weir::Test->new);
    is $r->{code}, 0, 'listen: multipath';
}

# ---- the PROXY protocol ----

my $request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

sub proxy_v2 {
    my ($family, $data, $command) = @_;

    return "\r\n\r\n\0\r\nQUIT\n" . pack('CCn', 0x20 | ($command // 1),
        $family, length $data) . $data;
}

my $v4_data = pack 'C4 C4 n n', 192, 0, 2, 1, 192, 0, 2, 2, 1234, 5678;
my $v6_data = pack 'H32 H32 n n', '20010db8' . '0' x 23 . '1',
    '20010db8' . '0' x 23 . '2', 1234, 5678;
my @good = (
    ['v1, TCP4', "PROXY TCP4 192.0.2.1 192.0.2.2 1234 5678\r\n",
     '192.0.2.1 1234 192.0.2.2 5678 127.0.0.1'],
    ['v1, TCP6', "PROXY TCP6 2001:db8::1 2001:db8::2 1234 5678\r\n",
     '2001:db8::1 1234 2001:db8::2 5678 127.0.0.1'],
    ['v1, UNKNOWN', "PROXY UNKNOWN\r\n", '    127.0.0.1'],
    ['v2, IPv4', proxy_v2(0x11, $v4_data),
     '192.0.2.1 1234 192.0.2.2 5678 127.0.0.1'],
    ['v2, IPv6', proxy_v2(0x21, $v6_data),
     '2001:db8::1 1234 2001:db8::2 5678 127.0.0.1'],
    ['v2, more data', proxy_v2(0x11, $v4_data . "\x04\0\3abc"),
     '192.0.2.1 1234 192.0.2.2 5678 127.0.0.1'],
    ['v2, local', proxy_v2(0, '', 0), '    127.0.0.1'],
);
for my $case (@good) {
    my ($name, $header, $wanted) = @$case;
    is $t->raw($header . $request, port => 'proxy')->body, $wanted, $name;
    my $c = $t->connect(port => 'proxy');
    $c->send($header);
    select undef, undef, undef, 0.02;
    $c->send($request);
    is $c->read_response->body, $wanted, "$name, in two pieces";
}
is $t->raw($good[0][1] . $request, unix => 'p.sock')->body,
    '192.0.2.1 1234 192.0.2.2 5678 unix:', 'on a unix socket';
my $c = $t->connect(port => 'proxy');
$c->send($good[0][1] . "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
like $c->read_response->body, qr/^192\.0\.2\.1 /, 'kept alive: first';
$c->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
like $c->read_response->body, qr/^192\.0\.2\.1 /, 'kept alive: second';

for my $bad ($request, "PROXY TCP4 192.0.2.1\r\n$request",
             "PROXY TCP4 1.1.1.1 2.2.2.2 99999999 1\r\n$request",
             'PROXY ' . 'x' x 200,
             "\r\n\r\n\0\r\nQUIT\n\x31\x11\0\0" . $request) {
    $c = $t->connect(port => 'proxy');
    $c->send($bad);
    is $c->read_all, '', 'a broken header: closed without a word';
}
$t->wait_log(qr/broken header/);
my $while = 'while reading PROXY protocol, client: ';
like $t->read('error.log'),
    qr/\[error\] \S+ \*\d+ broken header: ".*?" $while/s,
    'a broken header: the log';

# ---- unix sockets go with the server ----

$t->stop;
ok !-e $t->path('a.sock'), 'the unix socket is gone';

# ---- reuseport with two workers ----

$t = Weir::Test->new->run(<<'EOC');
worker_processes 2;
%%HTTP%%
    server { listen 127.0.0.1:%%PORT%% reuseport;
             location / { return 200 $pid; } }
}
EOC
ok wait_until(sub { $t->worker_pids == 2 }), 'two workers';
my %seen;
ok wait_until(sub { $seen{ $t->get('/')->body }++; keys %seen == 2 }),
    'reuseport: both are asked';

# ---- protocols of one address ----

SKIP: {
    skip_before('1.23.4', 'protocols are compared', 9);
    my @listens = (
        # the listens of one address           a warning
        [['', ''],                              0],
        [['proxy_protocol', ''],                0],
        [['', 'proxy_protocol'],                0],
        [['', '', 'proxy_protocol'],            0],
        [['proxy_protocol', 'proxy_protocol'],  0],
        [['proxy_protocol bind', ''],           0],
        [['proxy_protocol', '', 'proxy_protocol'], 1],
        [['bind', 'proxy_protocol'],            1],
        [['proxy_protocol', 'bind'],            1],
    );
    for my $case (@listens) {
        my ($params, $warns) = @$case;
        my $n = 0;
        my $conf = conf_test("%%HTTP%%\n" . join('', map {
            "server { listen 127.0.0.1:%%PORT%% $_; server_name n" . $n++
                . '; }' } @$params) . '}');
        my $found = () = $conf->{err} =~ /protocol options redefined for/g;

        is $found, $warns, 'listen ' . join ', ', map { "($_)" } @$params;
    }
}

done_testing;
