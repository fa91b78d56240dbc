# SPDX-License-Identifier: BSD-2-Clause
#
# client_min_rate: slow bodies and slow readers are cut off, in HTTP/1 and HTTP/2,
# and nobody who waits for weir is.  Each client has a process of its own, so that their waits take no
# more time together than one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX ();
use Socket qw(SOL_SOCKET SO_RCVBUF);
use Time::HiRes qw(sleep time);
use Weir::Backend;
use Weir::H2 qw(frame);
use Weir::Test;

plan skip_all => 'an nginx has none' if is_oracle();
need_module('http_proxy');

my $t = Weir::Test->new;
$t->write('html/big', 'x' x 250_000);
$t->write('html/small', 'x' x 60_000);

# Takes its time: before it reads, or between parts of the response.
my $b = Weir::Backend->tcp(sub {
    my ($c) = @_;
    my $head = $c->read_until(qr/\r\n\r\n/) // return;
    if ($head =~ m{^POST}) {
        sleep 5;
        $c->read_until(qr/end\z/, 60);
        $c->send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        return;
    }
    $c->send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    for (1 .. 5) { $c->send('part'); sleep 0.5 }
    $c->close;
});
my $port = $b->port;
$t->run(<<"EOC");
%%HTTP%%
    log_format brief '\$request_uri \$status \$body_bytes_sent';
    access_log %%TESTDIR%%/brief.log brief;
    server {
        listen 127.0.0.1:%%PORT%% sndbuf=16k;
        http2 on;
        root %%TESTDIR%%/html;
        client_min_rate 20k/s after=1s;
        client_max_body_size 10m;
        location / { }
        location /h2/ { alias %%TESTDIR%%/html/; }
        location /off/ { alias %%TESTDIR%%/html/; client_min_rate 0; }
        location /low/ { alias %%TESTDIR%%/html/; client_min_rate 100; }
        location /rate/ { alias %%TESTDIR%%/html/; limit_rate 20k; client_min_rate 1m/s after=500ms; }
        location /upstream/ { client_min_rate 1m/s after=500ms; proxy_pass http://127.0.0.1:$port; proxy_request_buffering off; }
        # What is waited for the client is less, whatever else is running.
        location /deaf/ { client_min_rate 100m/s after=4s; proxy_pass http://127.0.0.1:$port; proxy_request_buffering off; }
        location /body/ { proxy_pass http://127.0.0.1:%%PORT_b%%; }
        location /gentle/ { client_min_rate 10/s; proxy_pass http://127.0.0.1:%%PORT_b%%; }
    }
    server { listen 127.0.0.1:%%PORT_b%%; location / { return 200 "ok"; } }
}
EOC

# Reads so many bytes every tenth of a second, for so long, and then as fast as it
# can: "whole" or "cut".
sub reads {
    my ($uri, $step, $seconds) = @_;
    my $c = $t->connect;
    my ($got, $end) = (0, time + $seconds);

    setsockopt $c->socket, SOL_SOCKET, SO_RCVBUF, 4096;
    $c->send("GET $uri HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    while (time < $end && $step) {
        my $n = sysread $c->socket, my ($bytes), $step;
        last if !$n;
        $got += $n;
        sleep 0.1;
    }
    sleep $end - time if time < $end && !$step;
    while (my $n = sysread $c->socket, my ($bytes), 65536) { $got += $n }
    return $got >= ($uri =~ /big/ ? 250_000 : 60_000) ? 'whole' : 'cut';
}

# Sends a body in pieces every tenth of a second, for so long; the status.
sub sends {
    my ($uri, $piece, $n, %opt) = @_;
    my $c = $t->connect;
    my $size = $n * length $piece;

    $c->send("POST $uri HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        . ($opt{chunked} ? "Transfer-Encoding: chunked\r\n\r\n" : "Content-Length: $size\r\n\r\n"));
    for (1 .. $n) {
        last if $c->closed(0);
        $c->send($opt{chunked} ? sprintf("%x\r\n%s\r\n", length $piece, $piece) : $piece);
        sleep 0.1;
    }
    $c->send("0\r\n\r\n") if $opt{chunked};
    my $all = $c->read_all // '';
    return $all =~ m{^HTTP/1\.1 (\d+)} ? $1 : 'cut';
}

# The same over HTTP/2, where what is read is what windows are opened for: of the
# stream, or of the connection.
sub h2_reads {
    my ($uri, $step, $seconds, $shared) = @_;
    my $c = Weir::H2->new(port => $t->port, closed => 1, settings => [4 => $shared ? 1_000_000 : 1000]);
    my $id = $c->request('GET', $uri);
    my $s = $c->stream($id);
    my $end = time + $seconds;

    while (time < $end && !$s->{done}) {
        $c->raw(frame(8, 0, $shared ? 0 : $id, pack 'N', $step)) if $step;
        my $next = time + 0.1;
        $c->take($next - time) while time < $next && !$c->eof;
    }
    $c->raw(frame(8, 0, $_, pack 'N', 1_000_000)) for $s->{done} ? () : (0, $id);
    $c->wait($id);
    return $c->eof || defined $s->{reset} ? 'cut' : 'whole';
}

# Other streams are answered while one is slow; "STATUS of the other, the slow one".
sub h2_beside {
    my $c = Weir::H2->new(port => $t->port, settings => [4 => 0], closed => 1);
    my $id = $c->request('GET', '/big');
    my ($end, $good) = (time + 4, 0);

    while (time < $end && !$c->stream($id)->{done}) {
        my $other = $c->request('GET', '/small');
        $c->raw(frame(8, 0, $_, pack 'N', 60_000)) for 0, $other;
        $good++ if ($c->wait($other)->{status} // 0) == 200;
        sleep 0.1;
    }
    return ($good > 2 ? 'served, ' : "served $good, ") . (defined $c->stream($id)->{reset} ? 'cut' : 'whole');
}

sub h2_sends {
    my ($uri, $piece, $n) = @_;
    my $c = Weir::H2->new(port => $t->port);
    my $id = $c->request('POST', $uri, open => 1);

    for (1 .. $n) {
        last if $c->stream($id)->{done} || $c->eof;
        $c->raw(frame(0, 0, $id, $piece));
        my $next = time + 0.1;
        $c->take($next - time) while time < $next && !$c->eof;
    }
    $c->raw(frame(0, 1, $id)) if !$c->stream($id)->{done};
    my $s = $c->wait($id);
    return $s->{status} // 'cut';
}

my @clients = (
    'a slow reader' => 'cut' => sub { reads('/big', 500, 4) },
    'one that does not read' => 'cut' => sub { reads('/big', 0, 4) },
    'a fast reader' => 200 => sub { $t->get('/big')->status },
    'one that is fast enough' => 'whole' => sub { reads('/big', 4000, 2) },
    'without a limit' => 'whole' => sub { reads('/off/big', 500, 3) },
    'with a low one' => 'whole' => sub { reads('/low/big', 500, 3) },
    'who is slowed down by limit_rate' => 'whole' => sub { reads('/rate/small', 30000, 6) },
    'who waits for the upstream' => '200 partpartpartpartpart'
        => sub { my $r = $t->get('/upstream/'); return $r->status . ' ' . $r->body },
    'whose body the upstream does not read' => 200 => sub {
        my $c = $t->connect;
        my $body = 'x' x 3_000_000 . 'end';
        $c->send("POST /deaf/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: " . length($body) . "\r\n\r\n$body");
        return ($c->read_all(60) // "") =~ m{^HTTP/1\.1 (\d+)} ? $1 : "cut" },
    'a slow body' => 'cut' => sub { sends('/body/', 'x' x 100, 60) },
    'the same in chunks' => 'cut' => sub { sends('/body/c', 'x' x 100, 60, chunked => 1) },
    'a body that is fast enough' => 200 => sub { sends('/body/f', 'x' x 4000, 20) },
    'a slow one where it may be' => 200 => sub { sends('/gentle/', 'x' x 100, 30) },
    'HTTP/2: a slow reader' => 'cut' => sub { h2_reads('/h2/big', 500, 4) },
    'HTTP/2: one that does not read' => 'cut' => sub { h2_reads('/h2/big', 0, 4) },
    'HTTP/2: one whose connection is slow' => 'cut' => sub { h2_reads('/h2/big', 500, 7, 1) },
    'HTTP/2: one that is fast enough' => 'whole' => sub { h2_reads('/h2/big', 4000, 3) },
    'HTTP/2: the same with its connection' => 'whole' => sub { h2_reads('/h2/big', 4000, 3, 1) },
    'HTTP/2: without a limit' => 'whole' => sub { h2_reads('/off/big', 500, 3) },
    'HTTP/2: who is slowed down by limit_rate' => 'whole' => sub { h2_reads('/rate/small', 60_000, 6) },
    'HTTP/2: a slow reader beside fast streams' => 'served, cut' => \&h2_beside,
    'HTTP/2: a slow body' => 'cut' => sub { h2_sends('/body/h2', 'x' x 100, 60) },
    'HTTP/2: a byte at a time' => 'cut' => sub { h2_sends('/body/h2', 'x', 60) },
    'HTTP/2: a body that is fast enough' => 200 => sub { h2_sends('/body/f', 'x' x 4000, 20) },
    'HTTP/2: a slow one where it may be' => 200 => sub { h2_sends('/gentle/', 'x' x 100, 30) },
    'a body that does not come' => 'cut' => sub { my $c = $t->connect;
        $c->send("POST /body/n HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
        return ($c->read_all(5) // '') eq '' && $c->closed(0) ? 'cut' : 'goes on' },
);
my @wanted;
while (my ($says, $wanted, $does) = splice @clients, 0, 3) {
    open my $pipe, '-|' // die or do {
        print eval { $does->() } // "died: $@";
        close STDOUT;
        POSIX::_exit(0);
    };
    push @wanted, [$says, $wanted, $pipe];
}
for (@wanted) {
    my ($says, $wanted, $pipe) = @$_;
    my $got = do { local $/; <$pipe> } // '';
    is $got, $wanted, $says;
    close $pipe;
}

is scalar(grep { /\[info\] \S+ \*\d+ client reads slower than client_min_rate while sending to client, client: 127\.0\.0\.1, / } $t->log), 6,
    'slow readers in the log';
is scalar(grep { /\[info\] \S+ \*\d+ client sends slower than client_min_rate, client: 127\.0\.0\.1, / } $t->log), 5,
    'slow bodies';
my $log = $t->read('brief.log');
like $log, qr{^/body/ 408 0$}m, 'the status of slow bodies';
like $log, qr{^/body/c 408 0$}m, '... in chunks';
like $log, qr{^/big 200 \d+$}m, '... of slow readers';

my @bad = (
    'client_min_rate x' => 'invalid rate "x"',
    'client_min_rate 5/m' => 'invalid rate "5/m"',
    'client_min_rate 5 10s' => 'invalid parameter "10s"',
    'client_min_rate 5 after=x' => 'invalid time "after=x"',
    'client_min_rate 5; client_min_rate 6' => '"client_min_rate" directive is duplicate',
);
while (my ($text, $wanted) = splice @bad, 0, 2) {
    is conf_test("events {} http {\n$text;\n}")->{first}, "$wanted in F:2", $text;
}

done_testing;
