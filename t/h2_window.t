# SPDX-License-Identifier: BSD-2-Clause
#
# HTTP/2: while the window of the connection is closed, because nobody reads a body
# that has come, the time of the other bodies does not pass: their client may not
# send.  It passes again when the window is open.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(time);
use Weir::Backend;
use Weir::H2 qw(frame);
use Weir::Test;

plan skip_all => 'windows of weir' if is_oracle();
need_module('http_v2');
need_module('http_proxy');

my $t = Weir::Test->new;
$t->write('go', '');
my $go = $t->dir . '/go';
# Reads nothing until it may.
my $backend = Weir::Backend->tcp(sub {
    my ($c) = @_;
    $c->read_until(qr/\r\n\r\n/);
    wait_until(sub { -s $go }, 60);
    while ($c->fill(time + 20)) {
        $c->{in} = substr $c->{in}, -16 if length $c->{in} > 16;
        last if $c->{in} =~ /end\r\n0\r\n\r\n\z/;
    }
    $c->send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
});
$t->run(<<"EOC");
%%HTTP%%
    http2_body_preread_size 16777216;
    client_max_body_size 0;
    client_body_timeout 700ms;
    server {
        listen 127.0.0.1:%%PORT%%;
        http2 on;
        location /unread { proxy_request_buffering off; proxy_http_version 1.1;
                           client_body_timeout 60s; proxy_send_timeout 60s;
                           proxy_pass http://127.0.0.1:${\ $backend->port}; }
        location /read { proxy_pass http://127.0.0.1:%%PORT_b%%; }
        location /rate { client_min_rate 1m/s after=300ms; client_body_timeout 60s;
                         proxy_pass http://127.0.0.1:%%PORT_b%%; }
    }
    server {
        listen 127.0.0.1:%%PORT_s%%;
        http2 on;
        http2_body_preread_size 0;
        location / { client_body_timeout 60s; proxy_pass http://127.0.0.1:%%PORT_b%%; }
    }
    server {
        listen 127.0.0.1:%%PORT_d%%;
        http2 on;
        http2_body_preread_size 64k;
        location /done { return 200 "done"; }
        location /soon { lingering_timeout 200ms; return 200 "done"; }
        location /ever { lingering_time 1s; return 200 "done"; }
    }
    server { listen 127.0.0.1:%%PORT_b%%; location / { return 200 "fine"; } }
}
EOC

my $c = Weir::H2->new(port => $t->port, timeout => 60);
$c->ping;
my %sent = map { $c->request('POST', '/unread', open => 1) => 0 } 1, 2;
my @unread = keys %sent;
my $window = sub { my ($id, $first) = @_; $first + ($c->stream($id)->{window} // 0) };
my $sent = 0;
my $left = sub { $window->(0, 65535) - $sent };
# Frames until the window is used up, and no more is opened.
do {
    for my $id (@unread) {
        while ((my $n = $left->()) > 0) {
            my $own = $window->($id, 16777216) - $sent{$id};
            $n = $own if $n > $own;
            last if $n <= 0;
            $n = 16384 if $n > 16384;
            $c->raw(frame(0, 0, $id, 'x' x $n));
            $sent += $n;
            $sent{$id} += $n;
        }
    }
    $c->ping;
} while $left->() > 0 && !$c->eof;
cmp_ok $sent, '>', 16_000_000, 'the window of the connection is closed';

my @bodies = map { $c->request('POST', $_, open => 1) } '/read', '/rate';
my $end = time + 2;
$c->take($end - time) while time < $end && !$c->eof;
is $c->stream($_)->{done}, undef, 'a body that cannot be sent is waited for' for @bodies;

$t->write('go', 'now');
ok $c->until(sub { $left->() > 100 }), 'the window is open again';
$c->raw(frame(0, 1, $bodies[0], 'end'));
is $c->wait($bodies[0])->{status}, 200, 'the rest of one comes';
$end = time;
$c->wait($bodies[1]);
isnt $c->stream($bodies[1])->{status} // 0, 200, 'that of the other does not';
cmp_ok time - $end, '<', 30, 'which ends it';
$c->raw(frame(0, 1, $_, 'end')) for @unread;
is $c->wait($_)->{status}, 200, 'what nobody read is read' for @unread;
is scalar(grep { /sends slower than client_min_rate/ } $t->log), 1, 'the log names the slow one';

my $other = $c->request('POST', '/read', open => 1);
$c->wait($other);
isnt $c->stream($other)->{status} // 0, 200, 'time passes where the window is open';

# ---- a client that sends before it has taken SETTINGS, with smaller windows

my $small = Weir::H2->new(port => $t->port('s'), timeout => 10, quiet => 1);
my $early = $small->request('POST', '/', open => 1);
$small->raw(frame(0, 0, $early, 'x' x 16383)) for 1 .. 4;
ok $small->until(sub { $small->stream($early)->{window} }),
    'a first part is read';
$small->raw(frame(4, 1, 0, ''));
ok $small->until(sub { ($small->stream($early)->{window} // 0) > 65535 }),
    'SETTINGS are taken: there is a window for more';

# ---- what is left of a body behind the response is dropped

my $d = Weir::H2->new(port => $t->port('d'), timeout => 10);

sub over {
    my ($path) = @_;
    my $id = $d->request('POST', $path, open => 1);

    $d->wait($id);
    return ($id, $d->stream($id));
}

my ($id, $s) = over('/done');
is $s->{body}, 'done', 'a response that does not wait for the body';
for my $n (1 .. 20) {
    $d->raw(frame(0, 0, $id, 'x' x 16000));
    $d->until(sub { 65536 + ($s->{window} // 0) >= ($n + 1) * 16000 }) or last;
}
cmp_ok $s->{window} // 0, '>', 200_000, 'and the client may go on';
$d->raw(frame(0, 1, $id, 'end'));
ok $d->ping, 'to its end';
is $s->{reset}, undef, '... and is not reset';

($id, $s) = over('/soon');
ok $d->until(sub { defined $s->{reset} }), 'one that sends no more is reset';
is $s->{reset}, 0, '... NO_ERROR';

($id, $s) = over('/ever');
for (1 .. 200) {
    $d->raw(frame(0, 0, $id, 'x'));
    last if $d->until(sub { defined $s->{reset} }, 0.1);
}
is $s->{reset}, 0, 'and one that goes on for too long';

done_testing;
