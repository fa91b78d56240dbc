# SPDX-License-Identifier: BSD-2-Clause
#
# Reloads under load: new, kept and proxied connections, WebSockets and slow
# transfers.  No request fails; where workers live on, no connection is closed
# and everything stays in the process that it was in.
#
# TEST_SOAK=1: 600 reloads in a minute, instead of 100 in ten seconds.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep time);
use Weir::Load;
use Weir::Test;
use Weir::WebSocket;

my $N_KEPT = 64;
my $N_SOCKETS = 100;
my $N_SLOW = 20;
my $N_FAST = $ENV{TEST_SOAK} ? 600 : 100; # reloads, ten a second

need_module('http_rewrite', 'http_proxy', 'http_stub_status');

my $t = Weir::Test->new;
my $enough = $t->path('enough'); # a file that ends the slow transfers

my ($web, $other) = map { Weir::Backend->http(sub {
    return "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere";
}) } 1 .. 2;
# Echoes messages of WebSockets, and sends numbers slowly.
my $long = Weir::Backend->tcp(sub {
    my ($c) = @_;
    my $request = Weir::Backend::read_request($c) or return;

    return send_slowly($c) if $request->uri eq '/slow';
    $c->send("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\n"
             . "Upgrade: websocket\r\n\r\n");
    local $c->{timeout} = 600;
    while (1) {
        my ($type, $text) = read_masked($c);
        last if !defined $type;
        $c->send(chr(0x80 | $type) . chr(length $text) . $text);
    }
});

sub send_slowly {
    my ($c) = @_;
    my $i = 0;

    $c->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (!-e $enough && $i < 3000) {
        $c->send(sprintf "7\r\n%06d\n\r\n", ++$i) or return;
        sleep 0.2;
    }
    $c->send(Weir::HTTP::chunked());
}

# A short message of a client.
sub read_masked {
    my ($c) = @_;
    my $head = $c->read_until(qr/\A.{6}/s) // return;
    my ($type, $n, $mask) = unpack 'C C a4', $head;
    my $text = '';

    $n &= 0x7f;
    $text = $c->read_until(qr/\A.{$n}/s) // return if $n;
    return ($type & 0x0f, $text ^ substr $mask x (1 + $n / 4), 0, $n);
}

sub conf {
    my ($word) = @_;

    return <<'EOC' =~ s/WORD/$word/gr =~ s/WEB/$web->port/ger =~ s/LONG/$long->port/ger =~ s/OTHER/$other->port/ger;
%%GLOBALS%%
worker_processes 2;
worker_rlimit_nofile 4096;
events { worker_connections 2048; }
http {
    %%GLOBALS_HTTP%%
    access_log off;
    keepalive_requests 1000000;
    keepalive_timeout 1h;
    root %%TESTDIR%%/html;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    add_header X-Process $pid always;
    log_format tries $upstream_addr;
    upstream web { server 127.0.0.1:WEB; keepalive 16; keepalive_requests 1000000; }
    upstream part {
        zone part 64k;
        server 127.0.0.1:%%PORT_dead%% max_fails=1 fail_timeout=1h;
        server 127.0.0.1:OTHER;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { return 200 "WORD\n"; }
        location = /file { }
        location = /web { proxy_pass http://web; }
        location = /part { proxy_pass http://part; access_log %%TESTDIR%%/part.log tries; }
        location = /slow { proxy_pass http://127.0.0.1:LONG; proxy_buffering off; proxy_read_timeout 1h; }
        location = /limited { limit_rate 20k; }
        location = /ws { proxy_pass http://127.0.0.1:LONG; proxy_read_timeout 1h;
                         proxy_set_header Upgrade $http_upgrade;
                         proxy_set_header Connection upgrade; }
        location = /status { stub_status; }
    }
}
EOC
}

$t->write('html/file', 'in a file');
my $limited = join '', map { sprintf "%09d\n", $_ } 1 .. 40_000;
$t->write('html/limited', $limited);
$t->run(conf('one'));
wait_until(sub { $t->worker_pids == 2 });
my @workers = sort $t->worker_pids;

sub totals { return $t->get('/status')->body =~ /^ (\d+) \d+ (\d+)/m }


# ---- what lives through it all ------------------------------------------------

my @kept = map { { c => $t->connect } } 1 .. $N_KEPT;
for my $k (@kept) {
    $k->{process} = $k->{c}->get('/')->header('X-Process');
}
my @sockets = map { my ($c, $r) = ws_open($t, '/ws'); { c => $c, r => $r } } 1 .. $N_SOCKETS;
is scalar(grep { $_->{r}->status == 101 } @sockets), $N_SOCKETS, 'WebSockets';
my @slow = map {
    my $c = $t->connect(timeout => Weir::Test::slow(60));
    $c->send_request('GET', $_ % 2 ? '/slow' : '/limited');
    $c;
} 1 .. $N_SLOW;
$t->get('/part') for 1 .. 4;
my ($accepted, $requests) = totals();

sub echoes {
    my ($word) = @_;

    ws_send($_->{c}, $word) for @sockets;
    return scalar grep { (ws_read($_->{c}))[1] eq $word } @sockets;
}

# How many of the kept connections say it, in the process that they were in.
sub kept_say {
    my ($word) = @_;
    my ($n, %why) = (0);

    for my $k (@kept) {
        my $r = $k->{c}->get('/');
        $n++ if $r->body eq "$word\n" && $r->header('X-Process') eq $k->{process};
        $why{ $r->raw eq '' ? 'closed' : $r->body . ($r->header('X-Process') // '') }++;
    }
    diag explain \%why if $n != @kept;
    return $n;
}

is echoes('before'), $N_SOCKETS, 'they echo';

my @callbacks = (
    Weir::Load::asking($t),
    Weir::Load::asking($t, request => ['GET', '/web']),
    map { lives_on() ? Weir::Load::keeping($t, request => ['GET', $_])
                     : Weir::Load::asking($t, request => ['GET', $_], keep => 1) }
        '/', '/file', '/web'
);
my $load = Weir::Load->start(@callbacks);


# ---- twenty reloads, each looked at -------------------------------------------

my ($good, $moved, $said) = (0, 0, 0);
for my $i (1 .. 20) {
    $good++ if $t->reload(conf("word$i"));
    $moved++ if $t->get('/')->body eq "word$i\n";
    $said++ if !lives_on() || kept_say("word$i") == @kept;
}
is $good, 20, 'twenty reloads';
is $moved, 20, 'each is served at once';
SKIP: {
    skip 'workers are replaced', 2 if !lives_on();
    is $said, 20, 'by kept connections, too, in the same process';
    is_deeply [sort $t->worker_pids], \@workers, 'the same workers';
}
is echoes('between'), $N_SOCKETS, 'WebSockets live on';


# ---- many in a short time -------------------------------------------------------

# The master may be reading the file that is there.
sub put_conf {
    my ($word) = @_;

    $t->write('nginx.conf.new', $t->expand(conf($word)));
    rename $t->path('nginx.conf.new'), $t->path('nginx.conf');
    $t->signal('HUP');
}

my $next = time;
for my $i (1 .. $N_FAST) {
    put_conf("fast$i");
    $next += 0.1;
    sleep $next - time if $next > time;
}
put_conf('last');
ok wait_until(sub { $t->get('/')->body eq "last\n" }, Weir::Test::slow(30)),
    "$N_FAST reloads, ten a second";
my ($made, $failed, $why) = $load->stop;
cmp_ok $made, '>', 500, 'requests were made';
is $failed, 0, 'none failed, and nothing was closed' or diag "$failed of $made: $why";


# ---- what is left ------------------------------------------------------------

SKIP: {
    skip 'workers are replaced', 5 if !lives_on();
    is kept_say('last'), $N_KEPT, 'kept connections';
    is_deeply [sort $t->worker_pids], \@workers, 'the same workers';
    # As many as were in use at once, for each worker.
    cmp_ok $web->connections, '<=', 2 * @callbacks,
        'idle connections to upstreams are used again';
    my @now = totals();
    cmp_ok $now[0], '>=', $accepted + $N_FAST, 'the counters went on: connections';
    cmp_ok $now[1], '>=', $requests + $made, 'and requests';
}
is echoes('after'), $N_SOCKETS, 'WebSockets';
SKIP: {
    skip 'workers are replaced', 2 if !lives_on();
    my %is = map { $_ => 1 } @workers;
    is scalar(grep { $is{ $_->{r}->header('X-Process') // '' } } @sockets), $N_SOCKETS,
        'in the same process';
    $t->get('/part') for 1 .. 4;
    is scalar(grep { /,/ } $t->log('part.log')), 1,
        'a server that failed has not been tried again: zones keep their contents';
}

$t->write('enough', '');
my ($whole, %process) = (0);
for my $c (@slow) {
    my $r = $c->read_response;
    my $body = $r->body;
    my $numbers = join '', map { sprintf "%06d\n", $_ } 1 .. length($body) / 7;
    $whole++ if $r->complete && ($body eq $limited || length $body && $body eq $numbers);
    $process{ $r->header('X-Process') // 'none' }++;
}
is $whole, $N_SLOW, 'slow transfers are whole';
is scalar(grep { my $p = $_; !grep { $p eq $_ } @workers } keys %process), 0,
    'from the workers that they began in';

$_->{c}->close for @sockets;
wait_until(sub { $t->get('/status')->body =~ /^Active connections: (\d+)/ && $1 < $N_SOCKETS });
done_testing;
