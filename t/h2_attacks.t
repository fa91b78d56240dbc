# SPDX-License-Identifier: BSD-2-Clause
#
# HTTP/2 clients that only cost the server something: floods of frames, streams
# that are reset, heads that are bombs, windows that stay closed.  Each ends with
# ENHANCE_YOUR_CALM (or its stream ends), one line in the log that names it, and
# costs next to nothing; other clients do not notice.
#
# With TEST_SOAK there are 100,000 frames of each kind, and limits that let them
# through, so that what is measured is what they cost.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use Time::HiRes qw(time sleep);
use Weir::H2 qw(frame);
use Weir::Processes qw(children);
use Weir::Test;

plan skip_all => 'limits of weir' if is_oracle();
need_module('http_v2');

my $soak = $ENV{TEST_SOAK};
my $frames = $soak ? 100_000 : 6_000;
my $never = join ' ', map { "$_=1000000000" } qw(resets refused continuations
    empty tiny pings settings window_updates priorities others);

my $t = Weir::Test->new;
my $backend = Weir::Backend->http(sub {
    my ($r) = @_;
    select undef, undef, undef, 2 if $r->uri =~ /hang/;
    return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
});
# Answers before it has the body, and at length.
my $both = Weir::Backend->tcp(sub {
    my ($c) = @_;
    $c->read_until(qr/\r\n\r\n/) // return;
    $c->send("HTTP/1.1 200 OK\r\n\r\n" . 'x' x 100000);
    $c->read_until(qr/never/);
});
$t->write('html/big', 'x' x 3_000_000);
$t->run(<<"EOC");
%%GLOBALS%%
events { worker_connections 1024; }
http {
    %%GLOBALS_HTTP%%
    access_log off;
    error_log %%TESTDIR%%/error.log warn;
    http2 on;
    keepalive_requests 1000000;
    server {
        listen 127.0.0.1:%%PORT%%;
        http2_limits tiny=1000;
        root %%TESTDIR%%/html;
        location / { return 200 "fine"; }
        location /read { client_max_body_size 0; proxy_pass http://127.0.0.1:%%PORT_open%%; }
        location /calls { client_max_body_size 0; grpc_pass grpc://127.0.0.1:%%PORT_open%%; }
        location /messages { client_max_body_size 0; proxy_http_version 2;
            proxy_request_buffering off; proxy_pass http://127.0.0.1:%%PORT_open%%/calls; }
        location /hang { proxy_pass http://127.0.0.1:${\ $backend->port}; }
        location /big { }
    }
    server {
        listen 127.0.0.1:%%PORT_open%%;
        http2_limits $never;
        max_headers 100;
        client_max_body_size 0;
        location /calls { proxy_pass http://127.0.0.1:%%PORT_open%%/; }
        location / { return 200 "fine"; }
    }
    server {
        listen 127.0.0.1:%%PORT_wide%%;
        http2_limits pings=3000;
        location / { return 200 "fine"; }
    }
    server {
        listen 127.0.0.1:%%PORT_strict%%;
        http2_limits pings=3;
        http2_max_concurrent_streams 10;
        location / { return 200 "fine"; }
    }
    server {
        listen 127.0.0.1:%%PORT_short%%;
        send_timeout 400ms;
        location /both { send_timeout 60s; client_body_timeout 500ms; proxy_request_buffering off;
                         proxy_http_version 1.1; proxy_pass http://127.0.0.1:${\ $both->port}; }
        root %%TESTDIR%%/html;
        location /big { }
    }
}
EOC

my ($worker) = children($t->pid);
$worker //= $t->pid;

sub cpu {
    my @stat = split ' ', $t->read("/proc/$worker/stat") =~ s/^.*\) //r;
    return ($stat[11] + $stat[12]) / 100;
}

sub memory { return $t->read("/proc/$worker/status") =~ /VmRSS:\s+(\d+)/ ? $1 : 0 }

# Memory of a sanitizer is another matter.
sub costs_less {
    my ($before, $most, $name) = @_;
    return pass "$name: with a sanitizer" if !lives_on();
    return cmp_ok memory() - $before, '<', $most, $name;
}

sub lines { my $log = $t->read('error.log'); return () = $log =~ /$_[0]/g }

my $good = Weir::Hpack::encode(':method', 'GET', ':scheme', 'http', ':path',
    '/', ':authority', 'a.test');
my $hang = Weir::Hpack::encode(':method', 'GET', ':scheme', 'http', ':path',
    '/hang', ':authority', 'a.test');

my $read = Weir::Hpack::encode(':method', 'POST', ':scheme', 'http', ':path',
    '/read', ':authority', 'a.test');

# What the n-th piece of each flood is; id is a stream's number.
my @floods = (
    ['rapid reset', sub { frame(1, 5, $_[0], $hang)
        . frame(3, 0, $_[0], pack 'N', 8) }],
    ['PING flood', sub { frame(6, 0, 0, 'xxxxxxxx') }],
    ['SETTINGS flood', sub { frame(4, 0, 0, pack 'nN', 4, 65535) }],
    ['flood of empty DATA or HEADERS frames', sub { frame(0, 0, 1) },
        frame(1, 4, 1, $good =~ s{/(?=.{18}$)}{/}sr)],
    ['flood of tiny DATA frames', sub { frame(0, 0, 1, 'x') },
        frame(1, 4, 1, $read)],
    ['flood of tiny DATA frames', sub { frame(0, 8, 1, pack 'Cax20', 20, 'x') },
        frame(1, 4, 1, $read)],
    ['WINDOW_UPDATE flood', sub { frame(8, 0, 0, pack 'N', 1) }],
    ['PRIORITY flood', sub { frame(2, 0, $_[0], pack 'NC', 0, 1) }],
    ['PRIORITY flood', sub { frame(16, 0, 0, pack('N', $_[0]) . 'u=1') }],
    ['flood of unknown frames', sub { frame(0x55, 0, 0, 'x') }],
    ['CONTINUATION flood', sub { frame(9, 0, 1, '') }, frame(1, 1, 1, $good)],
    ['streams that have to be reset', sub { frame(1, 4, $_[0], $good)
        . frame(8, 0, $_[0], pack 'N', 0x7fffffff)
        . frame(8, 0, $_[0], pack 'N', 0x7fffffff) }],
    ['streams that have to be reset', sub { frame(1, 5, $_[0],
        $good . Weir::Hpack::encode('Bad Name', 'x')) }],
);

sub flood {
    my ($c, $make, $start, $n) = @_;

    $c->raw($start) if defined $start;
    for (my $i = 0; $i < $n && !$c->eof; $i += 50) {
        $c->raw(join '', map { $make->(2 * ($i + $_) + 3) } 0 .. 49) or last;
        $c->take(0);
    }
}

for my $f (@floods) {
    my ($name, $make, $start) = @$f;
    my $before = lines(qr/closed: \Q$name\E/);
    my $c = Weir::H2->new(port => $t->port, quiet => 1);

    flood($c, $make, $start, 6000);
    ok $c->until_closed, "$name: the connection ends";
    # Where input is still on its way, a reset may overtake the answer.
    ok !defined $c->goaway || $c->goaway == 11, 'with ENHANCE_YOUR_CALM';
    ok wait_until(sub { lines(qr/closed: \Q$name\E/) > $before }), 'the log names it';
    is lines(qr/closed: \Q$name\E/) - $before, 1, 'once';
}

my $c = Weir::H2->new(port => $t->port('strict'));
ok $c->ping, 'a limit of its own';
$c->raw(frame(6, 0, 0, 'x' x 8) x 4);
ok $c->until_closed, 'is kept';
is $c->goaway, 11, 'ENHANCE_YOUR_CALM';

# Messages may be short, and so may the pieces of a body of which most are not.
$c = Weir::H2->new(port => $t->port);
for my $to (['/calls', 'grpc_pass'], ['/messages', 'proxy_pass by HTTP/2, as they come']) {
    my $call = $c->request('POST', $to->[0], open => 1);
    $c->ping;
    $c->raw(frame(0, 0, $call, 'x') x 100) for 1 .. 30;
    $c->raw(frame(0, 1, $call));
    is $c->wait($call)->{status}, 200, "3,000 short messages to $to->[1]";
}
my $body = $c->request('POST', '/read', open => 1);
$c->raw((frame(0, 0, $body, 'x') . frame(0, 0, $body, 'x' x 64)) x 100) for 1 .. 30;
$c->raw(frame(0, 1, $body));
is $c->wait($body)->{status}, 200, 'short pieces between others';
$c->close;

# nghttp2's own limit of a thousand is out of the way.
for my $kind (['PING', 6, 0, 'x' x 8], ['SETTINGS', 4, 0, '']) {
    my ($name, $type, $id, $payload) = @$kind;
    $c = Weir::H2->new(port => $t->port('open'));
    $c->ping;
    my $acks = sub { scalar grep { $_->[0] == $type && $_->[1] & 1 } @{ $c->{frames} } };
    my $before = $acks->();
    $c->raw(frame($type, 0, $id, $payload) x 3000);
    ok $c->until(sub { $acks->() - $before >= 3000 }), "3,000 times $name at once, as http2_limits says";
    $c->close;
}
$c = Weir::H2->new(port => $t->port('wide'), quiet => 1);
$c->raw(frame(6, 0, 0, 'x' x 8) x 3500);
ok $c->until_closed, 'more than http2_limits says';
is $c->goaway // 11, 11, 'are refused by it';
ok wait_until(sub { lines(qr/closed: PING flood.*:${\ $t->port('wide')}/) }), 'and named in the log';

# Who does not read is not answered, and costs no memory; nothing is lost.
$c = Weir::H2->new(port => $t->port('open'));
$c->ping;
my ($pings, $held, $pongs) = (frame(6, 0, 0, 'x' x 8) x 1000, memory(), $c->{pongs});
my $sent = 0;
$c->socket->blocking(0);
while ($sent < 30_000_000 && IO::Select->new($c->socket)->can_write(1)) {
    my $n = syswrite $c->socket, $pings, length($pings) - $sent % length $pings, $sent % length $pings;
    last if !$n && !$!{EAGAIN};
    $sent += $n // 0;
}
cmp_ok $sent, '<', 30_000_000, 'who reads nothing is not read either';
costs_less($held, 2048, 'and takes no memory');
$c->raw(substr $pings, $sent % 17, 17 - $sent % 17) if $sent % 17;
ok $c->until(sub { $c->{frames} = []; $c->{pongs} - $pongs >= int(($sent + 16) / 17) }, 60), 'nothing is lost';
$c->close;

# ---- too many streams in one go ------------------------------------------------

$c = Weir::H2->new(port => $t->port('strict'), quiet => 1);
$c->ping;
$c->raw(join '', map { frame(1, 5, 2 * $_ + 1, $good) . frame(3, 0, 2 * $_ + 1, pack 'N', 8) } 0 .. 500);
$c->until_closed;
ok $c->eof, 'more new streams than twice the limit at once';
ok wait_until(sub { lines(qr/too many streams at once/) }), 'are named in the log';

# ---- what useful work gives back ----------------------------------------------

$c = Weir::H2->new(port => $t->port);
my $ok = 0;
for my $i (1 .. 400) {
    my $id = $c->request('GET', '/hang');
    $c->raw(frame(3, 0, $id, pack 'N', 8));
    my @all = map { $c->request('GET', '/') } 1 .. 2;
    $c->wait(@all);
    $ok += grep { $c->stream($_)->{status} // 0 == 200 } @all;
    last if $c->eof;
}
is $ok, 800, 'a client that is also of use may reset streams';

# ---- heads that are bombs -------------------------------------------------------

# One field in the table, then a byte for each copy of it.
my $bomb = $good . "\x40\1a\1b" . "\xbe" x 16000;
$c = Weir::H2->new(port => $t->port, quiet => 1);
$c->ping;
my $rss = memory();
$c->raw(frame(1, 1, 1, substr $bomb, 0, 16384) . join('',
    map { frame(9, $_ == 6 ? 4 : 0, 1, "\xbe" x 16384) } 1 .. 6));
ok $c->until_closed, 'references to one short field';
ok !defined $c->goaway || $c->goaway == 11, 'are no request';
ok wait_until(sub { lines(qr/bomb of header fields|too large headers/) }), 'the log says so';
costs_less($rss, 1024, 'and they cost no memory');

$c = Weir::H2->new(port => $t->port('open'));
my $s = $c->get('/', headers => [map { (cookie => 'a=b') } 1 .. 101]);
is $s->{status}, 400, 'crumbs of a cookie count as fields';
$s = $c->get('/', headers => [map { (cookie => 'a=b') } 1 .. 100]);
is $s->{status}, 200, 'as many as max_headers says';
$s = $c->get('/', headers => [map { ("x$_" => 'b') } 1 .. 101]);
is $s->{status}, 400, 'as all others';

# ---- windows that stay closed ------------------------------------------------------

$c = Weir::H2->new(port => $t->port, settings => [4 => 0], closed => 1);
$c->ping;
$rss = memory();
$c->raw(join '', map { frame(1, 5, 2 * $_ + 1, Weir::Hpack::encode(':method',
    'GET', ':scheme', 'http', ':path', '/big', ':authority', 'a.test')) } 0 .. 127);
$c->ping;
$c->ping;
costs_less($rss, 2048, '128 answers that nobody takes');
$c->close;

# Drips do not move the deadline.
$c = Weir::H2->new(port => $t->port('short'), settings => [4 => 1], closed => 1);
my $id = $c->request('GET', '/big');
my $end = time + 8;
while (time < $end && !$c->stream($id)->{done} && !$c->eof) {
    $c->raw(frame(8, 0, $id, pack 'N', 1));
    $c->take(0.05);
}
ok $c->stream($id)->{done} || $c->eof, 'a window that opens by one byte at a time';
isnt $c->stream($id)->{reset}, undef, 'resets the stream';

# Nor do they move that of a body which does not come, though the request goes on.
$c = Weir::H2->new(port => $t->port('short'), settings => [4 => 1], closed => 1);
$id = $c->request('POST', '/both', open => 1, headers => ['content-length' => 10]);
$end = time + 8;
while (time < $end && !$c->stream($id)->{done} && !$c->eof) {
    $c->raw(frame(8, 0, $id, pack 'N', 20));
    $c->take(0.05);
}
isnt $c->stream($id)->{reset}, undef, 'an answer that is read does not spare its request';

# ---- what they cost -------------------------------------------------------------------

for my $f (@floods) {
    my ($name, $make, $start) = @$f;
    next if $name =~ /rapid|reset/ && !$soak;
    my $c = Weir::H2->new(port => $t->port('open'), quiet => 1);
    my $other = Weir::H2->new(port => $t->port);
    $c->ping;
    $other->get('/');
    my ($cpu, $rss) = (cpu(), memory());

    flood($c, $make, $start, $frames);
    is $other->get('/')->{status}, 200, "$name: another client is served";
    cmp_ok cpu() - $cpu, '<', 2, "$frames frames cost little time";
    costs_less($rss, 1024, 'and memory');
    $c->close;
    $other->close;
}

$c = Weir::H2->new(port => $t->port);
is $c->get('/')->{status}, 200, 'the server is well';

done_testing;
