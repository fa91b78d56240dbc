# SPDX-License-Identifier: BSD-2-Clause
#
# sticky: clients stay with their server by cookie, route or learnt session,
# also through reloads and in several workers; drain and slow_start on server
# lines; what is refused.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_version('1.29.6');
need_module('http_upstream_sticky');

my $t = Weir::Test->new;

my $backends = join '', map { <<"EOC" } 'a' .. 'c';
    server { listen 127.0.0.1:%%PORT_$_%%; access_log off;
             location / { return 200 $_; }
             location /500 { return 500; }
             location /login { add_header Set-Cookie sid=$_-\$arg_s; return 200 $_; } }
EOC

sub conf {
    my ($word) = @_;

    return <<"EOC";
%%GLOBALS%%
worker_processes 2;
events {}
http {
    %%GLOBALS_HTTP%%
    $backends
    upstream cookie { sticky cookie srv path=/; zone c 64k;
        server 127.0.0.1:%%PORT_a%% route=a; server 127.0.0.1:%%PORT_b%% route=b; server 127.0.0.1:%%PORT_c%%; }
    upstream two { sticky cookie one; zone t 64k; server 127.0.0.1:%%PORT_a%% route=x; server 127.0.0.1:%%PORT_b%% route=x;
        server 127.0.0.1:%%PORT_c%% route=y; }
    upstream spare { sticky cookie srv; server 127.0.0.1:%%PORT_dead%% route=a; server 127.0.0.1:%%PORT_b%% route=b backup;
        server 127.0.0.1:%%PORT_c%% route=c backup; }
    upstream learn { sticky learn create=\$upstream_cookie_sid lookup=\$cookie_sid zone=l:64k; zone z 64k;
        server 127.0.0.1:%%PORT_a%%; server 127.0.0.1:%%PORT_b%%; server 127.0.0.1:%%PORT_c%%; }
    upstream short { sticky learn create=\$upstream_cookie_sid lookup=\$cookie_sid zone=s:64k timeout=500ms header;
        server 127.0.0.1:%%PORT_a%%; server 127.0.0.1:%%PORT_b%%; server 127.0.0.1:%%PORT_c%%; }
    upstream drained { sticky route \$arg_r; server 127.0.0.1:%%PORT_a%% route=a drain;
        server 127.0.0.1:%%PORT_b%% route=b; }
    upstream all_drained { server 127.0.0.1:%%PORT_a%% drain; server 127.0.0.1:%%PORT_b%% drain; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /word { return 200 $word; }
        location /cookie/ { proxy_pass http://cookie/; proxy_next_upstream http_500; }
        location /two/ { proxy_pass http://two/; }
        location /spare/ { proxy_pass http://spare/; }
        location /learn/ { proxy_pass http://learn/; }
        location /short/ { proxy_pass http://short/; }
        location /drained/ { proxy_pass http://drained/; }
        location /all_drained/ { proxy_pass http://all_drained/; }
    }
}
EOC
}
$t->run(conf('w0'));

sub ask {
    my ($uri, $cookie) = @_;

    return $t->get($uri, $cookie ? (headers => [Cookie => $cookie]) : ());
}

sub who { my ($n, @a) = @_; return join '', map { ask(@a)->body } 1 .. $n }

# cookie
my %seen;
for (1 .. 12) {
    my $r = ask('/cookie/');
    my ($id) = ($r->header('Set-Cookie') // '') =~ /^srv=(\w+); path=\/$/;
    $seen{$r->body}{$id // '-'}++;
}
is join(' ', sort keys %seen), 'a b c', 'new clients go to all';
is join(' ', keys %{ $seen{a} }, keys %{ $seen{b} }), 'a b', 'a route is its id';
my ($digest) = keys %{ $seen{c} };
like $digest, qr/^[0-9a-f]{32}$/, 'else a digest of its address is';
is who(10, '/cookie/', "srv=$digest"), 'c' x 10, 'the client stays';
is who(10, '/cookie/', 'srv=b'), 'b' x 10, 'by route';
is join('', sort split //, who(6, '/two/', 'one=x')), 'aaabbb',
    'a route of two servers, by turns';

for my $n (1 .. 3) {
    $t->conf(conf("w$n"));
    $t->signal('HUP');
    wait_until(sub { $t->get('/word')->body eq "w$n" });
}
is who(10, '/cookie/', "srv=$digest"), 'c' x 10, 'through reloads';

my $long = 'srv=' . 'x' x 4000;
for my $odd ($long, 'srv=', 'srv', "srv=\xff\x01;;=", 'srv=a; srv=b') {
    is ask('/cookie/', $odd)->status, 200, 'any cookie: ' . substr $odd, 0, 12;
}

my $r = ask('/cookie/500', 'srv=b');
is $r->status, 500, 'all have failed';
is scalar(my @cookies = $r->headers('Set-Cookie')), 1, 'one cookie, however many were asked';

# backups
$t->expect_log(qr/Connection refused|temporarily disabled|no live upstreams/);
$r = ask('/spare/', 'srv=c');
is $r->body, 'c', 'a backup by its cookie, when the others are dead';
is who(4, '/spare/', 'srv=c'), 'cccc', 'and from then on';

# learn
my %of = map { my $s = $_; ($s => ask("/learn/login?s=$s")->body) } 1 .. 9;
for my $s (1 .. 9) {
    ok wait_until(sub { who(3, '/learn/', "sid=$of{$s}-$s") eq $of{$s} x 3 }),
        "session $s is with its server";
}
$t->conf(conf('w9'));
$t->signal('HUP');
wait_until(sub { $t->get('/word')->body eq 'w9' });
is join(' ', map { who(3, '/learn/', "sid=$of{$_}-$_") } 1 .. 9),
    join(' ', map { $of{$_} x 3 } 1 .. 9), 'after a reload, too';

my $of = ask('/short/login?s=1')->body;
is who(6, '/short/', "sid=$of-1"), $of x 6, 'learnt with the header';
ok wait_until(sub { select undef, undef, undef, 0.7;
                    who(3, '/short/', "sid=$of-1") ne $of x 3 }),
    'forgotten after its timeout';

# A full zone forgets the sessions that were used least.
$t->expect_log(qr/could not allocate node in sticky session zone "l"/);
my $c = $t->connect;
for my $s (1 .. 1500) {
    $c->request('GET', "/learn/login?s=f$s");
    if ($s % 200 == 0) { who(1, '/learn/', "sid=$of{1}-1") }
}
is who(3, '/learn/', "sid=$of{1}-1"), $of{1} x 3, 'one that is in use is kept';
ok $t->wait_log(qr/\[warn\] .* could not allocate node in sticky session zone "l", expiring least recently used session/),
    'which is logged';

# drain
is who(4, '/drained/'), 'bbbb', 'nobody new comes to a drained server';
is who(4, '/drained/?r=a'), 'aaaa', 'who belongs to it does';
is ask('/all_drained/')->status, 502, 'all are drained';

# what is refused
for ('sticky cookie' => 'invalid number of arguments in "sticky" directive in F:1',
     'sticky what ever' => 'invalid parameter "what" in F:1',
     'sticky cookie c; sticky route $uri' => '"sticky" directive is duplicate in F:1',
     'sticky cookie c expires=soon' => 'invalid parameter "expires=soon" in F:1',
     'sticky cookie c samesite=nonsense' => 'invalid parameter "samesite=nonsense" in F:1',
     'sticky learn create=$arg_c lookup=$arg_l zone=z:1m sync' =>
         'parameter "sync" of the "sticky" directive is not supported: there is no "zone_sync" in F:1',
     'sticky route r' => 'invalid parameter "r" in F:1',
     'sticky learn create=$uri lookup=$uri' => '"sticky" directive "zone" parameter is not specified in F:1',
     'sticky learn create=$uri zone=z:64k' => '"sticky" directive "lookup" parameter is not specified in F:1',
     'sticky learn create=$uri lookup=$uri zone=z:1k' => 'zone "zone=z:1k" is too small in F:1',
     'server 127.0.0.1 route=' => 'route is empty in F:1',
     'server 127.0.0.1 "route=a b"' => 'invalid parameter "route=a b" in F:1',
     'server 127.0.0.1 route=' . 'r' x 33 => 'route is longer than 32 in F:1',
     'hash $uri; server 127.0.0.1 slow_start=1s' => 'balancing method does not support parameter "slow_start=1s" in F:1',
     'server 127.0.0.1 slow_start=x' => 'invalid parameter "slow_start=x" in F:1',
     ) {
    our @pair;
    push @pair, $_;
    next if @pair % 2;
    my ($line, $wanted) = splice @pair;
    is conf_test("events {} http { upstream u { $line; server 127.0.0.1:1; } }")->{first},
        $wanted, $line;
}
is conf_test('events {} http { upstream u { sticky learn create=$uri lookup=$uri zone=z:64k; server 127.0.0.1; }'
             . ' upstream v { sticky learn create=$uri lookup=$uri zone=z:64k; server 127.0.0.1; } }')->{first},
    'sticky zone "z" is already used in upstream "u" in F:1', 'a zone is one group\'s';

done_testing;
