# SPDX-License-Identifier: BSD-2-Clause
#
# Bodies from upstreams to clients: buffered in memory and temporary files or
# passed on at once, in every framing, to quick and to slow clients.

use strict;
use warnings;

use Compress::Zlib ();
use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep time);
use Weir::Test;

my $big = join '', map { pack 'N', $_ } 1 .. 1_000_000;

sub chunked {
    return join('', map { sprintf("%x\r\n", length $_) . "$_\r\n" } @_)
        . "0\r\n\r\n";
}

my $backend = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my ($kind, $n) = $request->uri =~ m{/(\w+)\?(\d+)$};
    my $body = substr $big, 0, $n // 0;
    my $ok = "HTTP/1.1 200 OK\r\n";

    if ($kind eq 'length') {
        return $ok . "Content-Length: $n\r\n\r\n$body";
    } elsif ($kind eq 'chunked') {
        return $ok . "Transfer-Encoding: chunked\r\n\r\n"
            . chunked(unpack '(a9000)*', $body);
    } elsif ($kind eq 'close') {
        $c->send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n$body");
        $c->close;
    } elsif ($kind eq 'short') {
        $c->send($ok . "Content-Length: " . ($n + 1) . "\r\n\r\n$body");
        $c->close;
    } elsif ($kind eq 'shortchunked') {
        $c->send($ok . "Transfer-Encoding: chunked\r\n\r\n"
            . sprintf("%x\r\n", $n) . "$body\r\n");
        $c->close;
    } elsif ($kind eq 'stall') {
        $c->send($ok . "Transfer-Encoding: chunked\r\n\r\n"
            . sprintf("%x\r\n", $n) . "$body\r\n");
        sleep Weir::Test::slow(4);
        $c->close;
    } elsif ($kind eq 'bytes') {
        $c->send_pieces($ok . "Content-Length: $n\r\n\r\n$body", 1, 0.002);
    } elsif ($kind eq 'events') {
        $c->send($ok . "Transfer-Encoding: chunked\r\n\r\n");
        for my $i (1 .. $n) {
            $c->send(sprintf("%x\r\n", length "event $i\n")
                     . "event $i\n\r\n");
            sleep 0.3;
        }
        $c->send("0\r\n\r\n");
    } elsif ($kind eq 'more') {
        return $ok . "Content-Length: $n\r\n\r\n$body" . 'extra';
    }
    return undef;
});
my $up = $backend->port;

my $t = Weir::Test->new;
$t->run(<<"EOC");
%%HTTP%%
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    server {
        listen 127.0.0.1:%%PORT%% sndbuf=32k;
        location /on/ { proxy_pass http://127.0.0.1:$up/; }
        location /off/ { proxy_pass http://127.0.0.1:$up/;
                         proxy_buffering off; }
        location /memory/ { proxy_pass http://127.0.0.1:$up/;
                            proxy_max_temp_file_size 0; }
        location /small/ { proxy_pass http://127.0.0.1:$up/;
                           proxy_buffers 2 4k; proxy_buffer_size 4k;
                           proxy_busy_buffers_size 4k;
                           proxy_temp_path %%TESTDIR%%/deep 1 2;
                           proxy_max_temp_file_size 64k; }
        location /file/ { proxy_pass http://127.0.0.1:$up/;
                          proxy_buffers 4 4k;
                          proxy_temp_path %%TESTDIR%%/deep 1 2; }
        location /rate/ { proxy_pass http://127.0.0.1:$up/;
                          proxy_limit_rate 20k; }
        location /gzip/ { proxy_pass http://127.0.0.1:$up/; gzip on;
                          gzip_types *; }
        location /stall/ { proxy_pass http://127.0.0.1:$up/;
                           proxy_read_timeout 1s; }
        location /stalloff/ { proxy_pass http://127.0.0.1:$up/;
                              proxy_read_timeout 1s; proxy_buffering off; }
        location /limited/ { proxy_pass http://127.0.0.1:$up/;
                             limit_rate 2m; }
        location /plain { return 200 ok; }
    }
}
EOC

# ---- sizes, framings ----

for my $how ('on', 'off', 'memory', 'small', 'file') {
    for my $kind ('length', 'chunked', 'close') {
        for my $n (0, 1, 1000, 4096, 70_000, 1_000_000) {
            my $r = $t->get("/$how/$kind?$n");
            ok $r->status == 200 && $r->body eq substr($big, 0, $n),
                "$how, $kind, $n bytes";
        }
    }
}
my $r = $t->get('/on/length?1000');
is $r->header('Content-Length'), 1000, 'the length is passed on';
is $r->header('Transfer-Encoding'), undef, 'and nothing else';
$r = $t->get('/on/chunked?1000');
is $r->header('Transfer-Encoding'), 'chunked', 'chunks become chunks';
$r = $t->get('/on/close?1000');
is $r->header('Transfer-Encoding'), 'chunked', 'so does an end by closing';
$r = $t->raw("GET /on/chunked?70000 HTTP/1.0\r\n\r\n");
is length $r->body, 70_000, 'HTTP/1.0 gets the bytes without frames';
is $r->header('Transfer-Encoding'), undef, 'and no coding';
is $t->head('/on/length?1000')->header('Content-Length'), 1000, 'HEAD';

is $t->get("/$_/bytes?40")->body, substr($big, 0, 40), "$_: byte by byte"
    for 'on', 'off';

# ---- slow clients ----

# slow($uri, $n): reads at a snail's pace at first.
sub slow {
    my ($uri, $n) = @_;
    my $c = $t->connect;

    $c->send("GET $uri HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    sleep 0.5;
    my $got = $c->read_response;
    ok $got->body eq substr($big, 0, $n), "$uri to a slow client";
}

slow('/on/length?4000000', 4_000_000);
slow('/off/length?4000000', 4_000_000);
slow('/memory/chunked?4000000', 4_000_000);
slow('/small/length?4000000', 4_000_000);
slow('/file/chunked?4000000', 4_000_000);
slow('/file/close?4000000', 4_000_000);
like join('', $t->log),
    qr{\[warn\] .* an upstream response is buffered to a temporary file },
    'temporary files are told of';
ok -d $t->path('deep'), 'folders of levels were made';
is scalar(grep { -f } glob $t->path('deep/*/*/*')), 0, 'and no file stays';

# ---- at once ----

my $c = $t->connect;
$c->send("GET /off/events?3 HTTP/1.1\r\nHost: a\r\n\r\n");
my $start = time;
my $first = $c->read_until(qr/event 1\n/);
cmp_ok time - $start, '<', 0.25, 'the first event comes at once';
$c->read_until(qr/event 2\n/);
cmp_ok time - $start, '<', 0.55, 'and so does the second';
$c->close;

# ---- what upstreams do wrong ----

for my $how ('on', 'off') {
    $r = $t->get("/$how/short?100");
    is $r->status, 200, "$how: cut short, the head was out";
    is $r->body, substr($big, 0, 100), "$how: and what came";
    ok !$r->complete, "$how: the client can tell";
    $r = $t->get("/$how/shortchunked?100");
    ok !$r->complete, "$how: cut short in chunks";
    $r = $t->get("/$how/more?10");
    is $r->body, substr($big, 0, 10), "$how: too much is cut off";
}
like join('', $t->log), qr/upstream prematurely closed connection while /,
    'cut short: told';

# What chunks hold that do not come to an end.
sub bytes_of {
    my ($r) = @_;
    my $rest = $r->raw =~ s/\A.*?\r\n\r\n//sr;
    my $bytes = '';

    return $rest if !defined $r->header('Transfer-Encoding');
    $bytes .= substr $rest, 0, hex $1, '' and $rest =~ s/\A\r\n//
        while $rest =~ s/\A([0-9a-f]+)\r\n//;
    return $bytes;
}

# cut($uri, $n): a client that is slow at first gets all that had come.
sub cut {
    my ($uri, $n) = @_;
    my $c = $t->connect;

    $c->send("GET $uri HTTP/1.1\r\nHost: a\r\n\r\n");
    sleep 0.2;
    my $got = $c->read_response;
    ok bytes_of($got) eq substr($big, 0, $n), "$uri: all that had come";
    ok !$got->complete, "$uri: and no mark of an end";
}

cut("/$_/shortchunked?3000000", 3_000_000)
    for 'on', 'off', 'memory', 'small', 'file';
cut("/$_/short?3000000", 3_000_000) for 'on', 'off', 'file', 'limited';
cut('/stall/stall?3000000', 3_000_000)
    if !Weir::Test::is_oracle();    # which forgets the last buffer
cut('/stalloff/stall?20000', 20_000);
like join('', $t->log), qr/upstream timed out \(110: .*while reading upstream/,
    'a timeout: told';
$r = $t->get('/gzip/shortchunked?3000000', headers => [
    'Accept-Encoding' => 'gzip' ]);
ok !$r->complete, 'compressed: no mark of an end';
ok scalar(Compress::Zlib::inflateInit(-WindowBits => 31)->inflate(bytes_of($r)))
    eq substr($big, 0, 3_000_000), 'compressed: all that had come';
like join('', $t->log), qr/upstream sent more data than specified in /,
    'too much: told';

# ---- proxy_limit_rate ----

$start = time;
$r = $t->get('/rate/length?60000');
ok $r->body eq substr($big, 0, 60_000), 'limited: all bytes';
cmp_ok time - $start, '>=', 1.5, 'limited: it took its time';

is $t->get('/plain')->body, 'ok', 'still there';
done_testing;
