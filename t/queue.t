# SPDX-License-Identifier: BSD-2-Clause
#
# queue: requests that find no server wait for one, in order, as many as there
# is room for and as long as they may, in several workers, too.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

plan skip_all => 'commercial' if is_oracle();

my $t = Weir::Test->new;

# /hold/NAME is answered when the file NAME exists.
my $b = Weir::Backend->http(sub {
    my ($request) = @_;
    my ($name) = $request->uri =~ m{^/hold/(\w+)};

    wait_until(sub { -e $t->path("go-$name") }) if defined $name;
    return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
});
my $port = $b->port;

sub conf {
    my ($workers, $word) = @_;

    return <<"EOC";
%%GLOBALS%%
worker_processes $workers;
events {}
http {
    %%GLOBALS_HTTP%%
    log_format q '\$uri \$status \$upstream_queue_time';
    access_log %%TESTDIR%%/q.log q;
    proxy_read_timeout 60s;
    upstream one { zone one 64k; server 127.0.0.1:$port max_conns=1; queue 2; }
    upstream brief { zone brief 64k; server 127.0.0.1:$port max_conns=1; queue 5 timeout=200ms; }
    upstream many { zone many 64k; server 127.0.0.1:$port max_conns=2; queue 100; }
    upstream free { server 127.0.0.1:$port; queue 1; }
    upstream none { server 127.0.0.1:$port; }
    upstream mixed { zone mixed 64k; server 127.0.0.1:%%PORT_dead%% max_fails=0;
                     server 127.0.0.1:$port max_conns=1; queue 5; }
    upstream dead { server 127.0.0.1:%%PORT_dead%%; queue 5 timeout=60s; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /word { return 200 $word; }
        location /one/ { proxy_pass http://one/; }
        location /brief/ { proxy_pass http://brief/; }
        location /many/ { proxy_pass http://many/; }
        location /free/ { proxy_pass http://free/; }
        location /none/ { proxy_pass http://none/; }
        location /mixed/ { proxy_pass http://mixed/; }
        location /dead/ { proxy_pass http://dead/; }
    }
}
EOC
}

sub begin {
    my ($uri) = @_;
    my $c = $t->connect(timeout => 20);

    $c->send_request('GET', $uri, close => 1);
    return $c;
}

sub go { $t->write("go-$_[0]", '') }

sub uris { return join ' ', map { $_->uri } $b->requests }

$t->run(conf(1, 'w0'));
$t->expect_log(qr/upstream queue is full|upstream queue timed out|no live upstreams|Connection refused/);

# in order
my $first = begin('/one/hold/a');
ok wait_until(sub { $b->requests == 1 }), 'one is being served';
my $second = begin('/one/second');
my $third = begin('/one/third');
my $r;
ok wait_until(sub { ($r = $t->get('/one/fourth'))->status == 502 }), 'the queue takes two';
ok $t->wait_log(qr/\[error\] .* upstream queue is full while waiting for upstream/), 'which is logged';
is $b->requests, 1, 'nobody gets in';
go('a');
is $_->read_response->status, 200, 'served' for $first, $second, $third;
is uris(), '/hold/a /second /third', 'in their order';
is $t->get('/one/again')->status, 200, 'the queue is empty';
ok $t->wait_log(qr{^/one/hold/a 200 0\.000$}, 'q.log'), 'the first has not waited';
ok $t->wait_log(qr{^/one/third 200 \d+\.\d{3}$}, 'q.log'), 'the time in the queue';
$t->get('/none/');
ok $t->wait_log(qr{^/none/ 200 -$}, 'q.log'), 'no queue';
is $t->get('/free/')->status, 200, 'there is a server: no waiting';

# a client leaves
my $before = $b->requests;
$first = begin('/one/hold/b');
ok wait_until(sub { $b->requests == $before + 1 }), 'one is being served';
$second = begin('/one/gone');
$third = begin('/one/stays');
wait_until(sub { $t->get('/one/x')->status == 502 });
$second->close;
ok $t->wait_log(qr{^/one/gone 499 }, 'q.log'), 'one in the queue leaves';
my $fourth = begin('/one/takes_its_place');
select undef, undef, undef, 0.1;
go('b');
is $_->read_response->status, 200, 'the others are served' for $first, $third, $fourth;
unlike uris(), qr{/gone}, 'who has left is not asked for';

# timeout
$before = $b->requests;
$first = begin('/brief/hold/c');
ok wait_until(sub { $b->requests == $before + 1 }), 'one is being served';
is $t->get('/brief/late')->status, 502, 'the time is over';
ok $t->wait_log(qr/\[error\] .* upstream queue timed out while waiting for upstream/), 'which is logged';
go('c');
is $first->read_response->status, 200, 'the other one is not concerned';

# failures are not waited for by who has made them
is $t->get('/dead/')->status, 502, 'a server that is dead';

# ... but servers that only have too much to do are, after a failure, too
$before = $b->requests;
$first = begin('/mixed/hold/e');
ok wait_until(sub { $b->requests == $before + 1 }), 'one is being served';
$second = begin('/mixed/second');
ok $t->wait_log(qr{Connection refused.*/mixed/second}), 'another one has asked a server that is dead';
go('e');
is $_->read_response->status, 200, 'and waits for the other one' for $first, $second;
ok $t->wait_log(qr{^/mixed/second 200 0\.000, \d+\.\d{3}$}, 'q.log'), 'the time in the queue';

# several workers, and a reload in the middle
$t->conf(conf(3, 'w1'));
$t->signal('HUP');
wait_until(sub { $t->get('/word')->body eq 'w1' });
$before = $b->requests;
my @held = map { begin('/many/hold/d') } 1 .. 2;
ok wait_until(sub { $b->requests == $before + 2 }), 'two are being served';
my @waiting = map { begin("/many/w$_") } 1 .. 30;
select undef, undef, undef, 0.2;
is $b->requests, $before + 2, 'all others wait';
$t->conf(conf(3, 'w2'));
$t->signal('HUP');
wait_until(sub { $t->get('/word')->body eq 'w2' });
push @waiting, map { begin("/many/v$_") } 1 .. 10;
go('d');
is scalar(grep { $_->read_response->status == 200 } @held, @waiting), 42,
    'all are served, in three workers and two generations';

for my $p (['queue 0', 'invalid value "0" in "queue" directive in F:1'],
           ['queue x', 'invalid value "x" in "queue" directive in F:1'],
           ['queue 5 timeout=x', 'invalid parameter "timeout=x" in F:1'],
           ['queue 5; queue 6', '"queue" directive is duplicate in F:1']) {
    is conf_test("events {} http { upstream u { server 127.0.0.1; $p->[0]; } }")->{first},
        $p->[1], $p->[0];
}

done_testing;
