# SPDX-License-Identifier: BSD-2-Clause
#
# All connections of a worker are in use: idle ones go first, then those whose
# request head has been coming for long, then clients that hardly move what
# they send or read.  Those that wait for an upstream, transfers that get on,
# and tunnels stay.

use strict;
use warnings;

use FindBin;
use POSIX ();
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep);
use Weir::Backend;
use Weir::Test;
use Weir::WebSocket;

plan(skip_all => 'an nginx closes idle connections only') if is_oracle();

my $most = 24;

# A connection in the middle of something.
sub start {
    my ($t, $bytes, %how) = @_;
    my $c = $t->connect(%how);

    $c->send($bytes);
    return $c;
}

# How many of them the server has closed.
sub gone { return scalar grep { $_->closed(0.05) } @_ }

# A process that goes on reading a long response, and ends with success when it
# still can once it is told to end.
sub read_steadily {
    my ($c) = @_;
    pipe my $until, my $stop or die "pipe: $!\n";
    my $pid = fork;

    return ($pid, $stop) if $pid;
    CORE::close $stop;
    vec(my $watched = '', fileno $until, 1) = 1;
    while (select(my $ready = $watched, undef, undef, 0.02) == 0) {
        sysread($c->socket, my $piece, 32768) or POSIX::_exit(1);
    }
    POSIX::_exit(0);
}

sub server {
    my $t = Weir::Test->new;

    $t->write('html/big', '');
    truncate $t->path('html/big'), 1 << 30;
    $t->write('html/small', 'small');
    $t->expect_log(qr/worker_connections are not enough/);
    $t->run(<<"EOC");
%%GLOBALS%%
worker_processes 1;
worker_rlimit_nofile 2048;
events { worker_connections $most; }
http {
    %%GLOBALS_HTTP%%
    sendfile on;
    root %%TESTDIR%%/html;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /silent { proxy_pass http://127.0.0.1:%%PORT_silent%%; }
        location /upload { proxy_pass http://127.0.0.1:%%PORT_silent%%; }
        location /ws {
            proxy_pass http://127.0.0.1:%%PORT_upgrades%%;
            proxy_http_version 1.1;
            proxy_set_header Upgrade websocket;
            proxy_set_header Connection upgrade;
        }
    }
}
EOC
    return $t;
}

my $head = "Host: a\r\n";
my %slow = (
    'a head'  => "GET /small HTTP/1.1\r\n$head" . 'X-A: ',
    'a body'  => "POST /upload HTTP/1.1\r\n${head}Content-Length: 100000\r\n\r\nx",
    'reading' => "GET /big HTTP/1.1\r\n$head\r\n",
);

for my $what (sort keys %slow) {
    my $t = server();
    my @slow = map { start($t, $slow{$what}) } 1 .. 2 * $most;
    my $good = 0;

    # 30 s, when the machine is busy; a second is what it takes otherwise
    wait_until(sub { $good++ if ($t->get('/small')->body // '') eq 'small';
                     $good >= 3 }, 30);
    is $good, 3, "$what: others are served";
    ok $t->wait_log(qr/\[warn\] \d+#\d+: $most worker_connections are not enough, \d+ slow clients closed$/),
        "$what: told, with a count";
    $_->close for @slow;
}

# who goes, in which order, and who stays
my $t = server();
Weir::Backend->tcp(sub { sleep 120 }, port => $t->port('silent'));
Weir::Backend->http(sub {
    my ($request, $c) = @_;

    $c->send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
             . "Connection: upgrade\r\n\r\n");
    sleep 120;
}, port => $t->port('upgrades'));

my @idle = map { my $c = $t->connect; $c->get('/small'); $c } 1 .. 4;
my $wait = "GET /silent HTTP/1.1\r\n$head\r\n";
my @waiting = map { start($t, $wait) } 1 .. 3;                  # two each
my ($tunnel, $switched) = ws_open($t, '/ws');                   # as well
is $switched->status, 101, 'a tunnel';
my ($reader, $stop) = read_steadily(start($t, $slow{reading}));
my @bodies = map { start($t, $slow{'a body'}) } 1 .. 4;
my @heads = map { start($t, $slow{'a head'}) } 1 .. 4;
sleep 1.5;

push @waiting, start($t, $wait) for 1 .. 2;                     # 25
ok wait_until(sub { gone(@idle) >= 1 }), 'idle connections go first';
is gone(@heads, @bodies), 0, 'and nobody else';

my @more;
ok wait_until(sub { push @more, start($t, $wait); gone(@heads) == 4 }, 30),
    'then those whose head has been coming for long';
is gone(@idle), 4, '... when nobody is idle';
ok wait_until(sub { push @more, start($t, $wait); gone(@bodies) == 4 }, 30),
    'then slow bodies';

# There is nothing left to be taken.
push @more, map { start($t, $wait) } 1 .. 30;
sleep 2.5;
is gone(@waiting), 0, 'who waits for an upstream stays';
ok $tunnel->quiet(0.05), 'a tunnel stays';
CORE::close $stop;
waitpid $reader, 0;
is $?, 0, 'a transfer that gets on stays';

done_testing;
