# SPDX-License-Identifier: BSD-2-Clause
#
# addition: text of other URIs before and after responses, in order, however
# large and slow they are.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Time::HiRes qw(time);

need_module('http_addition', 'http_rewrite', 'http_proxy');

my $t = Weir::Test->new;
my $large = join '', map { sprintf "%07d\n", $_ } 1 .. 500_000; # 4 MB

$t->write('html/index.html', "front\n");
$t->write('html/page.html', "page\n");
$t->write('html/page.txt', "text\n");
$t->write('html/empty.html', '');
$t->write('html/a.html', "a\n");
$t->write('html/b.html', "b\n");
$t->write('html/large.html', $large);

my $b = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my $uri = $request->uri;
    my $body = $uri =~ /large/ ? $large : '<' . $request->method . " $uri "
        . length($request->body) . ">\n";
    my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
        . 'ETag: "e"' . "\r\nContent-Length: " . length($body) . "\r\n\r\n";

    select undef, undef, undef, 0.4 if $uri =~ /slow/;
    if ($uri =~ /cut/) {
        $c->send($head . substr $body, 0, 3);
        $c->close;
        return;
    }
    if ($uri =~ /drops/) {
        $c->close;
        return;
    }
    if ($uri =~ /halves/) {
        $c->send($head . substr $body, 0, 3);
        select undef, undef, undef, 0.3;
        $c->send(substr $body, 3);
        return;
    }
    return $head . $body;
});
my $around = 'add_before_body /a.html; add_after_body /b.html;';
my $page = 'alias %%TESTDIR%%/html/page.html;';
my $up = 'proxy_pass http://%%BACKEND%%';

$t->run(<<"EOC" =~ s/%%BACKEND%%/'127.0.0.1:' . $b->port/gre);
%%HTTP%%
    types { text/html html; text/plain txt; }
    log_format brief "\$request_uri|\$uri|\$status|\$body_bytes_sent";
    access_log %%TESTDIR%%/access.log brief;
    proxy_max_temp_file_size 1m;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        location / { $around }
        location /plain/ { location ~ ^/plain/(.*) { alias %%TESTDIR%%/html/\$1; } }
        location = /before { add_before_body /a.html; default_type text/html; $page }
        location = /after { add_after_body /b.html; default_type text/html; $page }
        location = /none { add_before_body ""; add_after_body ""; default_type text/html; $page }
        location = /types.txt { $around addition_types text/plain; alias %%TESTDIR%%/html/page.txt; }
        location = /any.txt { $around addition_types *; alias %%TESTDIR%%/html/page.txt; }
        location = /return { $around default_type text/html; return 200 "return\\n"; }
        location = /missing { add_before_body /nosuch/x; add_after_body /b.html; default_type text/html; $page }
        location = /refused { add_before_body /refuse; add_after_body /b.html; default_type text/html; $page }
        location /nosuch/ { return 404 "not there\\n"; }
        location = /refuse { deny all; return 200 "not refused\\n"; }
        location = /inner { internal; add_before_body /b.html; return 200 "inner\\n"; }
        location = /internal { add_before_body /inner; add_after_body /inner; default_type text/html; $page }
        location = /loop { add_before_body /loop; add_after_body /loop; default_type text/html; $page }
        location = /same { add_before_body /a.html; add_after_body /a.html; default_type text/html; $page }
        location = /args { add_before_body /see; default_type text/html; $page }
        location = /see { return 200 "[\$request_uri \$uri \$args \$request_method]\\n"; }
        location /moved { add_before_body /rewritten; default_type text/html; $page }
        location = /rewritten { rewrite ^ /a.html last; }
        location = /dir { add_before_body /; default_type text/html; $page }
        location = /gzip { $around gzip on; gzip_min_length 0; default_type text/html; $page }
        location = /gzip_large { add_before_body /large.html; add_after_body /up/large; gzip on; default_type text/html; $page }

        location /up/ { $up; }
        location = /proxied { $around $up; }
        location = /proxied/around { add_before_body /up/one; add_after_body /up/two; $up; }
        location = /slow { add_before_body /up/slow; add_after_body /up/slow2; default_type text/html; $page }
        location = /halves { add_before_body /up/halves; add_after_body /up/halves2; $up/halves3; }
        location = /cut { add_before_body /up/cut; add_after_body /b.html; default_type text/html; $page }
        location = /drops { add_before_body /up/drops; add_after_body /b.html; default_type text/html; $page }
        location = /closes { add_before_body /close; add_after_body /b.html; default_type text/html; $page }
        location = /close { return 444; }
        location = /lbefore { add_before_body /large.html; default_type text/html; $page }
        location = /lafter { add_after_body /large.html; default_type text/html; $page }
        location = /lboth { add_before_body /large.html; add_after_body /large.html; default_type text/html; alias %%TESTDIR%%/html/large.html; }
        location = /lproxied { add_before_body /up/large1; add_after_body /up/large2; $up/large3; }
        location = /lmixed { add_before_body /up/large1; add_after_body /large.html; $up/large3; }
        location = /lunbuffered { add_before_body /unbuffered/large1; add_after_body /unbuffered/large2; proxy_buffering off; $up/large3; }
        location /unbuffered/ { proxy_buffering off; $up; }
        location = /lslow { add_before_body /up/slow; add_after_body /up/slow; $up/large; }
        location = /rate { add_before_body /a.html; add_after_body /large.html; limit_rate 2m; default_type text/html; $page }
        location = /logged { add_before_body /logs; default_type text/html; $page }
        location = /logs { log_subrequest on; return 200 "logs\\n"; }
    }
}
EOC


$t->answers(
    '/page.html'  => "a\npage\nb\n",
    '/'           => "a\nfront\nb\n",
    '/empty.html' => "a\nb\n",
    '/before'     => "a\npage\n",
    '/after'      => "page\nb\n",
    '/none'       => "page\n",
    '/page.txt'   => "text\n",
    '/types.txt'  => "a\ntext\nb\n",
    '/any.txt'    => "a\ntext\nb\n",
    '/return'     => "a\nreturn\nb\n",
    '/missing'    => "not there\npage\nb\n",
    '/refused'    => "not refused\npage\nb\n",
    '/internal'   => "inner\npage\ninner\n",
    '/loop'       => "page\npage\npage\n",
    '/same'       => "a\npage\na\n",
    '/args?x=y'   => "[/args?x=y /see  GET]\npage\n",
    '/moved'      => "a\npage\n",
    '/dir'        => "front\npage\n",
    '/nothere'    => [404, qr{^<html>.*404 Not Found}s],
    '/proxied'    => "a\n<GET /proxied 0>\nb\n",
    '/proxied/around' => "<GET /up/one 0>\n<GET /proxied/around 0>\n<GET /up/two 0>\n",
    '/slow'       => "<GET /up/slow 0>\npage\n<GET /up/slow2 0>\n",
    '/halves'     => "<GET /up/halves 0>\n<GET /halves3 0>\n<GET /up/halves2 0>\n",
    '/cut'        => "<GEpage\nb\n",
    '/drops'      => qr{502 Bad Gateway.*page\nb\n$}s,
);
is $t->post('/return', 'x' x 10)->body, "a\nreturn\nb\n", 'POST';
is $t->post('/proxied', 'x' x 10)->body, "a\n<POST /proxied 10>\nb\n",
    'POST, proxied';

# ---- heads ----

my $r = $t->get('/page.html');
is $r->header('Content-Length'), undef, 'no length';
is $r->header('Transfer-Encoding'), 'chunked', 'chunks';
is $r->header('Accept-Ranges'), undef, 'no ranges';
like $r->header('ETag'), qr{^W/"}, 'a weak ETag';
ok $r->header('Last-Modified'), 'Last-Modified';
is $t->get('/page.html', headers => [ Range => 'bytes=0-1' ])->body,
    "a\npage\nb\n", 'Range';
is $t->get('/proxied')->header('ETag'), 'W/"e"', 'proxied: ETag';
$r = $t->head('/page.html');
is $r->status, 200, 'HEAD';
is $r->body, '', 'HEAD: no body';
$r = $t->get('/page.html', headers => [
    'If-Modified-Since' => $t->get('/page.html')->header('Last-Modified') ]);
is $r->status, 304, 'not modified';
is $t->get('/page.html', version => '1.0')->body, "a\npage\nb\n", 'HTTP/1.0';

my $c = $t->connect;
is $c->get('/page.html')->body, "a\npage\nb\n", 'kept';
is $c->get('/slow')->body, "<GET /up/slow 0>\npage\n<GET /up/slow2 0>\n",
    'kept: slow';
is $c->head('/page.html')->status, 200, 'kept: HEAD' if $c->can('head');
is $c->get('/page.txt')->body, "text\n", 'kept: without';

# ---- order and size ----

sub is_large {
    my ($got, $name, @parts) = @_;
    my $wanted = join '', @parts;

    is length $got, length $wanted, "$name: length";
    ok $got eq $wanted, "$name: bytes";
}

my %large = (
    '/lbefore'     => [$large, "page\n"],
    '/lafter'      => ["page\n", $large],
    '/lboth'       => [$large, $large, $large],
    '/lproxied'    => [$large, $large, $large],
    '/lmixed'      => [$large, $large, $large],
    '/lunbuffered' => [$large, $large, $large],
    '/lslow'       => ["<GET /up/slow 0>\n", $large, "<GET /up/slow 0>\n"],
);
is_large($t->get($_)->body, $_, @{ $large{$_} }) for sort keys %large;

# A client that takes its time, and several at once.
for my $uri ('/lboth', '/lproxied', '/lunbuffered') {
    my @c = map { $t->connect } 1 .. 3;
    $_->send("GET $uri HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        for @c;
    select undef, undef, undef, 0.3;
    is_large($_->read_response->body, "$uri late", @{ $large{$uri} }) for @c;
}

my $start = time;
is_large($t->get('/rate')->body, '/rate', "a\npage\n", $large);
cmp_ok time - $start, '>', 0.9, 'limit_rate';

SKIP: {
    skip 'no gzip', 3 if !eval { require Compress::Zlib; 1 };
    my @gzip = (headers => [ 'Accept-Encoding' => 'gzip' ]);

    $r = $t->get('/gzip', @gzip);
    is $r->header('Content-Encoding'), 'gzip', 'gzip';
    is Compress::Zlib::memGunzip($r->body), "a\npage\nb\n", 'gzip: all of it';
    ok Compress::Zlib::memGunzip($t->get('/gzip_large', @gzip)->body)
        eq "${large}page\n$large", 'gzip: large';
}

# ---- clients that leave ----

for my $uri ('/slow', '/lslow', '/lproxied', '/lboth', '/lunbuffered',
             '/halves') {
    my @c = map { $t->connect } 1 .. 6;
    $_->send("GET $uri HTTP/1.1\r\nHost: h\r\n\r\n") for @c;
    for my $c (@c) {
        select undef, undef, undef, 0.02;
        $c->abort;
    }
}
is $t->get('/page.html')->body, "a\npage\nb\n", 'clients that leave';

# ---- return 444 within; logs ----

$r = $t->connect;
$r->send("GET /closes HTTP/1.1\r\nHost: h\r\n\r\n");
ok $r->closed, 'return 444 closes';

is $t->get('/logged')->body, "logs\npage\n", 'log_subrequest';
ok wait_until(sub { $t->read('access.log') =~ m{^/logged\|/logged\|}m }),
    'main request';
like $t->read('access.log'), qr{^/logged\|/logs\|200\|\d+$}m, 'its line';
unlike $t->read('access.log'), qr{\|/a\.html}, 'no others';
ok $t->wait_log(qr{upstream prematurely closed connection while reading (response header from )?upstream, client: [\d.]+, server: , request: "GET /cut HTTP/1.1", subrequest: "/up/cut", upstream: "http://}),
    'the error log';

done_testing;
