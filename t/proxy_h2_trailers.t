# SPDX-License-Identifier: BSD-2-Clause
#
# Trailers of requests, from clients of HTTP/1 and HTTP/2 to upstreams of HTTP/2:
# grpc_pass passes them on, proxy_pass where proxy_pass_trailers is on; never what
# would steer the request, or get round proxy_set_header.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::H2;
use Weir::H2Peer;
use Weir::Hpack;
use Weir::Test;

plan skip_all => 'of weir' if is_oracle();
need_module('http_v2');

my $peer = Weir::H2Peer->start(sub {
    my ($p, $s) = @_;
    $p->head($s->{id}, 0, ':status' => 200, 'content-type' => 'application/grpc');
    $p->data($s->{id}, 'got ' . length $s->{body});
    $p->head($s->{id}, 1, 'grpc-status' => 0);
});
my $to = '127.0.0.1:' . $peer->port;
my $t = Weir::Test->new;
$t->run(<<"EOC");
%%HTTP%%
    http2 on;
    proxy_http_version 2;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://$to; proxy_pass_trailers on;
            proxy_set_header X-Set mine; proxy_set_header X-None ""; }
        location /stream { proxy_pass http://$to; proxy_pass_trailers on;
            proxy_request_buffering off; }
        location /off { proxy_pass http://$to; }
        location /body { proxy_pass http://$to; proxy_pass_trailers on;
            proxy_set_body other; }
        location /grpc { grpc_pass $to; }
    }
}
EOC

# The heads that the upstream got since the last call, as [flags, field, ...].
my $seen = 0;
my %hpack;
sub heads {
    my @all = Weir::H2Peer::frames($peer, 'HEADERS');
    my @new = splice @all, $seen;

    $seen += @new;
    return map {
        my $h = $hpack{ $_->{conn} } //= Weir::Hpack->new;
        [$_->{flags} & 1, $h->decode($_->{bytes})]
    } @new;
}

my $c = Weir::H2->new(port => $t->port);

# trailers($path, $body, name => value ...): what comes of them.
sub trailers {
    my ($path, $body, @trailers) = @_;
    my $s = $c->wait($c->request('POST', $path, body => $body,
        trailers => \@trailers));
    my @heads = heads();

    is $s->{status}, 200, "$path: a response";
    is $s->{body}, 'got ' . length($body), "$path: the body" if $path ne '/body';
    return undef if @heads != 2;
    ok !$heads[0][0] && $heads[1][0], "$path: they end the stream";
    return [@{ $heads[1] }[1 .. $#{ $heads[1] }]];
}

for my $path ('/', '/stream', '/grpc') {
    is_deeply trailers($path, 'body', 'x-a' => 'one', 'x-b' => 'two'),
        ['x-a', 'one', 'x-b', 'two'], "$path: trailers";
    is_deeply trailers($path, '', 'x-a' => 'one'), ['x-a', 'one'],
        "$path: behind an empty body";
    is_deeply trailers($path, 'x' x 50_000, 'x-a' => 'one'), ['x-a', 'one'],
        "$path: behind a large body";
    is_deeply trailers($path, 'body', 'x-a' => 'one', host => 'evil',
        'content-length' => 9, authorization => 'x', cookie => 'a=b', te => 'x',
        'content-type' => 'a/b', 'x-forwarded-for' => '1.2.3.4', trailer => 'y'),
        ['x-a', 'one'], "$path: none that steers the request";
}
is_deeply trailers('/', 'body', 'x-set' => 'a', 'x-none' => 'b', 'x-a' => 'one'),
    ['x-a', 'one'], 'none that gets round proxy_set_header';
is trailers('/off', 'body', 'x-a' => 'one'), undef, 'proxy_pass_trailers off';
is trailers('/body', 'body', 'x-a' => 'one'), undef, 'proxy_set_body';
is trailers('/grpc', 'body', host => 'evil'), undef, 'none is left';

my $s = $c->wait($c->request('POST', '/', body => 'b', trailers => ['x-a' => "1\r\n2"]));
isnt $s->{status}, 200, 'an invalid one';
heads();

for my $path ('/', '/stream', '/grpc') {
    my $r = $t->connect;
    $r->send("POST $path HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        . "4\r\nbody\r\n0\r\nX-A: one\r\nHost: evil\r\n\r\n");
    is $r->read_response->body, 'got 4', "$path: from HTTP/1";
    my @heads = heads();
    is_deeply [@{ $heads[1] // [] }], [1, 'x-a', 'one'], "$path: trailers";
}
done_testing;
