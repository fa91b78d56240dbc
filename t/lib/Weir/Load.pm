# SPDX-License-Identifier: BSD-2-Clause
#
# Processes that make requests while a test does something else:
#
#     my $load = Weir::Load->start(sub { ... }, sub { ... });
#     $t->reload;
#     my ($made, $failed, $why) = $load->stop;
#
# Each callback is called again and again in a process of its own, and gives
# back nothing when all went well, else (or by dying) what was wrong.  The one
# that is under way when stop() is called is finished.

package Weir::Load;

use strict;
use warnings;

use POSIX qw(SIGTERM SIG_BLOCK);


sub start {
    my ($class, @callbacks) = @_;

    return bless [map { start_one($_) } @callbacks], $class;
}

# asking($t, keep => 1, request => ['GET', '/', host => ...], port => N): a
# callback that wants 200, on one connection for as long as it is kept.
sub asking {
    my ($t, %opt) = @_;
    my @request = @{ $opt{request} // ['GET', '/'] };
    my @where = defined $opt{port} ? (port => $opt{port}) : ();
    my $c;

    return sub {
        my $is_old = $c;
        $c //= $t->connect(@where);
        my $r = $c->request(@request, close => !$opt{keep});
        # One that was idle may be closed just then; that is no failure.
        if ($is_old && $r->raw eq '') {
            $c = $t->connect(@where);
            $r = $c->request(@request);
        }
        undef $c if ($r->header('Connection') // '') ne 'keep-alive';
        return if $r->complete && $r->status == 200;
        undef $c;
        return 'status ' . $r->status . ($r->complete ? '' : ', cut off');
    };
}

# keeping($t, same options): a callback that wants 200 on one connection, which
# the server must not close: each time that it does counts as a failure.  What a
# response has in X-Process must stay the same for the connection, if it is
# there.
sub keeping {
    my ($t, %opt) = @_;
    my @request = @{ $opt{request} // ['GET', '/'] };
    my @where = defined $opt{port} ? (port => $opt{port}) : ();
    my ($c, $process);

    return sub {
        ($c, $process) = ($t->connect(@where), undef) if !$c;
        my $r = $c->request(@request);
        my $now = $r->header('X-Process') // '';
        $process //= $now;
        return if $r->complete && $r->status == 200 && $now eq $process
            && lc($r->header('Connection') // '') ne 'close';
        undef $c;
        return $now ne $process ? "process $now, no longer $process"
             : $r->raw eq ''    ? 'a kept connection was closed'
             : !$r->complete    ? 'cut off'
             : $r->status != 200 ? 'status ' . $r->status
             : 'the connection is to be closed';
    };
}

sub start_one {
    my ($callback) = @_;

    pipe my $read, my $write or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        repeat($callback, $write);
        POSIX::_exit(0);
    }
    return { pid => $pid, read => $read };
}

# The signal to stop is only looked for between two requests, none of which it
# may interrupt.
sub repeat {
    my ($callback, $write) = @_;
    my ($made, $failed, $why) = (0, 0, '');
    my $pending = POSIX::SigSet->new;

    POSIX::sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGTERM));
    for (;;) {
        my $wrong = eval { $callback->() };
        $wrong = $@ if $@;
        $made++;
        if ($wrong) {
            $failed++;
            $why = $wrong;
        }
        POSIX::sigpending($pending);
        last if $pending->ismember(SIGTERM);
    }
    chomp $why;
    print $write "$made $failed $why\n";
    close $write;
}

# stop(): how many requests were made, how many failed, and why the last did.
sub stop {
    my ($load) = @_;
    my ($made, $failed, $why) = (0, 0, '');

    kill 'TERM', map { $_->{pid} } @$load;
    for my $it (@$load) {
        my $line = readline $it->{read};
        waitpid $it->{pid}, 0;
        my @said = split ' ', $line // '0 1 a process died', 3;
        $made += $said[0];
        $failed += $said[1];
        $why = $said[2] if $said[1];
    }
    chomp $why;
    return ($made, $failed, $why);
}

1;
