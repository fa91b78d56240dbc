# SPDX-License-Identifier: BSD-2-Clause
#
# Servers for weir to talk to, each a process of its own with one more for each
# connection, so that a callback may take its time.
#
#     my $b = Weir::Backend->http(sub {
#         my ($request, $c) = @_;                   # Weir::HTTP::Message
#         return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
#     });
#     $b->port;  $b->requests;  $b->connections;
#
# The callback gives back the bytes to send, or sends by $c->send (a
# Weir::HTTP) and gives back undef.  The connection is kept while the callback
# calls no $c->close and the peer goes on.  Weir::Backend->tcp calls back once
# for a connection, with ($c, $number).

package Weir::Backend;

use strict;
use warnings;

use Fcntl qw(:flock);
use File::Temp ();
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(SOCK_STREAM);
use Storable ();

use Weir::HTTP;
use Weir::HTTP::Message;
use Weir::Ports ();

my $owner = $$;
my @all;


# http($callback, port => N, host => ADDR, unix => PATH)
sub http {
    my ($class, $callback, %opt) = @_;

    return $class->new(\&serve_http, $callback, %opt);
}

# tcp($callback, same options)
sub tcp {
    my ($class, $callback, %opt) = @_;

    return $class->new(sub { $_[0]{callback}->($_[1], $_[2]) }, $callback,
                       %opt);
}

sub new {
    my ($class, $serve, $callback, %opt) = @_;
    my $log = File::Temp->new(TEMPLATE => 'weir-backend-XXXXXX', TMPDIR => 1);

    my $b = bless {
        serve => $serve, callback => $callback, log => $log,
        host => $opt{host} // '127.0.0.1', unix => $opt{unix},
        port => $opt{port} // ($opt{unix} ? undef : Weir::Ports::free_port()),
    }, $class;
    push @all, $b;
    return $opt{stopped} ? $b : $b->start;
}

sub port { return $_[0]{port} }

# start(): begins to listen; for one that was stopped, on the same address.
sub start {
    my ($b) = @_;
    my $listen = $b->listener;

    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        $b->accept_all($listen);
        POSIX::_exit(0);
    }
    $b->{pid} = $pid;
    return $b;
}

sub listener {
    my ($b) = @_;
    my $listen;

    if ($b->{unix}) {
        unlink $b->{unix};
        $listen = IO::Socket::UNIX->new(Local => $b->{unix}, Listen => 128,
                                        Type => SOCK_STREAM);
        chmod 0666, $b->{unix};
    } else {
        $listen = IO::Socket::INET->new(
            LocalAddr => $b->{host}, LocalPort => $b->{port}, Proto => 'tcp',
            Listen => 128, ReuseAddr => 1,
        );
    }
    return $listen // die "backend cannot listen: $!\n";
}

sub accept_all {
    my ($b, $listen) = @_;
    my $count = $b->{count} // 0;

    setpgrp;
    $SIG{CHLD} = 'IGNORE';
    $SIG{TERM} = $SIG{INT} = 'DEFAULT';
    $SIG{PIPE} = 'IGNORE';
    while (my $sock = $listen->accept) {
        $count++;
        $b->record({ accepted => $count });
        my $pid = fork // POSIX::_exit(1);
        if ($pid == 0) {
            close $listen;
            binmode $sock;
            my $c = bless { sock => $sock, in => '', eof => 0, methods => [],
                            timeout => $Weir::HTTP::TIMEOUT }, 'Weir::HTTP';
            eval { $b->{serve}->($b, $c, $count); 1 }
                or print STDERR "# backend: $@";
            POSIX::_exit(0);
        }
        close $sock;
    }
}

sub serve_http {
    my ($b, $c, $number) = @_;

    for (1 .. 100_000) {
        my $request = read_request($c) or return;
        $request->{conn} = $number;
        $b->record($request) if !$request->{early};
        my $answer = $b->{callback}->($request, $c);
        $c->send($answer) or return if defined $answer;
        return if !defined fileno $c->socket;
    }
}

# read_request($c): the next request with its body, undef at the end; a
# function, also for callbacks of tcp backends.
sub read_request {
    my ($c) = @_;
    my $end = Time::HiRes::time() + 60;
    my $m = Weir::HTTP::Message->new;

    while ($c->{in} !~ /\r?\n\r?\n/) {
        $c->fill($end) or return;
    }
    $c->{in} =~ s/\A(.*?\r?\n\r?\n)//s;
    $m->parse_head($1);
    if (($m->header('Transfer-Encoding') // '') =~ /chunked/i) {
        $c->read_chunks($m, $end);
    } elsif ($m->header('Content-Length')) {
        $c->read_length($m, $m->header('Content-Length'), $end);
    }
    return $m;
}

# record($what): notes it in the file that the parent reads.
sub record {
    my ($b, $what) = @_;
    my $bytes = Storable::freeze({ %$what });

    open my $out, '>>', $b->{log}->filename or return;
    binmode $out;
    flock $out, LOCK_EX;
    syswrite $out, pack('N', length $bytes) . $bytes;
    close $out;
}

sub records {
    my ($b) = @_;
    my @list;

    open my $in, '<', $b->{log}->filename or return;
    binmode $in;
    flock $in, LOCK_SH;
    my $all = do { local $/; <$in> } // '';
    while (length $all) {
        my $bytes = substr $all, 0, 4 + unpack('N', $all), '';
        push @list, Storable::thaw(substr $bytes, 4);
    }
    return @list;
}

# requests(): all that came, in order, each with ->conn; an http backend's.
sub requests {
    return map { bless $_, 'Weir::HTTP::Message' }
           grep { !$_->{accepted} } $_[0]->records;
}

# connections(): how many were accepted.
sub connections { return scalar grep { $_->{accepted} } $_[0]->records }

# forget(): forgets requests and connections so far.
sub forget { truncate $_[0]{log}->filename, 0 }

# stop(): ends the listener and its connections.
sub stop {
    my ($b) = @_;
    my $pid = delete $b->{pid} or return;

    $b->{count} = $b->connections;
    kill 'TERM', -$pid;
    kill 'TERM', $pid;
    waitpid $pid, 0;
}

sub stop_all { $_->stop for @all }

END {
    my $code = $?;
    stop_all() if $$ == $owner;
    $? = $code;
}

1;
