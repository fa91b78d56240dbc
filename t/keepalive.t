# SPDX-License-Identifier: BSD-2-Clause
#
# Connections that go on: when they do, how long, pipelining, and how they are
# closed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(time);
use Weir::Test;

my $t = Weir::Test->new;
$t->write('html/f', 'a file');
$t->write('html/big', 'x' x 3_000_000);
$t->run(<<'EOC');
%%HTTP%%
    default_type text/plain;
    root %%TESTDIR%%/html;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { }
        location /say { return 200 "$uri "; }
        location /close { keepalive_timeout 0; return 200 ok; }
        location /header { keepalive_timeout 30s 20s; return 200 ok; }
        location /deny { return 403; }
        location /body { client_max_body_size 10; return 200 ok; }
    }
    server { listen 127.0.0.1:%%PORT_three%%; keepalive_requests 3;
             location / { return 200 $connection_requests; } }
    server { listen 127.0.0.1:%%PORT_short%%; keepalive_timeout 300ms;
             location / { return 200 ok; } }
    server { listen 127.0.0.1:%%PORT_time%%; keepalive_time 500ms;
             location / { return 200 ok; } }
    server { listen 127.0.0.1:%%PORT_safari%%;
             keepalive_disable safari; location / { return 200 ok; } }
    server { listen 127.0.0.1:%%PORT_inner%%; keepalive_timeout 0;
             location / { return 200 ok; }
             location /kept { keepalive_timeout 9s; return 200 ok; } }
    server { listen 127.0.0.1:%%PORT_old%%; location / { return 200 ok; }
             location /any { keepalive_disable none; return 200 ok; } }
    server { listen 127.0.0.1:%%PORT_header%%; client_header_timeout 300ms;
             location / { return 200 ok; } }
    server { listen 127.0.0.1:%%PORT_linger%%; lingering_close on;
             lingering_timeout 400ms; client_max_body_size 10;
             location / { return 200 ok; } 
             location /f { root %%TESTDIR%%/html; } }
    server { listen 127.0.0.1:%%PORT_nolinger%%; lingering_close off;
             client_max_body_size 10; location / { return 200 ok; } }
    server { listen 127.0.0.1:%%PORT_send%%; send_timeout 400ms;
             location / { root %%TESTDIR%%/html; } }
    server { listen 127.0.0.1:%%PORT_reset%%; send_timeout 400ms;
             reset_timedout_connection on;
             location / { root %%TESTDIR%%/html; } }
}
EOC

# ---- when a connection is kept ----

# stays($name, $kept, $method, $uri, %opt): one request, is it kept?
sub stays {
    my ($name, $kept, @request) = @_;
    my $c = $t->connect;
    my $r = $c->request(@request);

    is $r->header('Connection'), $kept ? 'keep-alive' : 'close',
        "$name: Connection";
    if ($kept) {
        is $c->get('/say')->status, 200, "$name: another request";
    } else {
        ok $c->closed, "$name: closed";
    }
}

stays('HTTP/1.1', 1, 'GET', '/f');
stays('HTTP/1.1, close', 0, 'GET', '/f', close => 1);
stays('HTTP/1.1, CLOSE', 0, 'GET', '/f', headers => [Connection => 'CLOSE']);
stays('HTTP/1.0', 0, 'GET', '/f', version => '1.0');
stays('HTTP/1.0, keep-alive', 1, 'GET', '/f', version => '1.0',
      headers => [Connection => 'keep-alive']);
stays('an error page', 1, 'GET', '/deny');
stays('404', 1, 'GET', '/nosuch');
stays('HEAD', 1, 'HEAD', '/f');
stays('a body', 1, 'POST', '/say', body => 'x' x 1000);
stays('a chunked body', 1, 'POST', '/say', chunks => ['abc', 'defg']);
stays('keepalive_timeout 0', 0, 'GET', '/close');
stays('a body too large', 0, 'POST', '/body', body => 'x' x 11);
is $t->connect->get('/header')->header('Keep-Alive'), 'timeout=20',
    'Keep-Alive';
is $t->connect->get('/f')->header('Keep-Alive'), undef, 'no Keep-Alive';

# ---- limits ----

my $c = $t->connect(port => 'three');
my @answers = map { $c->get('/') } 1 .. 3;
is join(' ', map { $_->body } @answers), '1 2 3', 'keepalive_requests';
is join(' ', map { $_->header('Connection') } @answers),
    'keep-alive keep-alive close', 'keepalive_requests: Connection';
ok $c->closed, 'keepalive_requests: closed';

$c = $t->connect(port => 'short');
$c->get('/');
my $start = time;
ok $c->closed, 'keepalive_timeout: closed';
cmp_ok time - $start, '>', 0.2, 'keepalive_timeout: not before it';
cmp_ok time - $start, '<', Weir::Test::slow(3), 'keepalive_timeout: in time';

$c = $t->connect(port => 'time');
is $c->get('/')->header('Connection'), 'keep-alive', 'keepalive_time: young';
my $last = wait_until(sub { $c->get('/')->header('Connection') eq 'close' });
ok $last, 'keepalive_time: old ones are closed';
ok $c->closed, 'keepalive_time: closed';

my $safari = 'Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10_5) '
    . 'AppleWebKit/525 (KHTML, like Gecko) Version/3.1 Safari/525';
$c = $t->connect(port => 'safari');
is $c->get('/', headers => ['User-Agent' => $safari])->header('Connection'),
    'close', 'keepalive_disable safari';
$c = $t->connect(port => 'safari');
is $c->get('/', headers => ['User-Agent' => 'other'])->header('Connection'),
    'keep-alive', 'keepalive_disable safari: others';

my $msie = 'Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)';
for (['/', 'close'], ['/any', 'keep-alive']) {
    $c = $t->connect(port => 'old');
    is $c->request('POST', $_->[0], headers => ['User-Agent' => $msie])
        ->header('Connection'), $_->[1], "keepalive_disable: msie6, $_->[0]";
}
for (['/', 'close'], ['/kept', 'keep-alive']) {
    $c = $t->connect(port => 'inner');
    is $c->get($_->[0])->header('Connection'), $_->[1],
        "keepalive_timeout 0 around, $_->[0]";
}

# ---- the header's timeout ----

$c = $t->connect(port => 'header');
$start = time;
ok $c->closed, 'client_header_timeout: a silent client';
cmp_ok time - $start, '<', Weir::Test::slow(3), 'in time';
$c = $t->connect(port => 'header');
$c->send("GET / HTTP/1.1\r\nHo");
my $r = $c->read_response;
ok $r->status == 408 || $r->raw eq '', 'client_header_timeout: half a header';

# ---- pipelining ----

$c = $t->connect;
$c->send(join '', map { "GET /say/$_ HTTP/1.1\r\nHost: a\r\n\r\n" } 1 .. 50);
is join('', map { $c->read_response->body } 1 .. 50),
    join('', map { "/say/$_ " } 1 .. 50), 'fifty requests at once';

$c = $t->connect;
$c->send("GET /f HTTP/1.1\r\nHost: a\r\n\r\nPOST /say/p HTTP/1.1\r\nHost: a\r\n"
         . "Content-Length: 3\r\n\r\nabcGET /nosuch HTTP/1.1\r\nHost: a\r\n\r\n"
         . "HEAD /f HTTP/1.1\r\nHost: a\r\n\r\n"
         . "GET /say/last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
         . "GET /say/never HTTP/1.1\r\nHost: a\r\n\r\n");
is $c->read_response->body, 'a file', 'pipelined: a file';
is $c->read_response->body, '/say/p ', 'pipelined: a body between';
is $c->read_response->status, 404, 'pipelined: an error';
is $c->read_response(head => 1)->header('Content-Length'), 6,
    'pipelined: HEAD';
is $c->read_response->body, '/say/last ', 'pipelined: the last';
ok $c->closed, 'pipelined: none after close';

$c = $t->connect;
my $two = "GET /say/1 HTTP/1.1\r\nHost: a\r\n\r\n"
    . "POST /say/2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    . "3\r\nabc\r\n0\r\n\r\n\r\nGET /say/3 HTTP/1.1\r\nHost: a\r\n\r\n";
$c->send_pieces($two, 1, 0);
is join('', map { $c->read_response->body } 1 .. 3), '/say/1 /say/2 /say/3 ',
    'byte by byte';

$c = $t->connect;
$c->send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n" x 3
         . "GET /say/end HTTP/1.1\r\nHost: a\r\n\r\n");
is length($c->read_response->body), 3_000_000, "pipelined: big $_" for 1 .. 3;
is $c->read_response->body, '/say/end ', 'pipelined: after big ones';

# ---- closing ----

$c = $t->connect(port => 'linger');
$c->send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
$r = $c->read_response;
is $r->status, 413, 'lingering close: the answer';
for (1 .. 5) {
    $c->send('x' x 1000);
    select undef, undef, undef, 0.02;
}
ok !$c->was_reset, 'lingering close: what still comes is read';
ok $c->closed, 'lingering close: an end';

$c = $t->connect;
$c->send("GET /f HTTP/1.1\r\nHost: a\r\n\r\n");
$c->shutdown_write;
is $c->read_response->body, 'a file', 'a client that sends no more';
ok $c->closed, 'and is let go';

# A client that reads nothing is given up.
for my $port ('send', 'reset') {
    my $before = () = $t->read('error.log') =~ /client timed out/g;
    $c = $t->connect(port => $port);
    $c->send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n" x 8);
    ok wait_until(sub {
        (() = $t->read('error.log') =~ /client timed out/g) > $before;
    }), "$port: the log";
    cmp_ok length $c->read_all, '<', 24_000_000, "$port: cut off";
    ok $c->was_reset, 'reset_timedout_connection' if $port eq 'reset';
}

# Idle connections end with the server.
$c = $t->connect;
$c->get('/f');
$t->signal('QUIT');
ok $c->closed, 'QUIT closes idle connections';

done_testing;
