# SPDX-License-Identifier: BSD-2-Clause
#
# Active health checks: health_check and match, and check as in Tengine.  Who
# fails is left out, everywhere and over reloads, until it passes again.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep time);
use Weir::DNS;
use Weir::Test;

if (is_oracle()) {
    plan(skip_all => 'not in nginx without a subscription');
    exit;
}

my $t = Weir::Test->new;

# What each server says is in a file, which may change: "STATUS BODY".
my $n = 0;
sub server {
    my (%opt) = @_;
    my $file = 'state' . ++$n;
    my $name = $n;
    my $path = $t->write($file, '200 fine');
    my $b = Weir::Backend->http(sub {
        my ($request, $c) = @_;
        my ($status, $body) = $t->read($file) =~ /^(\d+) (.*)/s;
        my $check = $request->uri =~ /health|^\/$|tengine/;

        return "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n$name" if !$check;
        if ($status == 0) {
            sleep 5;
            return undef;
        }
        my $host = $request->header('Host') // '-';
        return "HTTP/1.1 $status X\r\nX-State: s$body\r\nX-Host: $host\r\n"
            . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
    }, %opt);
    return { b => $b, port => $b->port,
             say => sub {
                 my $new = $t->write("$file.new", "$_[0]");
                 rename $new, $path or die "rename: $!\n";
             } };
}

my ($one, $two, $three, $late, $alone) = map { server() } 1 .. 5;
my $dns = Weir::DNS->new($t);
$dns->set('named.test' => ['A 1 127.0.0.1']);

my $up = "server 127.0.0.1:$one->{port}; server 127.0.0.1:$two->{port};";
my @ways = ('', 'least_conn;', 'ip_hash;', 'hash $arg_k;',
            'hash $arg_k consistent;', 'random;', 'random two least_conn;');
my $groups = join '', map {
    "upstream way$_ { $ways[$_] " . ($_ % 2 ? "zone way$_ 64k; " : '') . "$up }\n"
} 0 .. $#ways;
my $checks = join '', map {
    "location /way$_ { proxy_pass http://way$_/x; "
    . "health_check interval=200ms uri=/health; }\n"
} 0 .. $#ways;

sub conf {
    my ($more, $here) = @_;
    return <<"EOC";
%%HTTP%%
    map \$upstream_http_x_state \$is_serving { default 1; sbad 0; }
    match welcome { status 200-299; header X-State ~ "^s"; header !X-None;
                    body ~ "fine"; }
    match required { require \$is_serving; }
    match hosted { header X-Host = "shop.example"; }
$groups
    upstream alone { server 127.0.0.1:$alone->{port}; }
    upstream late { server 127.0.0.1:$late->{port}; server 127.0.0.1:$two->{port}; }
    upstream bodies { server 127.0.0.1:$three->{port}; }
    upstream needs { server 127.0.0.1:$three->{port}; }
    upstream hosts { server 127.0.0.1:$three->{port}; }
    upstream tcp { server 127.0.0.1:$three->{port}; server 127.0.0.1:1; }
    upstream named { resolver @{[ $dns->address ]};
                     server named.test:$three->{port} resolve; }
    upstream tengine {
        server 127.0.0.1:$three->{port};
        check interval=200 rise=1 fall=2 timeout=1000 type=http;
        check_http_send "GET /tengine HTTP/1.0\\r\\n\\r\\n";
        check_http_expect_alive http_2xx http_4xx;
    }
    upstream slow { server 127.0.0.1:$three->{port}; check interval=200 fall=1
                    rise=1 timeout=300 default_down=false type=http; }
    server {
        listen 127.0.0.1:%%PORT%%;
        $checks
        location /alone { proxy_pass http://alone/x;
            health_check interval=200ms uri=/health fails=2 passes=2 keepalive_time=60s; }
        location /late { proxy_pass http://late/x;
            health_check interval=200ms uri=/health mandatory persistent; }
        location /bodies { proxy_pass http://bodies/x;
            health_check interval=200ms uri=/health match=welcome; }
        location /needs { proxy_pass http://needs/x;
            health_check interval=200ms uri=/health match=required; }
        location /hosts { proxy_pass http://hosts/x; proxy_set_header Host shop.example;
            health_check interval=200ms uri=/health match=hosted mandatory; }
        location /tcp { proxy_pass http://tcp/x; health_check interval=200ms type=tcp; }
        location /named { proxy_pass http://named/x;
            health_check interval=200ms uri=/health mandatory; }
        location /tengine { proxy_pass http://tengine/x; }
        location /slow { proxy_pass http://slow/x; }
        @{[ $more // '' ]}
    }
}
EOC
}

$t->expect_log(qr/peer is unhealthy/);
$t->write('state4', '500 no');
$t->run(conf());

sub said { my ($path) = @_; return $t->get($path) }
sub among {
    my ($path, $rounds) = @_;
    my %seen;
    $seen{ $t->get("$path?k=$_")->body }++ for 1 .. ($rounds // 8);
    return join ',', sort keys %seen;
}
sub becomes {
    my ($path, $wanted) = @_;
    return wait_until(sub { among($path) eq $wanted });
}

# ---- every way of choosing leaves out who fails

is among("/way0"), "1,2", "both are up before anything is known";
$one->{say}->('503 no');
ok becomes("/way$_", '2'), "way $_: one is left out" for 0 .. $#ways;
like $t->wait_log(qr/peer is unhealthy.*way0/),
    qr/peer is unhealthy while checking status code, health check "" of peer 127\.0\.0\.1:$one->{port} in upstream "way0": 503 X/,
    'one line says why';
sleep 0.6;
is scalar(grep { /unhealthy.*"way0"/ } $t->log), 1, 'once';

# ---- a reload forgets nobody

ok $t->reload, 'a reload';
is among("/way$_"), '2', "way $_: still left out" for 0, 1, 4;
$one->{say}->('200 fine');
ok becomes("/way$_", $ways[$_] =~ /ip_hash/ ? '1' : '1,2')
   || among("/way$_") =~ /[12]/, "way $_: comes back" for 0 .. $#ways;
like $t->wait_log(qr/peer is healthy.*way0/),
    qr/peer is healthy while checking status code/, 'is told, too';

# ---- a single server, fails and passes, a kept connection

is said('/alone')->body, 5, 'alone';
$alone->{say}->('404 gone');
ok wait_until(sub { said('/alone')->status == 502 }), 'and failing: 502';
$alone->{say}->('302 there');
ok wait_until(sub { said('/alone')->status == 200 }), '3xx passes';
my $before = $alone->{b}->connections;
sleep 0.6;
cmp_ok $alone->{b}->connections - $before, '<=', 1, 'over one connection';

# ---- mandatory

is among('/late'), '2', 'mandatory: not before it has passed';
$late->{say}->('200 fine');
ok becomes('/late', '2,4'), 'then it is asked';

# ---- match

ok wait_until(sub { said('/bodies')->status == 200 }), 'match';
$three->{say}->('200 sad');
ok wait_until(sub { said('/bodies')->status == 502 }), 'another body';
ok $t->wait_log(qr/while checking body, health check "welcome" of peer/), 'is logged';
is said('/needs')->status, 200, 'require';
$three->{say}->('200 bad');
ok wait_until(sub { said('/needs')->status == 502 }), 'a variable that is 0';
$three->{say}->('200 fine');
ok wait_until(sub { said($_)->status == 200 }), "$_ again"
    for qw(/bodies /needs /hosts);
ok becomes('/tcp', '3'), 'type=tcp';

# ---- names

ok wait_until(sub { said('/named')->status == 200 }), 'a name';
$dns->set('named.test' => ['A 1 127.0.0.9']);
ok wait_until(sub { said('/named')->status == 502 }), 'a new address has to pass first';
$dns->set('named.test' => ['A 1 127.0.0.1']);
ok wait_until(sub { said('/named')->status == 200 }), 'the old one is known';

# ---- as in Tengine

ok wait_until(sub { said('/tengine')->status == 200 }), 'check';
$three->{say}->('404 odd');
sleep 0.6;
is said('/tengine')->status, 200, 'check_http_expect_alive';
$three->{say}->('301 odd');
ok wait_until(sub { said('/tengine')->status == 502 }), 'and not';
$three->{say}->('200 fine');
ok wait_until(sub { said('/tengine')->status == 200 }), 'comes back';
ok wait_until(sub { said('/slow')->status == 200 }), 'in time';
$three->{say}->('0 silence');
ok wait_until(sub { said('/slow')->status == 502 }), 'timeout';
ok $t->wait_log(qr/health check "" of peer 127\.0\.0\.1:$three->{port} in upstream "slow": timed out/),
    'is the reason';
$three->{say}->('200 fine');

# ---- who asks may die

$one->{say}->('500 no');
ok becomes('/way0', '2'), 'left out';
kill 'KILL', $t->worker_pids;
$t->expect_log(qr/exited on signal 9/);
ok wait_until(sub { eval { among('/way0', 2) eq '2' } }), 'a worker dies: still left out';
$one->{say}->('200 fine');
ok wait_until(sub { eval { among('/way0') eq '1,2' } }, 10), 'and another one asks';

# ---- configuration

for ([ 'health_check;', '"health_check" needs a "proxy_pass" to an upstream in its location' ],
     [ 'proxy_pass http://127.0.0.1:1; health_check x=1;', 'invalid parameter "x=1"' ],
     [ 'proxy_pass http://127.0.0.1:1; health_check interval=0;', 'invalid parameter "interval=0"' ],
     [ 'proxy_pass http://127.0.0.1:1; health_check persistent;', 'invalid parameter "persistent"' ],
     [ 'proxy_pass http://127.0.0.1:1; health_check type=udp;', 'invalid parameter "type=udp"' ])
{
    my $r = conf_test("events { }\nhttp { server { listen 127.0.0.1:1;\n"
                      . "location / { $_->[0] } } }\n");
    is $r->{lines}[0], "nginx: [emerg] $_->[1] in F:3", $_->[0];
}
my $r = conf_test("events { }\nhttp { server { listen 127.0.0.1:1;\nlocation / "
    . "{ proxy_pass http://127.0.0.1:1; health_check match=none; } } }\n");
like $r->{lines}[0], qr/unknown match "none"/, 'a match that is not there';
for ([ 'status 99;', 'invalid parameter "99"' ], [ 'body x;', 'invalid parameter "x"' ],
     [ 'header A b c;', 'invalid parameter "b"' ], [ 'nonsense 1;', 'unknown directive "nonsense"' ],
     [ 'require x;', 'invalid parameter "x"' ])
{
    $r = conf_test("events { }\nhttp { match a {\n$_->[0] } }\n");
    is $r->{lines}[0], "nginx: [emerg] $_->[1] in F:3", $_->[0];
}

# ---- two that ask the same, each in its time

{
    my $asked = Weir::Backend->http(sub { return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" });
    my $both = Weir::Test->new;
    $both->run(<<"EOC");
%%HTTP%%
    upstream u { server 127.0.0.1:@{[ $asked->port ]}; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /a { proxy_pass http://u; health_check interval=1h; }
        location /b { proxy_pass http://u; health_check interval=2h; }
    }
}
EOC
    ok wait_until(sub { $asked->requests >= 2 }), 'both ask';
    sleep 2.5;
    is scalar $asked->requests, 2, 'and not again before it is time';
}

done_testing;
