# SPDX-License-Identifier: BSD-2-Clause
#
# An HTTP/2 server for weir to talk to, which sends exactly the frames that it
# is told to.  It does not read heads (they are packed); what it gets is told
# from other things.
#
#     my $b = Weir::H2Peer->start(sub {
#         my ($p, $s) = @_;         # once for each request, when it is whole
#         $p->head($s->{id}, 0, ':status' => 200, 'x-a' => 1);
#         $p->data($s->{id}, 'hello', 1);
#     });
#     $b->port;  $b->connections;  $b->requests;     # a Weir::Backend
#
# $s has id, body, and number: which request of the connection it is; $p->number
# is that of the connection.  Options: early => 1 calls at the head of a request,
# settings => [id => value, ...], no_window => 1 opens no windows.

package Weir::H2Peer;

use strict;
use warnings;

use Weir::Backend;

our %TYPE = (DATA => 0, HEADERS => 1, PRIORITY => 2, RST_STREAM => 3,
             SETTINGS => 4, PUSH_PROMISE => 5, PING => 6, GOAWAY => 7,
             WINDOW_UPDATE => 8, CONTINUATION => 9);

sub start {
    my ($class, $callback, %opt) = @_;

    return Weir::Backend->new(sub {
        my ($b, $c, $number) = @_;
        my $p = bless { c => $c, number => $number, streams => {}, opt => \%opt,
                        backend => $b, n => 0 }, $class;
        $p->serve($callback);
    }, $callback, %{ $opt{at} // {} });
}

sub number { return $_[0]{number} }

sub take {
    my ($p, $n) = @_;
    my $c = $p->{c};
    my $end = Time::HiRes::time() + 60;

    while (length $c->{in} < $n) {
        $c->fill($end) or return;
    }
    return substr $c->{in}, 0, $n, '';
}

# read_frame(): (type, flags, stream, payload); nothing at the end.
sub read_frame {
    my ($p) = @_;
    my $head = $p->take(9) // return;
    my ($high, $low, $type, $flags, $id) = unpack 'CnCCN', $head;
    my $payload = $p->take($high << 16 | $low) // return;

    return ($type, $flags, $id, $payload);
}

sub frame {
    my ($p, $type, $flags, $id, $payload) = @_;

    return $p->raw(bytes($type, $flags, $id, $payload));
}

# bytes(): a frame; a function.
sub bytes {
    my ($type, $flags, $id, $payload) = @_;
    my $n = length($payload //= '');

    return pack('CnCCN', $n >> 16, $n & 0xffff, $TYPE{$type} // $type, $flags,
                $id) . $payload;
}

sub raw { return $_[0]{c}->send($_[1]) }

sub number_bytes {
    my ($n) = @_;

    return pack 'C', $n if $n < 127;
    my $out = pack 'C', 127;
    for ($n -= 127; $n >= 128; $n >>= 7) { $out .= pack 'C', $n & 127 | 128 }
    return $out . pack 'C', $n;
}

# fields(@list): each literal, never indexed; a function.
sub fields {
    my $out = '';

    while (my ($name, $value) = splice @_, 0, 2) {
        $out .= "\x10" . number_bytes(length $name) . $name
            . number_bytes(length $value) . $value;
    }
    return $out;
}

# head($id, $ends, @fields)
sub head {
    my ($p, $id, $ends, @fields) = @_;

    return $p->frame(HEADERS => 4 | ($ends ? 1 : 0), $id, fields(@fields));
}

sub data {
    my ($p, $id, $bytes, $ends) = @_;

    return $p->frame(DATA => $ends ? 1 : 0, $id, $bytes);
}

sub reset { return $_[0]->frame(RST_STREAM => 0, $_[1], pack 'N', $_[2]) }

sub goaway {
    my ($p, $last, $code) = @_;

    return $p->frame(GOAWAY => 0, 0, pack 'NN', $last, $code);
}

sub close { CORE::close($_[0]{c}->socket) }

sub serve {
    my ($p, $callback) = @_;
    my $opt = $p->{opt};
    my @settings = @{ $opt->{settings} // [] };
    my $payload = '';

    ($p->take(24) // '') eq "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" or return;
    while (my ($id, $value) = splice @settings, 0, 2) {
        $payload .= pack 'nN', $id, $value;
    }
    $p->frame(SETTINGS => 0, 0, $payload);
    while (my ($type, $flags, $id, $bytes) = $p->read_frame) {
        $p->react($type, $flags, $id, $bytes, $callback);
        last if !defined fileno $p->{c}->socket;
    }
}

sub react {
    my ($p, $type, $flags, $id, $bytes, $callback) = @_;
    my $opt = $p->{opt};

    $p->{backend}->record({ frame => $type, flags => $flags, id => $id,
                            bytes => $type == 0 ? length $bytes : $bytes,
                            conn => $p->{number} });
    if ($type == $TYPE{SETTINGS}) {
        $p->frame(SETTINGS => 1, 0, '') if !($flags & 1);
        return;
    }
    $p->frame(PING => 1, 0, $bytes) if $type == $TYPE{PING} && !($flags & 1);
    delete $p->{streams}{$id} if $type == $TYPE{RST_STREAM};
    if ($type == $TYPE{HEADERS}) {
        $p->{streams}{$id} //= { id => $id, body => '', number => ++$p->{n} };
    } elsif ($type == $TYPE{DATA}) {
        my $s = $p->{streams}{$id} or return;
        $s->{body} .= $bytes;
        if (!$opt->{no_window} && length $bytes) {
            $p->frame(WINDOW_UPDATE => 0, $_, pack 'N', length $bytes)
                for 0, $id;
        }
    } else {
        return;
    }
    my $s = $p->{streams}{$id} or return;
    return if !($opt->{early} ? $type == $TYPE{HEADERS} : $flags & 1);
    $callback->($p, $s);
}

# frames($b, $type): those of a backend that has come, in order.
sub frames {
    my ($b, $type) = @_;

    return grep { defined $_->{frame} && $_->{frame} == $TYPE{$type} }
        $b->records;
}

1;
