# SPDX-License-Identifier: BSD-2-Clause
#
# HTTP/2 with clients: heads, bodies in both directions, trailers, interim
# responses, many streams, how a connection ends; what is logged.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::H2;
use Weir::Test;

need_module('http_v2');

my $on = is_oracle() ? '' : 'http2 on;';
my $h2 = is_oracle() ? ' http2' : '';
my $t = Weir::Test->new;
my $backend = Weir::Backend->http(sub {
    my ($r, $c) = @_;
    my $body = $r->body;

    return "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nUpgrade: x\r\n\r\nfour"
        if $r->uri eq '/up/upgrade';
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n"
        . "\r\n3\r\nabc\r\n0\r\nX-T: v\r\n\r\n" if $r->uri eq '/up/trailers';
    if ($r->uri eq '/up/short') {
        $c->send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort");
        $c->close;
        return undef;
    }
    select undef, undef, undef, 0.3 if $r->uri eq '/up/slow';
    my $text = join ' ', $r->method, length($body),
        $r->header('Content-Length') // '-', unpack '%32C*', $body;
    return "HTTP/1.1 200 OK\r\nContent-Length: " . length($text)
        . "\r\n\r\n$text";
});
my $up = $backend->port;

$t->write('html/1k', 'k' x 1000);
$t->write('html/big', join '', map { pack 'N', $_ } 1 .. 250_000);
$t->run(<<"EOC");
%%GLOBALS%%
events {}
http {
    %%GLOBALS_HTTP%%
    log_format h '\$request|\$status|\$http2|\$body_bytes_sent|\$request_completion';
    access_log %%TESTDIR%%/h.log h;
    keepalive_timeout 5s;
    server {
        listen 127.0.0.1:%%PORT%%$h2;
        $on
        server_name a.test;
        root %%TESTDIR%%/html;
        location / { add_header X-Upper "MiXed"; }
        location /echo { return 200 "\$request_method \$host \$http_cookie \$http_a \$server_protocol"; }
        location /none { return 204; }
        location /nothing { return 200; }
        location /gone { return 444; }
        location /slow { limit_rate 400; }
        location /up { proxy_pass http://127.0.0.1:$up; proxy_http_version 1.1; client_max_body_size 0; }
        location /up/stream { proxy_pass http://127.0.0.1:$up; proxy_http_version 1.1; proxy_request_buffering off; client_max_body_size 0; }
        location /small { client_max_body_size 10; proxy_pass http://127.0.0.1:$up; }
        location /trailer { add_trailer X-T "t"; add_trailer X-U "u"; return 200 body; }
        location /post { post_action /none; return 200 first; }
    }
    server {
        listen 127.0.0.1:%%PORT_few%%$h2;
        $on
        keepalive_requests 3;
        http2_max_concurrent_streams 4;
        location / { return 200 \$connection_requests; }
    }
    server {
        listen 127.0.0.1:%%PORT_short%%$h2;
        $on
        keepalive_timeout 300ms;
        client_header_timeout 300ms;
        client_body_timeout 300ms;
        send_timeout 300ms;
        root %%TESTDIR%%/html;
        location /echo { return 200 x; }
        location /up { proxy_pass http://127.0.0.1:$up; }
    }
}
EOC

# ---- heads ------------------------------------------------------------------

my $c = Weir::H2->new(port => $t->port);
my $s = $c->get('/echo');
is $s->{status}, 200, 'a request';
is $s->{body}, 'GET a.test   HTTP/2.0', 'and its answer';
is $c->value($s, 'content-length'), 21, 'with a length';
like $c->value($s, 'date'), qr/GMT/, 'and a date';

$s = $c->get('/echo', headers => [cookie => 'a=1', cookie => 'b=2', a => 'x']);
is $s->{body}, 'GET a.test a=1; b=2 x HTTP/2.0', 'crumbs of a cookie';
$s = $c->get('/1k');
is length $s->{body}, 1000, 'a file';
is $c->value($s, 'x-upper'), 'MiXed', 'names go out in lower case';
my $etag = $c->value($s, 'etag');
$s = $c->wait($c->request('HEAD', '/1k'));
is "$s->{status} $s->{data}", '200 0', 'HEAD has no body';
is $c->value($s, 'content-length'), 1000, 'but its length';
$s = $c->get('/none');
is "$s->{status} $s->{data}", '204 0', 'no content';
$s = $c->get('/1k', headers => ['if-none-match' => $etag]);
is "$s->{status} $s->{data}", '304 0', 'not modified';
$s = $c->get('/nothing');
is "$s->{status} $s->{body}", '200 ', 'an empty body';
$s = $c->get('/gone');
is $s->{reset}, 1, 'no answer: the stream is reset';
is $c->get('/echo')->{status}, 200, 'and the connection lives';
$s = $c->get('/big', headers => [range => 'bytes=4-7']);
is "$s->{status} $s->{body}", "206 \0\0\0\2", 'a range';

# ---- bodies -------------------------------------------------------------------

$s = $c->get('/big');
is $s->{body}, $t->read('html/big'), 'a large file';
my @ids = map { $c->request('GET', $_ % 2 ? '/big' : '/1k') } 1 .. 20;
$c->wait(@ids);
is scalar(grep { length($c->stream($_)->{body}) == 1_000_000 } @ids), 10,
    'many at the same time: large ones';
is scalar(grep { length($c->stream($_)->{body}) == 1000 } @ids), 10,
    'and small ones';

$s = $c->wait($c->request('POST', '/up', body => 'abc'));
is $s->{body}, 'POST 3 3 294', 'a body of unknown length gets one';
$s = $c->wait($c->request('POST', '/up', body => 'abc',
    headers => ['content-length' => 3]));
is $s->{body}, 'POST 3 3 294', 'one of a known length';
$s = $c->wait($c->request('POST', '/up', body => ''));
is $s->{body}, 'POST 0 0 0', 'an empty one';
SKIP: {
    skip 'not in nginx', 1 if is_oracle();
    $s = $c->wait($c->request('POST', '/up', body => 'abc',
        trailers => [x => 1]));
    is $s->{body}, 'POST 3 3 294', 'with trailers';
}

# Windows are kept: DATA goes as far as they are open.
sub upload {
    my ($c, $path, $n) = @_;
    my $id = $c->request('POST', $path, open => 1);
    my ($left, $all) = ($n, 65535);
    my $own = $c->{got_settings} ? $c->{got_settings}{4} // 65535 : 65535;

    while ($left) {
        my $s = $c->stream($id);
        my $sent = $n - $left;
        my $may = $own + ($s->{window} // 0) - $sent;
        my $may_all = $all + ($c->stream(0)->{window} // 0)
            - ($c->{uploaded} // 0);

        $may = $may_all if $may_all < $may;
        $may = 16384 if $may > 16384;
        $may = $left if $may > $left;
        if ($may > 0) {
            $left -= $may;
            $c->{uploaded} += $may;
            $c->send(0, $left ? 0 : 1, $id, 'y' x $may);
            next if $may == 16384 && rand > 0.3;
        }
        last if $s->{done};
        my $before = scalar @{ $c->{frames} };
        $c->until(sub { @{ $c->{frames} } > $before || $c->{eof} },
            $may > 0 ? 0 : 5);
        last if $c->{eof};
    }
    return $c->wait($id);
}

my $n = 3_000_000;
my $u = Weir::H2->new(port => $t->port);
$u->ping;
is upload($u, '/up', $n)->{body}, "POST $n $n " . 121 * $n, 'a large upload';
is upload($u, '/up/stream', $n)->{body}, "POST $n - " . 121 * $n,
    'one that is passed on as it comes';

$s = $c->wait($c->request('POST', '/small', body => 'x' x 20));
is $s->{status}, 413, 'too large, of unknown length';
$s = $c->wait($c->request('POST', '/small', body => 'x' x 20,
    headers => ['content-length' => 20]));
is $s->{status}, 413, 'too large, as it says';
$s = $c->wait($c->request('POST', '/up', body => 'abc',
    headers => ['content-length' => 4]));
is $s->{status}, 400, 'less than it says';
$s = $c->wait($c->request('POST', '/up', body => 'abc',
    headers => ['content-length' => 2]));
is $s->{status}, 400, 'more than it says';
$s = $c->wait($c->request('POST', '/echo', body => 'not read'));
is $s->{status}, 200, 'a body that nobody reads';
is $c->get('/echo')->{status}, 200, 'the connection still lives';
$s = $c->get('/up/short');
is "$s->{status} $s->{body}", '200 short', 'an answer that is cut';
is $s->{reset}, 2, 'resets its stream';
SKIP: {
    skip_before('1.31.3', 'what differs', 5);
    is $c->value($c->get('/up/upgrade'), 'upgrade'), undef,
        'Upgrade has no meaning here';
    $s = $c->get('/trailer');
    is_deeply $s->{trailers}, ['x-t' => 't', 'x-u' => 'u'], 'trailers';
    is $s->{body}, 'body', 'behind the body';
    is $c->get('/post')->{body}, 'first', 'post_action';
    $s = $c->wait($c->request('POST', '/up', body => 'abc',
        headers => [expect => '100-continue']));
    is_deeply [map { $_->[1] } @{ $s->{interim} }], [100], 'Expect';
}

$s = $c->get('/slow/../1k', headers => [te => 'trailers']);
is $s->{status}, 200, 'TE: trailers';

# ---- resets by the client -------------------------------------------------------

my $r = Weir::H2->new(port => $t->port);
my $id = $r->request('GET', '/up/slow');
$r->send(3, 0, $id, pack 'N', 8);
ok $r->ping, 'a reset of what runs';
is $r->get('/echo')->{status}, 200, 'others are not touched';
ok wait_until(sub { $t->read('h.log') =~ m{^GET /up/slow HTTP/2.0\|499}m }),
    'it is logged with 499';
$r->close;

# ---- the log ----------------------------------------------------------------------

like $t->read('h.log'), qr{^GET /none HTTP/2.0\|204\|h2c\|0\|OK$}m,
    'a line of the access log';
$c->close;

# ---- how it ends --------------------------------------------------------------------

$c = Weir::H2->new(port => $t->port('few'));
is $c->get('/')->{body}, $_, "request $_" for 1 .. 3;
SKIP: {
    skip 'in one step', 3 if is_oracle();
    ok $c->until_closed, 'the connection ends behind keepalive_requests';
    my @away = grep { $_->[0] == 7 } @{ $c->{frames} };
    is unpack('N', $away[0][3]), 0x7fffffff, 'which it says before';
    is_deeply [unpack 'NN', $away[-1][3]], [5, 0], 'then names the last stream';
}

$c = Weir::H2->new(port => $t->port('short'));
is $c->get('/echo')->{status}, 200, 'a request';
ok $c->until_closed, 'an idle connection is closed';
is $c->goaway, 0, 'with GOAWAY';
$c = Weir::H2->new(port => $t->port('short'), bare => 1);
ok $c->until_closed, 'one that says nothing is, too';
$c = Weir::H2->new(port => $t->port('short'));
$c->raw("\0\0\x10\1\5\0\0\0\1abc");
ok $c->until_closed, 'and one in the middle of a frame';
$c = Weir::H2->new(port => $t->port('short'));
# Bytes of a frame do not put it off; those of a body do, and frames of it that
# are cut anywhere are no heads.
$c = Weir::H2->new(port => $t->port('short'));
$c->raw("\0\0\x10\1\5\0\0\0\1");
my $until = time + (is_oracle() ? 0 : 5);
while (time < $until && !$c->eof) {
    $c->raw('a');
    $c->take(0.1);
}
ok $c->eof || is_oracle(), 'nor does one that comes byte by byte';
$c = Weir::H2->new(port => $t->port('short'));
$id = $c->request('POST', '/up', open => 1);
for (1 .. 8) {
    $c->raw("\0\0\5\0\0" . pack('N', $id) . 'abcde' . "\0\0\5\0\0"
        . pack('N', $id) . 'ab');
    select undef, undef, undef, 0.08;
    $c->raw('cde');
}
$c->send(0, 1, $id);
is $c->wait($id)->{body}, 'POST 80 80 7920', 'a body that takes its time';
$c = Weir::H2->new(port => $t->port('short'));
$id = $c->request('POST', '/up', open => 1);
$c->wait($id);
ok $c->stream($id)->{done}, 'a body that does not come: the stream ends';
$c = Weir::H2->new(port => $t->port('short'), settings => [4 => 0],
    closed => 1);
$id = $c->request('GET', '/1k');
$c->wait($id);
ok $c->stream($id)->{done} || $c->{eof}, 'and where nothing is taken';
is $c->stream($id)->{data}, 0, 'nothing was sent';

$c = Weir::H2->new(port => $t->port);
$id = $c->request('GET', '/up/slow');
$c->ping;
SKIP: {
    skip 'nginx waits for the client', 3 if is_oracle();
    kill 'QUIT', $t->pid;
    is $c->wait($id)->{status}, 200, 'a graceful end waits for the answer';
    ok $c->until_closed, 'and closes the connection';
    is $c->goaway, 0, 'without an error';
}

$t->expect_log(qr/open socket #\d+ left in connection|aborting$/) if is_oracle();
done_testing;
