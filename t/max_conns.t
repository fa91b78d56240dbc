# SPDX-License-Identifier: BSD-2-Clause
#
# max_conns with a zone is exact over all workers: no server ever has more
# requests at a time, whoever is killed, and afterwards it takes as many as
# before.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(time);
use Weir::Load;
use Weir::Test;

plan skip_all => 'nginx counts those of killed workers for good' if is_oracle();

my $t = Weir::Test->new;
my $MOST = 3;

# A server that knows how many requests it has at a time: each is answered after
# some milliseconds, /hold when the file go exists.  Whoever is gone counts no
# more, and is looked for before anybody new is.  Direct questions for /most are
# answered with the most so far, and for /now.
sub serve {
    my ($listener) = @_;
    my $select = IO::Select->new($listener);
    my (%due, %is_held);
    my $most = 0;

    while (1) {
        my @ready = $select->can_read(0.005);

        for my $c (grep { $_ != $listener } @ready) {
            my $n = sysread $c, my $text, 4096;

            if ($n && $text =~ m{^GET /(most|now)}) {
                my $said = $1 eq 'most' ? $most : keys(%due) + keys %is_held;
                syswrite $c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n$said";
                $n = 0;
            }
            if ($n) {
                $text =~ m{^GET /hold} ? $is_held{$c} = $c : ($due{$c} = [$c, time + 0.002 + rand 0.02]);
                next;
            }
            delete $due{$c};
            delete $is_held{$c};
            $select->remove($c);
            close $c;
        }
        my $n = keys(%due) + keys %is_held;
        $most = $n if $n > $most;
        my $go = %is_held && -e $t->path('go');
        for my $c ((map { $_->[0] } grep { $_->[1] < time } values %due), $go ? values %is_held : ()) {
            delete $due{$c};
            delete $is_held{$c};
            syswrite $c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
        }
        if (grep { $_ == $listener } @ready) {
            my $c = $listener->accept;
            $select->add($c) if $c;
        }
    }
}

my (%pid, @ports);
for (1 .. 2) {
    my $listener = IO::Socket::INET->new(Listen => 100, LocalAddr => '127.0.0.1') or die "listen: $!\n";
    my $pid = fork // die "fork: $!\n";

    push @ports, $listener->sockport;
    if ($pid == 0) {
        $SIG{PIPE} = 'IGNORE';
        serve($listener);
        POSIX::_exit(0);
    }
    $pid{$pid} = 1;
}
END { my $code = $?; kill 'KILL', keys %pid; waitpid $_, 0 for keys %pid; $? = $code }

my $servers = join ' ', map { "server 127.0.0.1:$_ max_conns=$MOST max_fails=0;" } @ports;
$t->run(<<"EOC");
%%GLOBALS%%
worker_processes 4;
events {}
http {
    %%GLOBALS_HTTP%%
    access_log off;
    proxy_next_upstream off;
    upstream turns { zone turns 64k; keepalive 0; $servers }
    server {
        listen 127.0.0.1:%%PORT%% reuseport;
        location / { proxy_pass http://turns; }
    }
}
EOC
$t->expect_log(qr/no live upstreams|exited on signal 9|prematurely closed|Connection reset/);

sub ask_all { my ($what) = @_; return map { $t->get("/$what", port => $_)->body } @ports }

# Each asks in turn for workers; 502 is what there is too much.
my @load = map { sub { $t->get('/'); return } } 1 .. 12;
my $load = Weir::Load->start(@load);
ok wait_until(sub { "@{[ask_all('most')]}" eq "$MOST $MOST" }), 'both servers get as much as they may';
for my $round (1 .. 6) {
    my %old = map { $_ => 1 } $t->worker_pids;
    my @victims = (sort keys %old)[0 .. $round % 2];

    kill 'KILL', @victims;
    wait_until(sub { my @now = $t->worker_pids; @now == 4 && !grep { my $v = $_; grep { $_ == $v } @now } @victims })
        or die "no new worker\n";
}
my ($made) = $load->stop;
ok $made > 50, "$made requests, while workers are killed";
is "@{[ask_all('most')]}", "$MOST $MOST", 'never more at a time';

# As many as before, and not one more.
ok wait_until(sub { "@{[ask_all('now')]}" eq '0 0' }), 'all is quiet';
my @held;
ok wait_until(sub {
    while (@held < 2 * $MOST) {
        my $c = $t->connect(timeout => 30);
        $c->send_request('GET', '/hold');
        push @held, $c;
    }
    my @now = ask_all('now');
    return 1 if "@now" eq "$MOST $MOST";
    # Places of the last one that was killed may be late to be free.
    @held = grep { !IO::Select->new($_->socket)->can_read(0) } @held;
    return 0;
}), 'all places are taken again';
is $t->get('/')->status, 502, 'and no more than these';
$t->write('go', '');
is scalar(grep { $_->read_response->status == 200 } @held), 2 * $MOST, 'they are served';

done_testing;
