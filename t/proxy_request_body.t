# SPDX-License-Identifier: BSD-2-Clause
#
# Bodies from clients to upstreams: read first or passed on as they come, in
# every framing, replaced, left out, and answered too early.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use Time::HiRes qw(sleep time);
use Weir::Test;

my $big = join '', map { pack 'N', $_ } 1 .. 500_000;

my $backend = Weir::Backend->http(sub {
    my ($request) = @_;
    my $body = $request->body;
    my $text = join '|', $request->method,
        $request->header('Content-Length') // '-',
        $request->header('Transfer-Encoding') // '-',
        length $body, md5_hex($body);

    return "HTTP/1.1 200 OK\r\nContent-Length: " . length($text)
        . "\r\n\r\n$text";
});
# Answers before the body is there, and reads no more.
my $hasty = Weir::Backend->tcp(sub {
    my ($c) = @_;

    $c->read_until(qr/\r\n\r\n/);
    $c->send("HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n"
             . "Connection: close\r\n\r\nhasty");
    sleep 0.5;
});
# Tells when bytes come.
my $clock = Weir::Backend->tcp(sub {
    my ($c) = @_;
    my @at;

    $c->read_until(qr/\r\n\r\n/);
    for my $what ('one', 'two') {
        $c->read_until(qr/$what/);
        push @at, time;
    }
    my $text = sprintf '%.2f', $at[1] - $at[0];
    $c->send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n$text");
});
my ($up, $early, $watch) = map { $_->port } $backend, $hasty, $clock;

my $t = Weir::Test->new;
$t->run(<<"EOC");
%%HTTP%%
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    client_max_body_size 0;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /whole { proxy_pass http://127.0.0.1:$up;
                          client_body_buffer_size 8k; }
        location /stream { proxy_pass http://127.0.0.1:$up;
                           proxy_request_buffering off; }
        location /ten { proxy_pass http://127.0.0.1:$up;
                        proxy_http_version 1.0;
                        proxy_request_buffering off; }
        location /set { proxy_pass http://127.0.0.1:$up;
                        proxy_set_body "body of \$arg_a"; }
        location /not { proxy_pass http://127.0.0.1:$up;
                        proxy_pass_request_body off;
                        proxy_set_header Content-Length ""; }
        location /hasty { proxy_pass http://127.0.0.1:$early; }
        location /hastystream { proxy_pass http://127.0.0.1:$early;
                                proxy_request_buffering off; }
        location /clock { proxy_pass http://127.0.0.1:$watch;
                          proxy_request_buffering off; }
        location /late { proxy_pass http://127.0.0.1:$watch; }
        location /limited { proxy_pass http://127.0.0.1:$up;
                            client_max_body_size 1000;
                            proxy_request_buffering off; }
    }
}
EOC

sub told {
    my ($body, $length, $coding) = @_;

    return join '|', 'POST', $length // length $body, $coding // '-',
        length $body, md5_hex($body);
}

for my $n (0, 1, 1000, 8192, 100_000, 2_000_000) {
    my $body = substr $big, 0, $n;

    is $t->post('/whole', $body)->body, told($body), "whole: $n bytes";
    is $t->post('/stream', $body)->body, told($body), "stream: $n bytes";
    my @chunks = unpack '(a30000)*', $body;
    is $t->request('POST', '/whole', chunks => \@chunks)->body, told($body),
        "whole: $n bytes in chunks";
    like $t->request('POST', '/stream', chunks => \@chunks)->body,
        qr/^POST\|(-\|chunked|$n\|-)\|$n\|\Q${\ md5_hex($body) }\E$/,
        "stream: $n bytes in chunks";
    is $t->request('POST', '/ten', chunks => \@chunks)->body, told($body),
        "HTTP/1.0: $n bytes in chunks";
}
is $t->get('/whole')->body, join('|', 'GET', '-', '-', 0, md5_hex('')),
    'no body';
is $t->get('/set?a=b')->body, join('|', 'GET', 9, '-', 9, md5_hex('body of b')),
    'a body of our own';
is $t->post('/set?a=b', 'x' x 5000)->body, told('body of b'),
    'in place of another';
is $t->post('/not', 'x' x 5000)->body, told('', '-'), 'no body at all';

# ---- chunks that come late ----

my $c = $t->connect;
$c->send("POST /stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
         . "\r\n");
sleep 0.1;
$c->send("3\r\nabc\r\n");
sleep 0.1;
$c->send("2\r\nde\r\n0\r\n\r\n");
is $c->read_response->body, told('abcde', '-', 'chunked'), 'chunk by chunk';
$c->send("POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
is $c->read_response->body, told('abc'), 'and the connection stays';

sub delay {
    my ($uri) = @_;
    my $d = $t->connect;

    $d->send("POST $uri HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n"
             . "Connection: close\r\n\r\none");
    sleep 0.5;
    $d->send('two');
    return $d->read_response->body;
}

cmp_ok delay('/clock'), '>', 0.3, 'passed on as it comes';
cmp_ok delay('/late'), '<', 0.3, 'or as a whole';

# ---- answers before the end, refusals ----

for my $uri ('/hasty', '/hastystream') {
    my $r = $t->post($uri, 'x' x 10_000);
    is $r->status, 413, "$uri: the early answer";
    is $r->body, 'hasty', "$uri: and its body";
}
is $t->request('POST', '/limited', chunks => [('x' x 600) x 3])->status, 413,
    'too many chunks';
is $t->post('/whole', 'still')->body, told('still'), 'still there';

done_testing;
