# SPDX-License-Identifier: BSD-2-Clause
#
# A name server for tests, over UDP and TCP, whose answers may change at any
# time.
#
#     my $dns = Weir::DNS->new;
#     $dns->set('a.test' => ['A 60 127.0.0.1', 'AAAA 60 ::1']);
#     $dns->set('b.test' => ['CNAME 60 a.test']);
#     $dns->set('_http._tcp.a.test' => ['SRV 60 PRIORITY WEIGHT PORT host.test']);
#     $dns->set('c.test' => ['rcode 2'], 'd.test' => ['silent'],
#               'e.test' => ['truncated', 'A 60 127.0.0.1']);
#     $dns->address;          # "127.0.0.1:PORT"
#     $dns->asked('a.test');  # how often; with a type ("A") only that
#     $dns->stop; $dns->start;  # on the same port
#
# "TYPE rcode 2" and "TYPE silent" are for one type only.  "truncated" says so
# over UDP, and answers over TCP.  A name that was not set does not exist.

package Weir::DNS;

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Socket qw(AF_INET6 inet_pton);
use Storable ();

use Weir::Ports ();

my %types = (A => 1, CNAME => 5, AAAA => 28, SRV => 33);
my %names = reverse %types;
my ($owner, $count) = ($$, 0);
my @all;

# new($t): its files are in the folder of the test $t.
sub new {
    my ($class, $t, %opt) = @_;

    $count++;
    my $dns = bless {
        zone => $t->path("dns$count.zone"), notes => $t->path("dns$count.log"),
        names => {}, port => $opt{port} // Weir::Ports::free_port(),
    }, $class;
    push @all, $dns;
    $dns->set;
    return $dns->start;
}

sub port    { return $_[0]{port} }
sub address { return "127.0.0.1:$_[0]{port}" }

# set(NAME => [RECORD, ...], ...): undef: it does not exist.
sub set {
    my ($dns, %names) = @_;

    for my $name (keys %names) {
        $dns->{names}{$name} = $names{$name};
        delete $dns->{names}{$name} if !defined $names{$name};
    }
    Storable::store($dns->{names}, "$dns->{zone}.new");
    rename "$dns->{zone}.new", $dns->{zone};
}

sub asked {
    my ($dns, $name, $type) = @_;
    my $wanted = defined $type ? "$name $type" : "$name ";

    open my $in, '<', $dns->{notes} or return 0;
    return scalar grep { index($_, $wanted) == 0 } <$in>;
}

sub start {
    my ($dns) = @_;
    my %at = (LocalAddr => '127.0.0.1', LocalPort => $dns->{port});
    my $udp = IO::Socket::INET->new(%at, Proto => 'udp')
        or die "no name server: $!\n";
    my $tcp = IO::Socket::INET->new(%at, Proto => 'tcp', Listen => 8,
                                    ReuseAddr => 1)
        or die "no name server: $!\n";

    $dns->{pid} = fork // die "fork: $!\n";
    return $dns if $dns->{pid};
    $SIG{TERM} = 'DEFAULT';
    eval { serve($dns, $udp, $tcp) };
    POSIX::_exit(0);
}

sub stop {
    my ($dns) = @_;

    return if !$dns->{pid};
    kill 'KILL', $dns->{pid};
    waitpid $dns->{pid}, 0;
    $dns->{pid} = 0;
}

END {
    if ($$ == $owner) {
        my $code = $?;
        $_->stop for @all;
        $? = $code;
    }
}

sub serve {
    my ($dns, $udp, $tcp) = @_;
    my $ready = IO::Select->new($udp, $tcp);

    while (1) {
        for my $s ($ready->can_read) {
            if ($s == $udp) {
                my $from = $udp->recv(my $question, 4096) // next;
                my $out = answer($dns, $question, 1);
                $udp->send($out, 0, $from) if defined $out;
                next;
            }
            my $c = $tcp->accept or next;
            local $SIG{ALRM} = sub { die };
            eval {
                alarm 2;
                read $c, my $n, 2;
                read $c, my $question, unpack 'n', $n;
                my $out = answer($dns, $question, 0);
                print {$c} pack 'n/a', $out if defined $out;
                close $c;
            };
            alarm 0;
        }
    }
}

sub name_bytes { return pack '(C/a)* x', split /\./, $_[0] }

sub data_bytes {
    my ($type, @data) = @_;

    return pack 'C4', split /\./, $data[0] if $type eq 'A';
    return inet_pton(AF_INET6, $data[0]) if $type eq 'AAAA';
    return name_bytes($data[0]) if $type eq 'CNAME';
    return pack('n3', @data[0 .. 2]) . name_bytes($data[3]);
}

# The bytes to send, or undef.
sub answer {
    my ($dns, $question, $is_udp) = @_;
    my ($id) = unpack 'n', $question;
    my @labels;
    my $q = substr $question, 12;
    while ((my $n = unpack 'C', $q) > 0) {
        push @labels, substr $q, 1, $n;
        substr $q, 0, $n + 1, '';
    }
    my $name = join '.', @labels;
    my $type = $names{ unpack 'x n', $q } // 'other';
    my ($flags, @found) = (0x8180);
    my $records = eval { Storable::retrieve($dns->{zone}) }->{lc $name};

    open my $to, '>>', $dns->{notes};
    syswrite $to, "$name $type " . ($is_udp ? 'udp' : 'tcp') . "\n";
    close $to;
    $flags |= 3 if !$records;
    for my $record (@{ $records // [] }) {
        my ($first, @rest) = split ' ', $record;

        if ($types{$first} && $rest[0] =~ /^(?:silent|rcode)$/) {
            next if $first ne $type;
            ($first, @rest) = @rest;
        }
        return undef if $first eq 'silent';
        if ($first eq 'rcode') {
            $flags |= $rest[0];
        } elsif ($first eq 'truncated') {
            $flags |= 0x200 if $is_udp;
        } elsif ($first eq $type || $first eq 'CNAME') {
            my ($ttl, @data) = @rest;
            push @found, pack 'n n n N n/a', 0xc00c, $types{$first}, 1, $ttl,
                data_bytes($first, @data);
        }
    }
    @found = () if $flags & 0x200;
    return pack('n6', $id, $flags, 1, scalar @found, 0, 0) . name_bytes($name)
        . pack('n n', unpack('x n', $q), 1) . join '', @found;
}

1;
