# SPDX-License-Identifier: BSD-2-Clause
#
# WebSockets over HTTP/2 (RFC 8441): to an upstream that speaks HTTP/1.1, by
# proxy_upgrade and by the headers that nginx.conf files have for it; both ways,
# large, ended by either side; what is refused.  Priorities (RFC 9218): which
# response goes first.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::H2 qw(frame);
use Weir::Test;

plan skip_all => 'not in nginx' if is_oracle();
need_module('http_v2');

my $t = Weir::Test->new;
my $backend = Weir::Backend->http(sub {
    my ($r, $c) = @_;

    return "HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nnope"
        if $r->uri =~ /refuse/ || ($r->header('Upgrade') // '') ne 'websocket';
    my $key = length($r->header('Sec-WebSocket-Key') // '');
    $c->send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        . "Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\nX-Key: $key\r\n"
        . 'X-Method: ' . $r->method . "\r\n\r\n");
    if ($r->uri =~ /bye/) {
        $c->send('bye');
        $c->close;
        return undef;
    }
    while (sysread $c->socket, my $bytes, 65536) {
        $c->send($bytes) or last;
    }
    $c->close;
    return undef;
});
$t->write('html/big', 'x' x 3_000_000);
$t->write('html/small', 'y' x 300_000);
$t->run(<<"EOC");
%%GLOBALS%%
events {}
http {
    %%GLOBALS_HTTP%%
    log_format w '\$request|\$status|\$upstream_status';
    access_log %%TESTDIR%%/w.log w;
    server {
        listen 127.0.0.1:%%PORT%%;
        http2 on;
        server_name a.test;
        root %%TESTDIR%%/html;
        location /auto { proxy_pass http://127.0.0.1:${\ $backend->port}; proxy_http_version 1.1; }
        location /old {
            proxy_pass http://127.0.0.1:${\ $backend->port};
            proxy_http_version 1.1;
            proxy_set_header Upgrade \$http_upgrade;
            proxy_set_header Connection "upgrade";
        }
        location /plain { return 200 "\$request_method \$http_upgrade"; }
    }
}
EOC

sub ask {
    my ($c, $path, @more) = @_;

    return $c->fields([':method', 'CONNECT', ':protocol', 'websocket',
        ':scheme', 'http', ':path', $path, ':authority', 'a.test',
        'sec-websocket-version', 13, @more], open => 1);
}

my $c = Weir::H2->new(port => $t->port);
$c->ping;
is $c->{got_settings}{8}, 1, 'the setting says that this may be asked';

for my $path ('/auto', '/old') {
    my $id = ask($c, $path);
    my $s = $c->stream($id);
    $c->until(sub { $s->{status} });
    is $s->{status}, 200, "$path: a tunnel";
    is $c->value($s, 'x-method'), 'GET', 'HTTP/1.1 asks with GET';
    is $c->value($s, 'x-key'), 24, 'and a key';
    is $c->value($s, 'sec-websocket-accept'), undef, 'whose answer is of HTTP/1.1';
    is $c->value($s, 'connection'), undef, 'as is Connection';
    $c->send(0, 0, $id, 'hello');
    $c->until(sub { $s->{body} eq 'hello' });
    is $s->{body}, 'hello', 'bytes go there and back';
    is $c->get('/plain')->{status}, 200, 'beside other streams';

    my ($left, $i) = (1_000_000, 0);
    while ($left && !$s->{done}) {
        my $room = 65536 + ($s->{window} // 0) - 5 - $i;
        if ($room < 10000) {
            my $n = @{ $c->{frames} };
            $c->until(sub { @{ $c->{frames} } > $n }, 5) or last;
            next;
        }
        $c->send(0, 0, $id, 'z' x 10000);
        $i += 10000;
        $left -= 10000;
    }
    $c->until(sub { length $s->{body} == 1_000_005 });
    is length $s->{body}, 1_000_005, 'many';
    $c->send(0, 1, $id);
    ok $c->wait($id)->{done}, 'the client ends it, and so does the server';
}

my $id = ask($c, '/auto/bye');
my $s = $c->wait($id);
is "$s->{status} $s->{body}", '200 bye', 'the upstream ends it';
$id = ask($c, '/auto');
$c->until(sub { $c->stream($id)->{status} });
$c->send(3, 0, $id, pack 'N', 8);
ok $c->ping, 'the client resets it';
ok wait_until(sub { $t->read('w.log') =~ m{^CONNECT /auto HTTP/2.0\|200\|101$}m }),
    'lines of the log';

$s = $c->wait(ask($c, '/auto/refuse'));
is "$s->{status} $s->{body}", '403 nope', 'an upstream that does not want it';
$s = $c->wait(ask($c, '/plain'));
is "$s->{status} $s->{body}", '200 GET websocket', 'a location without one';
$s = $c->wait($c->fields([':method', 'CONNECT', ':protocol', 'other', ':scheme',
    'http', ':path', '/auto', ':authority', 'a.test'], open => 1));
is $s->{status}, 501, 'another protocol';
$s = $c->wait($c->fields([':method', 'GET', ':protocol', 'websocket', ':scheme',
    'http', ':path', '/auto', ':authority', 'a.test']));
is $s->{status}, 400, ':protocol without CONNECT';
$s = $c->wait($c->fields([':method', 'CONNECT', ':authority', 'a.test:80']));
is $s->{status}, 400, 'CONNECT alone';
$c->close;

# ---- priorities -------------------------------------------------------------------

# order(@requests): which of them ended first.  The windows open when all have
# been asked for.
sub order {
    my ($update, @asked) = @_;
    my $c = Weir::H2->new(port => $t->port, settings => [4 => 0], closed => 1);
    my @ids = map { $c->request('GET', $_->[0],
        headers => defined $_->[1] ? [priority => $_->[1]] : []) } @asked;

    $c->raw($update->(@ids)) if $update;
    $c->ping;
    $c->{order} = [];
    $c->raw(frame(8, 0, 0, pack 'N', 100_000_000)
        . frame(4, 0, 0, pack 'nN', 4, 10_000_000));
    $c->wait(@ids);
    my (%at, $n);
    for my $f (@{ $c->{frames} }) {
        $at{ $f->[2] } //= ++$n if $f->[0] == 0 && $f->[1] & 1;
    }
    # How much of the last one had come when the first one ended.
    my ($first) = grep { $at{$_} == 1 } @ids;
    my %got;
    for my $f (@{ $c->{frames} }) {
        next if $f->[0] != 0;
        $got{ $f->[2] } += length $f->[3];
        last if $f->[2] == $first && $f->[1] & 1;
    }
    $c->close;
    return (join(' ', map { $at{$_} } @ids),
        map { $got{$_} // 0 } @ids);
}

my ($order, @got) = order(undef, ['/small', 'u=5'], ['/small', 'u=1']);
is $order, '2 1', 'the more urgent one first';
cmp_ok $got[0], '<', 150_000, 'before most of the other';
($order) = order(undef, ['/big', 'u=3, i'], ['/small', 'u=3, i']);
is $order, '2 1', 'incremental ones share';
($order) = order(undef, ['/big'], ['/small']);
is $order, '2 1', 'as do those of whom nothing is said';
($order) = order(sub { frame(16, 0, 0, pack('N', $_[0]) . 'u=0') },
    ['/small', 'u=5'], ['/small', 'u=1']);
is $order, '1 2', 'PRIORITY_UPDATE';
($order) = order(undef, ['/small', 'u=5, u=9, x="'], ['/small', 'u=4']);
ok $order, 'nonsense does no harm';

done_testing;
