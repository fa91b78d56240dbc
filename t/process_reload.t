# SPDX-License-Identifier: BSD-2-Clause
#
# Ten reloads under load: no request fails, and a connection that streams
# through all of them is not cut.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep);
use Weir::Test;

my $t = Weir::Test->new;
$t->write('html/big', join '', map { sprintf "%09d\n", $_ } 1 .. 30_000);
$t->run(<<'EOC');
%%GLOBALS%%
worker_processes 2;
events { }
http {
    %%GLOBALS_HTTP%%
    root %%TESTDIR%%/html;
    access_log off;
    keepalive_requests 20;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { return 200 "$pid\n"; }
        location = /big { limit_rate 30k; }
    }
    server {
        listen 127.0.0.1:%%PORT_many%% reuseport;
        location / { return 200 "$pid\n"; }
    }
}
EOC

# A child that asks on new connections, one that keeps them, until told to
# stop; the number of requests and of failures come back.
sub ask_on {
    my ($port, $keep) = @_;

    pipe my $read, my $write or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    return ($pid, $read) if $pid;

    my ($asked, $failed, $end, $c, $why) = (0, 0, 0, undef, '');
    local $SIG{TERM} = sub { $end = 1 };
    while (!$end) {
        eval {
            if (!$keep || !$c) {
                $c = Weir::HTTP->new(port => $port);
            }
            my $r = $c->request('GET', '/', close => !$keep);
            # A connection that was idle may be closed between two requests.
            if ($keep && $r->status == 0) {
                $c = Weir::HTTP->new(port => $port);
                $r = $c->request('GET', '/');
            }
            $asked++;
            if ($r->status != 200) { $failed++; $why = $r->status }
            undef $c if $r->header('Connection') && $r->header('Connection') eq 'close';
        };
        if ($@) { $failed++; $why = $@ }
    }
    print $write "$asked $failed $why\n";
    close $write;
    require POSIX;
    POSIX::_exit(0);
}

my $stream = $t->connect(timeout => 30);
$stream->send_request('GET', '/big');
my %first = map { $_ => 1 } $t->worker_pids;

my @asking = map { [ask_on(@$_)] }
    [$t->port, 0], [$t->port, 1], [$t->port('many'), 1];
my $good = 0;
for (1 .. 10) {
    sleep 0.1;
    $good++ if $t->reload;
}
is $good, 10, 'ten reloads';
sleep 0.2;
for my $it (@asking) {
    my ($pid, $read) = @$it;
    kill 'TERM', $pid;
    waitpid $pid, 0;
    my ($asked, $failed, $why) = split ' ', <$read> // '', 3;
    cmp_ok $asked, '>', 50, 'requests were made';
    is $failed, 0, 'none failed' or diag($why);
}

my $r = $stream->read_response(timeout => 30);
is length $r->body, 300_000, 'a response that began before all of them is whole';
ok !(grep { $first{$_} } $t->worker_pids), 'its worker was one of the first';

done_testing;
