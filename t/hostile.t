# SPDX-License-Identifier: BSD-2-Clause
#
# Clients and upstreams that mean harm, or are broken: requests and responses
# cut at every byte, rubbish, floods, resets.  Through all of it the worker
# lives, answers others, and has afterwards as many descriptors, connections
# and megabytes as before.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(time sleep);
use Weir::Test qw(:DEFAULT slow);

need_module('http_stub_status');
srand 20;

# ---- upstreams, which do what the URI says -----------------------------------

my %says = (
    length => "HTTP/1.1 200 OK\r\nContent-Length: 24\r\nX-A: b\r\n\r\n"
        . 'abcdefghijklmnopqrstuvwx',
    chunked => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        . "5\r\nabcde\r\n6;x=y\r\nfghijk\r\n0\r\nX-T: u\r\n\r\n",
    early => "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        . "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
);

# What no upstream should say; the status that the client gets, where it is
# one and the same everywhere.
my %odd = (
    nothing => ['', 502],
    nul => ["HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\nx", 502],
    both => ["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
             . "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    twice => ["HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
              . "Content-Length: 2\r\n\r\nab", 502],
    negative => ["HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nab", 502],
    huge => ["HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n"
             . "\r\nab", 502],
    chunk => ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
              . "ffffffffffffffffff\r\nabc"],
    bad_chunk => ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                  . "5\r\nabcdefgh\r\n0\r\n\r\n"],
    fold => ["HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 1\r\n\r\na"],
    lf => ["HTTP/1.1 200 OK\nContent-Length: 1\n\na", 200],
    more => ["HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" . 'a' x 99_999,
             200],
    long_line => ['HTTP/1.1 200 ' . 'O' x 200_000, 502],
    endless => ["HTTP/1.1 200 OK\r\n" . "X-Header: value\r\n" x 50_000, 502],
    interim => ["HTTP/1.1 100 Continue\r\n\r\n" x 20_000],
    hints => ["HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" x 20_000],
    switch => ["HTTP/1.1 101 Switching Protocols\r\n\r\nrubbish"],
    trailers => ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 . "1\r\na\r\n0\r\n" . "X-T: u\r\n" x 100_000],
    redirect => ["HTTP/1.1 200 OK\r\nX-Accel-Redirect: /up/odd/redirect\r\n"
                 . "Content-Length: 0\r\n\r\n", 500],
);

sub play {
    my ($c) = @_;
    my $end = time + 20;

    while ($c->{in} !~ /\n/) {
        $c->fill($end) or return;
    }
    my ($how, $what, $n) = $c->{in} =~ m{ /\w+/(\w+)/(\w+)/?(\d*)} or return;
    if ($how eq 'odd') {
        Weir::Backend::read_request($c);
        $c->send($odd{$what}[0]);
    } elsif ($how eq 'cut' || $how eq 'reset') {
        Weir::Backend::read_request($c);
        $c->send(substr $says{$what}, 0, $n);
        return $c->abort if $how eq 'reset';
    } elsif ($how eq 'rubbish') {
        srand $n;
        $c->send(join '', map { chr rand 256 } 1 .. 1 + rand 3000);
    } elsif ($how eq 'hasty') { # before it has read the body
        $c->send("HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno");
        sleep 0.05 if $what eq 'late';
    } elsif ($how eq 'big') {
        Weir::Backend::read_request($c);
        $c->send("HTTP/1.1 200 OK\r\n\r\n");
        $c->send('y' x 65536) or last for 1 .. 50;
    } elsif ($how eq 'drip') {
        Weir::Backend::read_request($c);
        $c->send_pieces($says{$what}, 1, 0.001);
    }
    $c->shutdown_write;
    $c->fill(time + 5); # no reset for what was not read
}

delete @says{qw(early)} if is_oracle(); # older ones take it for the last
my $upstream = Weir::Backend->tcp(\&play);

# ---- the server ----------------------------------------------------------------

my $t = Weir::Test->new;
# Whom nginx has answered it may not look at again before that.
my $keep = is_oracle() ? 'keepalive_timeout 2s;' : '';
my $up = 'http://127.0.0.1:' . $upstream->port;
$t->write('html/f', 'a file');
$t->write('html/big', 'x' x 3_000_000);
$t->run(<<"EOC");
%%GLOBALS%%
worker_processes 1;
events { worker_connections 400; }
http {
%%GLOBALS_HTTP%%
    root %%TESTDIR%%/html;
    lingering_timeout 500ms;
    lingering_time 2s;
    client_body_timeout 1s;
    client_max_body_size 4m;
    proxy_http_version 1.1;
    proxy_set_header Connection close;
    proxy_read_timeout 5s;
    $keep
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { error_page 405 =200 /f; }
        location /say { return 200 said; }
        location /gone { error_page 404 /say; }
        location /send { sendfile on; alias %%TESTDIR%%/html/; }
        location /slow { limit_rate 100k; limit_rate_after 40k;
                         alias %%TESTDIR%%/html/; }
        location /up { proxy_pass $up; proxy_intercept_errors on;
                       error_page 404 /say; }
        location /raw { proxy_pass $up; proxy_buffering off;
                        proxy_request_buffering off; }
        location /status { stub_status; access_log off; }
    }
}
EOC

my ($worker) = wait_until(sub { join ' ', $t->worker_pids });

# Files to be served may be kept open.
sub descriptors {
    return grep { !m{/html/} } map { readlink() // () }
        glob "/proc/$worker/fd/*";
}

sub megabytes {
    return ($t->read("/proc/$worker/status") =~ /^VmRSS:\s+(\d+)/m)[0] / 1024;
}

# status(): active, reading, writing, waiting; the one who asks is among them.
sub status {
    my $text = $t->get('/status')->body // '';

    return join ' ', $text =~ /(?:Active connections|ing): (\d+)/g;
}

$t->get($_) for '/f', '/say', '/gone', '/send/big', '/up/cut/length/999';
$t->post('/raw/cut/length/999', 'x' x 300_000);
wait_until(sub { status() eq '1 0 1 0' });
my ($fds, $size) = (scalar descriptors());

# calm($what): all is as it was before, and the server is well.
sub calm {
    my ($what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is $t->get('/say')->body, 'said', "$what: others are answered";
    wait_until(sub { status() eq '1 0 1 0' });
    is status(), '1 0 1 0', "$what: no connection is left";
    wait_until(sub { descriptors() <= $fds });
    cmp_ok scalar descriptors(), '<=', $fds, "$what: no descriptor is left"
        or diag join "\n", descriptors();
    is join(' ', $t->worker_pids), $worker, "$what: the same worker";
    $size //= megabytes();
}

# ---- requests, cut -------------------------------------------------------------

sub requests_to {
    my ($uri) = @_;

    return (
        "GET $uri HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST $uri HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde",
        "POST $uri HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            . "3;x\r\nabc\r\n2\r\nde\r\n0\r\nX-T: u\r\n\r\n",
        "GET $uri HTTP/1.1\r\nHost: a\r\n\r\n"
            . "POST $uri HTTP/1.0\r\nContent-Length: 2\r\n\r\nab",
    );
}

for my $uri ('/f', '/say', '/none', '/gone', '/slow/big', '/up/cut/length/99',
             '/raw/cut/chunked/99') {
    # Each whole request has the upstream start a process.
    my $step = $uri =~ /cut/ ? 3 : 1;

    for my $request (requests_to($uri)) {
        my ($n, $mute) = (0, 0);

        for ($n = 0; $n <= length $request; $n += $step) {
            my $part = substr $request, 0, $n;
            my $c = $t->connect;
            $c->send($part);
            $c->close;
            $c = $t->connect;
            $c->send($part);
            $c->abort;
            next if $uri =~ /slow/ || $n % 5;
            $c = $t->connect;
            $c->send($part);
            $c->shutdown_write;
            $c->read_all(slow(5));
            $mute++ if !$c->{eof};
        }
        is $mute, 0, substr($request, 0, 30) =~ s/\r.*//sr
            . ': half-closed connections end';
    }
    calm("$uri, cut");
}

# ---- a byte at a time -------------------------------------------------------------

for my $uri ('/f', '/say', '/none', '/up/drip/length', '/raw/drip/chunked') {
    for my $request ((requests_to($uri))[0 .. 2]) {
        my $c = $t->connect;
        $c->send_pieces($request, 1, 0.0005);
        my $r = $c->read_response;
        ok $r->complete, substr($request, 0, 24) . ', a byte at a time';
        is $c->get('/say')->body, 'said', 'and the next one';
    }
}
calm('bytes');

# ---- floods of requests --------------------------------------------------------------

# flood($bytes): sends from another process, gives back what came.
sub flood {
    my ($bytes, %opt) = @_;
    my $c = $t->connect;

    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        $c->send($bytes);
        $c->shutdown_write;
        POSIX::_exit(0);
    }
    my $got = $c->read_all(slow(20));
    waitpid $pid, 0;
    return $got;
}

my $many = "GET /say HTTP/1.1\r\nHost: a\r\n\r\n" x 999
    . "GET /say HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
is scalar(() = flood($many) =~ m{HTTP/1.1 200 OK\r}g), 1000,
    'a thousand pipelined requests';
$many = ("POST /f HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
         . "1\r\na\r\n" x 20 . "0\r\n\r\n") x 400
    . "GET /f HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
is scalar(() = flood($many) =~ m{HTTP/1.1 200 OK\r}g), 401,
    'and such with bodies that nobody reads';
{
    my $c = $t->connect;
    $c->send("GET /send/big HTTP/1.1\r\nHost: a\r\n\r\n" x 500);
    $c->read_until(qr/x{1000}/);
    $c->abort;
}
calm('pipelines');

my @floods = (
    ['many fields', "GET /f HTTP/1.1\r\nHost: a\r\n" . "a:b\r\n" x 5000
        . "\r\n", qr/200|400/],
    ['many long fields', "GET /f HTTP/1.1\r\nHost: a\r\n"
        . ('X: ' . 'y' x 5000 . "\r\n") x 400 . "\r\n", qr/400/],
    ['a long field', "GET /f HTTP/1.1\r\nHost: a\r\nX: " . 'y' x 1_000_000,
        qr/400/],
    ['a long request line', 'GET /' . 'y' x 1_000_000, qr/414/],
    ['a long method', 'G' x 1_000_000, qr/4\d\d/],
    ['lines before', "\r\n" x 100_000 . "GET /f HTTP/1.0\r\n\r\n",
        qr/200|4\d\d/],
    ['slashes', 'GET ' . '/..' x 2000 . " HTTP/1.0\r\n\r\n", qr/400/],
    ['dots', 'GET /' . 'a/../' x 1500 . "f HTTP/1.0\r\n\r\n", qr/200/],
    ['a long extension', "POST /f HTTP/1.1\r\nHost: a\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n1;" . 'x' x 1_000_000, qr/\d+/],
    ['trailers', "POST /up/cut/length/99 HTTP/1.1\r\nHost: a\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n0\r\n" . "X: y\r\n" x 100_000,
        qr/\d+|^$/],
    ['small chunks', "POST /up/cut/length/99 HTTP/1.1\r\nHost: a\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n" . "1\r\na\r\n" x 200_000
        . "0\r\n\r\n", qr/200|^$/],
    ['too large', "POST /up/cut/length/99 HTTP/1.1\r\nHost: a\r\n"
        . "Content-Length: 99999999\r\n\r\n" . 'x' x 3_000_000, qr/413/],
    ['too large, in chunks', "POST /up/cut/length/99 HTTP/1.1\r\nHost: a\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n"
        . ("10000\r\n" . 'x' x 65536 . "\r\n") x 100, qr/413|^$/],
);
for (@floods) {
    my ($name, $bytes, $wanted) = @$_;
    my ($code) = flood($bytes) =~ m{\AHTTP/1.\d (\d+)};
    like $code // '', $wanted, "$name: the status";
}
calm('floods');

# ---- rubbish --------------------------------------------------------------------------

my @rubbish = (
    map({ join '', map { chr rand 256 } 1 .. 1 + rand 2000 } 1 .. 150),
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" . "\0" x 600,
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . "\0" x 100,
    "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.0\r\n\r\n",
    "\0" x 5000, "\r\n" x 5000, ' ' x 5000, "GET / HTTP/1.1\r\nHost: a\0b\r\n",
    "GET /\0 HTTP/1.1\r\n\r\n", "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET http://[::1 HTTP/1.1\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
        . "Content-Length: 9\r\n\r\n",
);
for my $bytes (@rubbish) {
    my $c = $t->connect;
    $c->send($bytes);
    if (rand() < 0.3) {
        $c->abort;
    } else {
        $c->shutdown_write;
        $c->read_all(slow(5));
    }
}
for my $size ('-1', '0x1', 'x', '1 x1') {
    my $body = "POST /say HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked"
        . "\r\n\r\n$size\r\na\r\n0\r\n\r\n";
    my $r = $t->raw($body);
    is $r->status, $size eq '1 x1' ? 200 : 400, "a chunk of \"$size\"";
    is $t->raw($body =~ s{/say}{/none}r)->status, 404,
        'is no matter for an error';
}
calm('rubbish');

# ---- left in the middle -----------------------------------------------------------------

for my $uri ('/big', '/send/big', '/slow/big', '/up/big/x', '/raw/big/x') {
    for my $n (0 .. 12) {
        my $c = $t->connect;
        $c->send("GET $uri HTTP/1." . $n % 2 . "\r\nHost: a\r\n\r\n");
        $c->read_until(qr/[xy]{2000}/, slow(5)) if $n > 3;
        sleep 0.01 if $n > 9;
        $n % 3 ? $c->abort : $c->close;
    }
    calm("$uri, left");
}

# An upload that is more than memory holds, and never whole.
for my $uri ('/up/cut/length/999', '/raw/cut/length/999', '/f') {
    for my $n (1 .. 10) {
        my $c = $t->connect;
        $c->send("POST $uri HTTP/1.1\r\nHost: a\r\n"
                 . "Content-Length: 1000000\r\n\r\n" . 'x' x (50_000 * $n));
        sleep 0.002 * $n;
        $n % 2 ? $c->abort : $c->close;
    }
    calm("an upload to $uri, left");
}
is join(' ', glob $t->path('client_body_temp/*')), '', 'no file is left';

# ---- a body that nobody wants, while a slow response goes out ------------------------------

{
    my ($late, $never) = map { $t->connect } 1 .. 2;
    my $head = "GET /slow/big HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
        . "Range: bytes=0-249999\r\n\r\n";
    $late->send($head);
    $never->send("${head}ab");
    sleep 0.3;
    $late->send('abcd');
    is length($late->read_response->body), 250_000,
        'a body that came later does not end the response';
    is $late->get('/say')->body, 'said', 'nor the connection';
    is length($never->read_response->body), 250_000,
        'neither does one that has not come after client_body_timeout';
}
calm('unwanted bodies');

# ---- upstreams -----------------------------------------------------------------------------

for my $where ('/up', '/raw') {
    for my $what (sort keys %says) {
        my ($head) = $says{$what} =~ /\A(.*?200.*?\r\n\r\n)/s;
        my (%got, $wrong);

        for (my $n = 0; $n < length $says{$what}; $n++) {
            my $how = $n % 2 ? 'cut' : 'reset';
            my $r = $t->get("$where/$how/$what/$n");
            # A reset may overtake what was sent before it.
            my $is_right = $n < length $head || $how eq 'reset'
                ? ($r->status // 0) =~ /^(?:502|200)$/
                : !$r->complete;
            $wrong //= "$n: " . ($r->status // 'none') if !$is_right;
        }
        is $wrong, undef, "$where, $what: cut";
    }
    calm("$where, cut upstreams");

    for my $what (sort keys %odd) {
        my $wanted = $odd{$what}[1];
        my $c = $t->connect;
        $c->send_request('GET', "$where/odd/$what", close => 1);
        my $got = $c->read_all(slow(8));
        ok $c->{eof}, "$where, $what: an end";
        is +($got =~ /\AHTTP\S+ (\d+)/)[0], $wanted, "$where, $what: the status"
            if $wanted && ($what !~ /^(?:huge|negative|twice)$/
                           || version_at_least('1.23.0'));
    }
    for my $n (1 .. 40) {
        $t->connect->request('GET', "$where/rubbish/x/$n", close => 1);
    }
    for my $what (qw(soon late)) {
        for my $size (0, 10, 100_000, 3_000_000) {
            my $r = $t->post("$where/hasty/$what", 'x' x $size);
            like $r->status // '', qr/^(?:413|502|)$/, "$where: an answer "
                . "before the body of $size was read ($what)";
        }
    }
    calm("$where, odd upstreams");
}

SKIP: {
    skip 'memory under a sanitizer', 1 if $ENV{ASAN_OPTIONS};
    cmp_ok megabytes(), '<', $size + 8, 'no more memory than at first';
}

# ---- more connections than there may be -------------------------------------------------------

my $few = Weir::Test->new;
$few->run(<<'EOC');
%%GLOBALS%%
worker_processes 1;
events { worker_connections 40; }
http {
%%GLOBALS_HTTP%%
    server { listen 127.0.0.1:%%PORT%%; location / { return 200 said; } }
}
EOC
{
    my @idle = map { $few->connect } 1 .. 150;
    $_->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") for @idle[0 .. 20];
    my @kept = map { my $c = $few->connect; $c->get('/'); $c } 1 .. 60;
    is $few->get('/')->body, 'said', 'idle connections make room';
    @idle = @kept = ();
    is $few->get('/')->body, 'said', 'and are gone';
}

done_testing;
