# SPDX-License-Identifier: BSD-2-Clause
#
# grpc_pass for clients of HTTP/1: gRPC-Web (grpc_web), failures in the form of
# gRPC (grpc_errors), deadlines (grpc-timeout), and headers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64 decode_base64);
use Weir::H2Peer;
use Weir::Node;
use Weir::Test;

need_node('@grpc/grpc-js');
Test::More::plan(skip_all => 'of weir') if is_oracle();

my @head = (':status' => 200, 'content-type' => 'application/grpc+x');
my %peer = (
    # a message, then nothing
    hangs => Weir::H2Peer->start(sub {
        my ($p, $s) = @_;
        $p->head($s->{id}, 0, @head);
        $p->data($s->{id}, pack('CN', 0, 2) . 'ab');
    }),
    # a message, then the end of the connection
    dies => Weir::H2Peer->start(sub {
        my ($p, $s) = @_;
        $p->head($s->{id}, 0, @head);
        $p->data($s->{id}, pack('CN', 0, 2) . 'ab');
        select undef, undef, undef, 0.2;
        $p->close;
    }),
    # a message, and a half
    half => Weir::H2Peer->start(sub {
        my ($p, $s) = @_;
        $p->head($s->{id}, 0, @head);
        $p->data($s->{id}, pack('CN', 0, 2) . 'ab' . pack('CN', 0, 2) . 'c');
        select undef, undef, undef, 0.2;
        $p->close;
    }),
    resets => Weir::H2Peer->start(sub {
        my ($p, $s) = @_;
        $p->head($s->{id}, 0, @head);
        $p->reset($s->{id}, 2);
    }),
    silent => Weir::H2Peer->start(sub { }),
    only => Weir::H2Peer->start(sub {
        my ($p, $s) = @_;
        $p->head($s->{id}, 1, @head, 'grpc-status' => 5,
                 'grpc-message' => 'none');
    }),
    pieces => Weir::H2Peer->start(sub {
        my ($p, $s) = @_;
        $p->head($s->{id}, 0, @head);
        $p->data($s->{id}, $_) for split //, pack('CN', 0, 3) . 'abc';
        $p->head($s->{id}, 1, 'grpc-status' => 0);
    }),
);
my $conf = join '', map {
    "location /$_/ { grpc_pass 127.0.0.1:" . $peer{$_}->port . "; }\n"
} keys %peer;

my $t = Weir::Test->new;
start_instance('grpc.js', one => $t->port('up'));
$t->run(<<"EOC");
%%HTTP%%
    upstream up { server 127.0.0.1:%%PORT_up%%; keepalive 4; }
    map \$http_x_to \$to { default up; secure grpcs://up; plain grpc://up; }
    add_header X-Stat \$upstream_status always;
    server {
        listen 127.0.0.1:%%PORT%%;
        grpc_web on;
        location / { grpc_pass grpc://up; }
        location /dead/ { grpc_pass grpc://127.0.0.1:%%PORT_dead%%; }
        location /off/ { grpc_errors off;
            grpc_pass grpc://127.0.0.1:%%PORT_dead%%; }
        location /page/ { error_page 502 = /page.html;
            grpc_pass grpc://127.0.0.1:%%PORT_dead%%; }
        location = /page.html { internal; add_header grpc-status 3;
            default_type application/grpc; return 204; }
        location /slow/ { grpc_read_timeout 200ms;
            grpc_pass 127.0.0.1:$peer{silent}{port}; }
        location /auth/ { auth_basic a; auth_basic_user_file none;
            grpc_pass up; }
        location /variable/ { grpc_pass \$to; }
        $conf
    }
    server {
        listen 127.0.0.1:%%PORT_none%%;
        location / { grpc_pass up; }
    }
}
EOC

sub message { return pack('CN', 0, length $_[0]) . $_[0] }

# The messages of a body: [flags, bytes], ...
sub messages {
    my ($bytes) = @_;
    my @list;

    while (length $bytes >= 5) {
        my ($flags, $n) = unpack 'CN', substr $bytes, 0, 5, '';
        push @list, [$flags, substr $bytes, 0, $n, ''];
    }
    push @list, ['rest', $bytes] if length $bytes;
    return \@list;
}

sub call {
    my ($uri, $type, $body, @fields) = @_;

    return $t->request('POST', $uri, body => $body,
                       headers => ['Content-Type' => $type, @fields]);
}

# Base64 in pieces, each with its own padding.
sub decode { return join '', map { decode_base64($_) } $_[0] =~ /([^=]+=*)/g }

# ---- gRPC-Web ----

my $r = call('/t.T/Unary', 'application/grpc-web+proto', message('hello'));
is $r->status, 200, 'a call';
is $r->header('Content-Type'), 'application/grpc-web+proto', 'its type';
my $list = messages($r->body);
is_deeply $list->[0], [0, 'hello'], 'the message';
is $list->[1][0], 0x80, 'the trailers are a message';
like $list->[1][1], qr/^grpc-status: 0\r\n/m, 'with grpc-status';
like $list->[1][1], qr/^x-name: one\r\n/m, 'and what else there is';
is @$list, 2, 'no more';

$r = call('/t.T/Unary', 'application/grpc-web-text',
          encode_base64(message('hello you'), ''));
like $r->header('Content-Type'), qr{^application/grpc-web-text}, 'text: its type';
$list = messages(decode($r->body));
is_deeply $list->[0], [0, 'hello you'], 'text: the message';
like $list->[1][1], qr/^grpc-status: 0\r\n/m, 'text: the trailers';

my $big = join '', map { chr($_ * 7 % 256) } 1 .. 300_000;
$r = call('/t.T/Unary', 'application/grpc-web-text',
          encode_base64(message($big), ''));
ok messages(decode($r->body))->[0][1] eq $big, 'text: a large message';
$r = call('/t.T/Unary', 'application/grpc-web', message($big));
ok messages($r->body)->[0][1] eq $big, 'a large message';

# Each part of the text may have padding of its own.
my $m = message('in parts');
my $c = $t->connect;
$c->send("POST /t.T/Unary HTTP/1.1\r\nHost: a\r\n"
         . "Content-Type: application/grpc-web-text+proto\r\n"
         . "Transfer-Encoding: chunked\r\n\r\n");
for my $part (map { encode_base64($_, '') } $m =~ /(.{1,4})/gs) {
    $c->send(sprintf "1\r\n%s\r\n", $_) for split //, $part;
    select undef, undef, undef, 0.005;
}
$c->send("0\r\n\r\n");
$r = $c->read_response;
is_deeply messages(decode($r->body))->[0], [0, 'in parts'],
    'text that comes in pieces';

for my $bad ('a', 'abc', 'ab=c', '=abc', 'ab*d', 'abcd====') {
    my $r = call('/t.T/Unary', 'application/grpc-web-text', $bad);
    is $r->header('grpc-status'), 13, "invalid text: $bad";
}
$r = call('/t.T/Server', 'application/grpc-web', message('x'), count => 3);
is_deeply [map { $_->[1] } @{ messages($r->body) }[0 .. 2]],
    ['0 x', '1 x', '2 x'], 'a stream';
$r = call('/t.T/Unary', 'application/grpc-web', message('x'), fail => 5);
like messages($r->body)->[-1][1] // '', qr/^grpc-status: 5\r\n/m, 'a failure'
    if !defined $r->header('grpc-status');
is_deeply messages(decode(call('/pieces/', 'application/grpc-web-text',
                               '')->body)),
    [[0, 'abc'], [0x80, "grpc-status: 0\r\n"]], 'text: small pieces';
$r = call('/only/', 'application/grpc-web', '');
is $r->header('grpc-status'), 5, 'trailers only: in the head';
is $r->body, '', 'and no message';
$r = Weir::HTTP->new(port => $t->port('none'));
$r->send_request('POST', '/t.T/Unary', body => message('x'),
                 headers => ['Content-Type' => 'application/grpc-web+proto']);
$r = $r->read_response;
is $r->trailer('grpc-status'), 0, 'without grpc_web: trailers';
is $r->header('Content-Type'), 'application/grpc+proto', 'and no other type';

# ---- failures ----

for my $type ('application/grpc', 'application/grpc+proto',
              'application/grpc-web+proto', 'application/grpc-web-text') {
    my $r = call('/dead/', $type, '');
    is $r->status, 200, "$type: the upstream is dead";
    is $r->header('grpc-status'), 14, "$type: grpc-status";
    is $r->header('grpc-message'), 'Bad Gateway', "$type: grpc-message";
    is $r->header('Content-Type'), $type, "$type: its type";
    is $r->body, '', "$type: no page";
}
is $r = call('/dead/', 'text/plain', '')->status, 502, 'another client: a page';
is call('/dead/', 'application/grpcx', '')->status, 502, 'another type';
is call('/off/', 'application/grpc', '')->status, 502, 'grpc_errors off';
$r = call('/page/', 'application/grpc', '');
is $r->status, 204, 'error_page comes first';
is $r->header('grpc-status'), 3, 'with its fields';
is call('/slow/', 'application/grpc', '')->header('grpc-status'), 14,
    'grpc_read_timeout';
is call('/auth/', 'application/grpc', '')->header('grpc-status'), 16,
    'auth_basic';

# ---- deadlines ----

for my $timeout ('100m', '100000u', '99999999n') {
    my $r = call('/silent/', 'application/grpc', '',
                 'grpc-timeout' => $timeout);
    is $r->header('grpc-status'), 4, "no response in $timeout";
}
is call('/t.T/Unary', 'application/grpc', message('x'),
        'grpc-timeout' => $_)->status, 200, "in time: $_"
    for '1H', '20M', '30S', '99999999S', '1', 'x', '0x1S', '123456789m';
$r = call('/hangs/', 'application/grpc', '', 'grpc-timeout' => '200m');
is $r->body, message('ab'), 'a response that hangs';
is $r->trailer('grpc-status'), 4, 'ends with trailers';
$r = call('/dies/', 'application/grpc', '');
is $r->body, message('ab'), 'a response that breaks off';
is $r->trailer('grpc-status'), 14, 'as well';
ok !call('/dies/', 'application/x', '')->complete, 'not for others';

# What a browser can see of it is a message.
for my $case (['dies', 14], ['hangs', 4]) {
    my ($name, $status) = @$case;
    for my $type ('application/grpc-web+proto', 'application/grpc-web-text') {
        my $r = call("/$name/", $type, '',
            $status == 4 ? ('grpc-timeout' => '300m') : ());
        my $list = messages($type =~ /text/ ? decode($r->body) : $r->body);
        ok $r->complete, "/$name/, $type: the end of a response";
        is_deeply $list->[0], [0, 'ab'], "/$name/, $type: the message";
        is $list->[1][0], 0x80, "/$name/, $type: trailers";
        like $list->[1][1], qr/^grpc-status: $status\r\ngrpc-message: /,
            "/$name/, $type: grpc-status";
        is @$list, 2, "/$name/, $type: no more";
    }
}
for my $type ('application/grpc-web', 'application/grpc-web-text') {
    ok !call('/half/', $type, '')->complete,
        "$type: what breaks off within a message is cut";
    my $r = call('/resets/', $type, '');
    my $list = messages($type =~ /text/ ? decode($r->body) : $r->body);
    is_deeply [map { $_->[0] } @$list], [0x80], "$type: reset behind the head";
}

# ---- targets ----

is call('/t.T/Unary', 'application/grpc', message('x'))->trailer('grpc-status'),
    0, 'gRPC over HTTP/1';
is call('/variable/t', 'application/grpc', '', 'X-To' => $_)->header('X-Stat'),
    200, "a variable: $_" for 'up', 'plain';
is call('/variable/t', 'application/grpc', '',
        'X-To' => 'secure')->header('grpc-status'), 14, 'TLS that is none';
done_testing;
