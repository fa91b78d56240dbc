# SPDX-License-Identifier: BSD-2-Clause
#
# proxy_http_version 2 with Node's HTTP/2 server: what is sent, what comes back,
# connections that are kept, and those that many requests share.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Weir::Node;
use Weir::Test;
use Weir::TLS;

need_node();
need_tls();
skip_before('1.29.4', 'proxy_http_version 2');

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca('ca');
$pki->issue('up', by => 'ca', names => ['up.test']);
start_instance('h2.js', plain => $t->port('plain'));
{
    local $ENV{KEY} = $pki->path('up.key');
    local $ENV{CERT} = $pki->path('up.pem');
    start_instance('h2.js', secure => $t->port('secure'));
}

$t->run(<<'EOC' . (is_oracle() ? '' : <<'EOW') . '}');
%%HTTP%%
    upstream plain { server 127.0.0.1:%%PORT_plain%%; keepalive 4; }
    upstream secure { server 127.0.0.1:%%PORT_secure%%; keepalive 4; }
    proxy_http_version 2;
    proxy_ssl_trusted_certificate %%TESTDIR%%/tls/ca.pem;
    proxy_ssl_verify on;
    proxy_ssl_name up.test;
    proxy_ssl_server_name on;
    client_max_body_size 0;
    early_hints 1;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://plain; }
        location /tls { proxy_pass https://secure; }
        location /name { proxy_pass https://secure; proxy_ssl_name b.test; }
        location /set { proxy_pass http://plain; proxy_set_header Host a.b;
            proxy_set_header X-Mine "1
2"; proxy_set_header Connection upgrade; proxy_set_header Upgrade x;
            proxy_set_header Te gzip; proxy_set_header Content-Length 77;
            proxy_set_header "x y" 1; }
        location /trailers { proxy_pass http://plain; proxy_pass_trailers on; }
        location /stream { proxy_pass http://plain; proxy_buffering off;
            proxy_request_buffering off; }
        location /one { proxy_pass http://plain; proxy_http_version 1.1; }
    }
EOC
    upstream old { server 127.0.0.1:%%PORT_old%%; keepalive 4; }
    upstream own { server 127.0.0.1:%%PORT_own%%; keepalive 1;
        keepalive_requests 100000; }
    server {
        listen 127.0.0.1:%%PORT_own%%;
        http2 on;
        keepalive_requests 100000;
        return 200 own;
    }
    server {
        listen 127.0.0.1:%%PORT_old%% ssl;
        listen 127.0.0.1:%%PORT_clear%%;
        ssl_certificate %%TESTDIR%%/tls/up.pem;
        ssl_certificate_key %%TESTDIR%%/tls/up.key;
        return 200 "$server_protocol $ssl_alpn_protocol";
    }
    server {
        listen 127.0.0.1:%%PORT_auto%%;
        proxy_http_version auto;
        location / { proxy_pass https://secure; }
        location /many { proxy_pass https://secure;
            proxy_http2_max_concurrent 10; }
        location /old { proxy_pass https://old; }
        location /clear { proxy_pass http://127.0.0.1:%%PORT_clear%%; }
        location /post { proxy_pass https://secure;
            proxy_request_buffering off; }
    }
    server {
        listen 127.0.0.1:%%PORT_many%%;
        proxy_http2_max_concurrent 32;
        location / { proxy_pass http://plain; }
        location /tls { proxy_pass https://secure; }
        location /stream { proxy_pass http://plain; proxy_buffering off;
            proxy_request_buffering off; }
        location /own { proxy_pass http://own; }
        keepalive_requests 100000;
    }
EOW

sub json { return JSON::PP::decode_json($_[0]->body) }

sub sum {
    my $a = 0;

    $a = ($a * 31 + $_) % 1000003 for unpack 'C*', $_[0];
    return $a;
}

# ---- a connection that is idle again and again ----
# First, while little memory has been used and is free.

SKIP: {
    skip 'memory', 2 if is_oracle() || $ENV{ASAN_OPTIONS};
    my $c = Weir::HTTP->new(port => $t->port('many'));
    my ($worker) = ($t->worker_pids)[-1];
    my $wrong = 0;

    # rounds($n): so many requests, one after the other; kB that are used then.
    my $rounds = sub {
        for (1 .. $_[0]) {
            $c->send("GET /own HTTP/1.1\r\nHost: a\r\n\r\n" x 100);
            $wrong += $c->read_response->body ne 'own' for 1 .. 100;
        }
        return ($t->read("/proc/$worker/status") =~ /^VmRSS:\s+(\d+)/m)[0];
    };
    my $before = $rounds->(20);

    cmp_ok $rounds->(120) - $before, '<', 400, 'it takes no more memory';
    is $wrong, 0, '... and answers';
}

# ---- what is sent ----

my $r = $t->get('/a?b=c', host => 'my.test', headers => ['X-Case' => 'V',
                                      Cookie => 'a=1; b=2', TE => 'trailers',
                                      'Keep-Alive' => 1, Upgrade => 'h2c']);
my $h = json($r)->{headers};
is $r->status, 200, 'a response';
is $h->{':method'}, 'GET', ':method';
is $h->{':path'}, '/a?b=c', ':path';
is $h->{':scheme'}, 'http', ':scheme';
is $h->{':authority'}, 'plain', ':authority is the name in proxy_pass';
is $h->{'x-case'}, 'V', 'names are sent in lower case';
is $h->{cookie}, 'a=1; b=2', 'cookies';
ok !exists $h->{$_}, "no $_" for qw(host te keep-alive upgrade connection
                                    content-length);

$h = json($t->get('/set'))->{headers};
is $h->{':authority'}, 'a.b', 'proxy_set_header Host';
is $h->{'x-mine'}, '1 2', 'a line break is none';
ok !exists $h->{$_}, "proxy_set_header: no $_"
    for qw(te upgrade connection content-length), 'x y';

my $json = json($t->post('/post', 'x' x 10));
is $json->{headers}{'content-length'}, 10, 'the length of a body';
is $json->{sum}, sum('x' x 10), 'the body';
is $t->request('HEAD', '/')->status, 200, 'HEAD';
is $t->get('/?status=404')->status, 404, 'statuses';
is $t->get('/?empty=1&status=204')->status, 204, 'no content';
is $t->get('/?empty=1')->body, '', 'END_STREAM with the head';

# ---- what must not be sent on ----

# What a request adds: the bytes, and which names the upstream may not get.
for my $case (
    ['Connection: close, X-A', qw(connection)],
    ['Proxy-Connection: keep-alive', qw(proxy-connection)],
    ['Keep-Alive: timeout=5', qw(keep-alive)],
    ['HTTP2-Settings: AAMAAABkAAQAAP__', qw(http2-settings)],
    ["Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
     . 'HTTP2-Settings: AAMAAABk', qw(connection upgrade http2-settings)],
    ['TE: gzip', qw(te)],
    ['TE: trailers, gzip', qw(te)],
    ['Trailer: X', qw(transfer-encoding)],
    ["Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0", qw(transfer-encoding)],
    ['X_Under: 1', qw(x_under)],
    ['X@At: 1', qw(x@at)],
    ['X/Slash: 1', qw(x/slash)],
    ['(X): 1', qw((x))],
    [':path: /other', qw(none)],
    [':authority: b', qw(none)],
    [':status: 200', qw(none)],
) {
    my ($bytes, @not) = @$case;
    my $c = $t->connect;
    my $method = $bytes =~ /chunked/ ? 'POST' : 'GET';

    $c->send("$method /case HTTP/1.1\r\nHost: a\r\n$bytes\r\n\r\n");
    my $r = $c->read_response;
    my $name = $bytes =~ s/\r\n/ | /gr;
    if ($r->status == 400) {
        pass("$name: refused");
        next;
    }
    my $h = json($r)->{headers};
    is join(' ', grep { exists $h->{$_} } @not), '', "$name: not sent on";
    is "$h->{':path'} $h->{':authority'} $h->{':method'}",
        "/case plain $method", "$name: the request is what it was";
}

# ---- bodies ----

my $big = join '', map { chr($_ * 7 % 251) } 1 .. 1_000_000;
is json($t->post('/big', $big))->{sum}, sum($big), 'a large body, buffered';
is json($t->post('/stream', $big))->{sum}, sum($big), 'a large body, as it comes';
is length($t->get('/?size=5000000')->body), 5_000_000, 'a large response';
is length($t->get('/stream?size=5000000')->body), 5_000_000,
    'a large response, as it comes';
my $c = $t->connect;
$c->send("POST /stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
         . "3\r\nabc\r\n");
select undef, undef, undef, 0.05;
$c->send("2\r\nde\r\n0\r\n\r\n");
$json = json($c->read_response);
is $json->{sum}, sum('abcde'), 'a body of unknown length';
is $t->get('/trailers?trailers=1')->trailer('x-end'), 'yes', 'trailers';
is $t->get('/?trailers=1')->trailer('x-end'), undef, 'not asked for';

# ---- connections ----

my @n = map { $t->get('/')->header('x-session') } 1 .. 3;
is_deeply \@n, [($n[0]) x 3], 'a connection is used again';
$t->get('/one');
like join('', $t->log), qr/no valid HTTP\/1.0 header/,
    'HTTP/1 never goes over it';
is $t->get('/')->header('x-session'), $n[0], 'and the other way round';

$json = json($t->get('/tls'));
is $json->{alpn}, 'h2', 'TLS: h2 is agreed on';
is $json->{headers}{':scheme'}, 'https', ':scheme over TLS';
is $t->get('/tls')->header('x-session'), $t->get('/tls')->header('x-session'),
    'TLS: a connection is used again';
is $t->get('/name')->status, 502, 'another certificate';
like join('', $t->log), qr/certificate does not match "b.test"/, 'is told';

# ---- many on one ----

if (!is_oracle()) {
    my $port = $t->port('many');
    my %of;

    # The first one opens the connection that the others find.
    my $first = Weir::HTTP->new(port => $port);
    $first->send_request('GET', '/?wait=300');
    wait_until(sub { $t->get('/?status=299')->status == 299 });
    select undef, undef, undef, 0.05;
    my @c = map { Weir::HTTP->new(port => $port) } 1 .. 20;
    $_->send_request('GET', '/?wait=100') for @c;
    for my $c ($first, @c) {
        my $r = $c->read_response;
        $of{ $r->header('x-session') }++;
    }
    is_deeply [values %of], [21], '21 requests at a time share a connection';

    $_->send_request('POST', '/stream', body => $big) for @c[0 .. 4];
    is json($c[$_]->read_response)->{sum}, sum($big), "upload $_"
        for 0 .. 4;
    $_->send_request('GET', '/stream?size=1000000') for @c;
    # One that is not read holds up no other.
    is length($c[$_]->read_response->body), 1_000_000, "download $_"
        for reverse 0 .. 19;
    $_->send_request('GET', '/tls?wait=20') for @c;
    is $_->read_response->status, 200, 'TLS' for @c;
}

# ---- as ALPN says ----

sub ask {
    my $c = Weir::HTTP->new(port => $t->port('auto'));

    $c->send_request(@_);
    return $c->read_response;
}

if (!is_oracle()) {
    for my $again ('', ', again') {
        is json(ask('GET', '/'))->{alpn}, 'h2', "auto: h2$again";
        is json(ask('GET', '/many'))->{alpn}, 'h2', "auto: h2, shared$again";
        is ask('GET', '/old')->body, 'HTTP/1.1 http/1.1', "auto: 1.1$again";
        is ask('GET', '/clear')->body, 'HTTP/1.1 ', "auto: in clear$again";
        is json(ask('POST', '/post', body => 'x' x 100_000))->{length},
            100_000, "auto: a body$again";
    }
}
done_testing;
