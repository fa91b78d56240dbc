# SPDX-License-Identifier: BSD-2-Clause
#
# Whoever cuts a body into chunks of one byte, or sends fields by thousands,
# costs no more memory and time than the bytes that he sends.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Socket qw(SOL_SOCKET SO_RCVBUF);
use Time::HiRes qw(sleep time);
use Weir::Test;

my $chunks = "1\r\nx\r\n" x 10_000;

my $backend = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my ($what, $n) = $request->uri =~ m{^/(\w+)/(\d+)$};
    my $head = "HTTP/1.1 200 OK\r\n";

    if ($what eq 'chunks') {
        $c->send("${head}Transfer-Encoding: chunked\r\n\r\n");
        for (1 .. $n) {
            $c->send($chunks) or last;
        }
        $c->send("0\r\n\r\n");
        $c->close;
        return undef;
    }
    return $head . "TE: a\r\n" x ($n - 1) . "Content-Length: 2\r\n\r\nok"
        if $what eq 'fields';
    return "${head}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
        . "TE:\r\n" x $n . "\r\n";
});
my $up = 'http://127.0.0.1:' . $backend->port;

my $t = Weir::Test->new->run(<<"EOC");
%%GLOBALS%%
worker_processes 1;
events { worker_connections 200; }
http {
%%GLOBALS_HTTP%%
    proxy_http_version 1.1;
    server {
        listen 127.0.0.1:%%PORT%% rcvbuf=64k sndbuf=16k;
        client_max_body_size 10m;
        client_body_buffer_size 1m;
        location / { proxy_pass $up; proxy_max_temp_file_size 0;
                     proxy_buffer_size 256k; proxy_buffers 8 256k;
                     proxy_busy_buffers_size 256k; }
        location /small/ { proxy_pass $up/; proxy_max_temp_file_size 0; }
    }
}
EOC
my ($worker) = ($t->get('/fields/2'), $t->worker_pids)[-1];

sub megabytes {
    return ($t->read("/proc/$worker/status") =~ /^VmRSS:\s+(\d+)/m)[0] / 1024;
}

# ---- chunks of one byte ----

SKIP: {
    skip 'memory under a sanitizer', 2 if $ENV{ASAN_OPTIONS};
    my $before = megabytes();
    my @busy = map { $t->connect } 1 .. 6;
    for my $c (@busy) {
        $c->send("POST /chunks/1 HTTP/1.1\r\nHost: a\r\n"
                 . "Transfer-Encoding: chunked\r\n\r\n");
        $c->send($chunks) for 1 .. 10;
    }
    sleep 0.5;
    cmp_ok megabytes() - $before, '<', 6, 'of requests: 600 kB each';

    $before = megabytes();
    my @lazy;
    for (1 .. 10) {
        my $c = $t->connect;
        setsockopt $c->socket, SOL_SOCKET, SO_RCVBUF, 4096;
        $c->send("GET /small/chunks/100 HTTP/1.0\r\n\r\n");
        push @lazy, $c;
    }
    sleep 1;
    cmp_ok megabytes() - $before, '<', 10, 'of responses that nobody reads';
}
my $r = $t->get('/small/chunks/10', version => '1.0');
is $r->body, 'x' x 100_000, 'all bytes arrive';

# ---- fields ----

sub post_trailers {
    my ($n) = @_;
    my $c = $t->connect;

    $c->send("POST /fields/2 HTTP/1.1\r\nHost: a\r\n"
             . "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
             . "TE:\r\n" x $n . "\r\n");
    return $c->read_response->status;
}

is post_trailers(900), 200, 'trailers of a request';
is $t->get('/fields/4000')->status, 200, 'fields of a response';
is $t->get('/trailers/4000')->body, 'ok', 'trailers of a response';
SKIP: {
    skip 'an nginx has no limits', 6 if is_oracle();
    is post_trailers(1001), 400, 'as many trailers as fields';
    ok $t->wait_log(qr/\[info\] .*client sent too many trailer lines/),
        'the log';
    is $t->get('/fields/5000')->status, 502, 'too many fields of a response';
    ok $t->wait_log(qr/upstream sent too many header lines while reading /),
        'the log';
    ok !$t->get('/trailers/5000')->complete, 'too many trailers: cut';
    ok $t->wait_log(qr/upstream sent too many trailer lines while reading /),
        'the log';
}
is $t->get('/fields/2')->body, 'ok', 'still there';
is join(' ', $t->worker_pids), $worker, 'the same worker';
done_testing;
