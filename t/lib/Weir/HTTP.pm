# SPDX-License-Identifier: BSD-2-Clause
#
# An HTTP/1 client for tests, on bare sockets, that sends exactly the bytes it
# is told to:
#
#     my $c = Weir::HTTP->new(port => 8080);          # or unix => '/a.sock'
#     $c->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
#     my $r = $c->read_response;                      # a Weir::HTTP::Message
#     is $r->status, 200;
#
# Every wait has a limit; nothing dies when the peer misbehaves: what came is
# in the message, and ->complete says whether it was a whole one.

package Weir::HTTP;

use strict;
use warnings;

use IO::Socket::INET;
use IO::Socket::UNIX;
use IO::Socket::IP;
use Socket qw(IPPROTO_TCP TCP_NODELAY SOL_SOCKET SO_LINGER);
use Time::HiRes qw(time);

use Weir::HTTP::Message;

our $TIMEOUT = 10 * ($ENV{TEST_SLOW} || 1);


# new(port => N, host => '127.0.0.1', unix => PATH, local => ADDR,
#     timeout => SECONDS): a connection; dies when there is none to be had.
sub new {
    my ($class, %opt) = @_;
    my $sock;

    if ($opt{unix}) {
        $sock = IO::Socket::UNIX->new(Peer => $opt{unix});
    } else {
        my $host = $opt{host} // '127.0.0.1';
        my $kind = $host =~ /:/ ? 'IO::Socket::IP' : 'IO::Socket::INET';
        $sock = $kind->new(
            PeerAddr => $host, PeerPort => $opt{port}, Proto => 'tcp',
            ($opt{local} ? (LocalAddr => $opt{local}) : ()),
        );
        setsockopt $sock, IPPROTO_TCP, TCP_NODELAY, 1 if $sock;
    }
    die 'cannot connect to ' . ($opt{unix} // $opt{port}) . ": $!\n"
        unless $sock;

    binmode $sock;
    return bless {
        sock => $sock, in => '', eof => 0, methods => [],
        timeout => $opt{timeout} // $TIMEOUT,
    }, $class;
}

sub socket { return $_[0]{sock} }

# send($bytes): writes all; false when the peer is gone.
sub send {
    my ($c, $bytes) = @_;
    my $end = time + $c->{timeout};
    local $SIG{PIPE} = 'IGNORE';

    while (length $bytes) {
        return 0 if !$c->can('write', $end);
        my $n = syswrite $c->{sock}, $bytes, 65536;
        return 0 unless $n;
        substr $bytes, 0, $n, '';
    }
    return 1;
}

# send_pieces($bytes, $size, $pause): in pieces of $size bytes, $pause seconds
# apart.
sub send_pieces {
    my ($c, $bytes, $size, $pause) = @_;

    while (length $bytes) {
        $c->send(substr $bytes, 0, $size, '') or return 0;
        select undef, undef, undef, $pause // 0.002;
    }
    return 1;
}

# send_request($method, $uri, %opt): a well-formed request.
#   version => '1.0', host => 'a.test' (undef: no Host), close => 1,
#   headers => [Name => 'value', ...], body => bytes (adds Content-Length),
#   chunks => [bytes, ...] (sends a chunked body)
sub send_request {
    my ($c, $method, $uri, %opt) = @_;

    push @{ $c->{methods} }, $method;
    return $c->send(request_bytes($method, $uri, %opt));
}

# request_bytes(): what send_request() sends; a function.
sub request_bytes {
    my ($method, $uri, %opt) = @_;
    my $version = $opt{version} // '1.1';
    my $host = exists $opt{host} ? $opt{host} : 'localhost';
    my @fields = @{ $opt{headers} // [] };
    my $tail = '';

    unshift @fields, Connection => 'close' if $opt{close};
    unshift @fields, Host => $host if defined $host;
    if ($opt{chunks}) {
        push @fields, 'Transfer-Encoding' => 'chunked';
        $tail = chunked(@{ $opt{chunks} });
    } elsif (defined $opt{body}) {
        push @fields, 'Content-Length' => length $opt{body};
        $tail = $opt{body};
    }

    my $head = "$method $uri HTTP/$version\r\n";
    while (my ($name, $value) = splice @fields, 0, 2) {
        $head .= "$name: $value\r\n";
    }
    return "$head\r\n$tail";
}

# chunked(@pieces): a chunked body; a function.
sub chunked {
    return join('', map { sprintf "%x\r\n%s\r\n", length, $_ } @_)
        . "0\r\n\r\n";
}

# request($method, $uri, %opt): send_request() and read_response().
sub request {
    my ($c, @args) = @_;

    $c->send_request(@args);
    return $c->read_response;
}

sub get { my ($c, $uri, @opt) = @_; return $c->request('GET', $uri, @opt) }

# read_response(head => 1, timeout => SECONDS): one response, interim ones in
# its ->interim.  The method is known when send_request() sent it, else
# head => 1 says that no body follows.
sub read_response {
    my ($c, %opt) = @_;
    my $method = shift @{ $c->{methods} } // '';
    my $no_body = $opt{head} || $method eq 'HEAD';
    my $end = time + ($opt{timeout} // $c->{timeout});
    my @interim;

    for (1 .. 20) {
        my $r = $c->read_message($end, $no_body);
        $r->{interim} = [@interim];
        return $r if !$r->complete || $r->status !~ /^1/ || $r->status == 101;
        push @interim, $r;
    }
    die "no end of interim responses\n";
}

sub read_message {
    my ($c, $end, $no_body) = @_;
    my $r = Weir::HTTP::Message->new;

    $c->fill($end) or last_words($c, $r), return $r
        while $c->{in} !~ /\r?\n\r?\n/;
    $c->{in} =~ s/\A(.*?\r?\n\r?\n)//s;
    $r->parse_head($1);
    return $r if $r->status =~ /^(1..|204|304)$/ || $no_body;

    if (($r->header('Transfer-Encoding') // '') =~ /chunked/i) {
        $c->read_chunks($r, $end);
    } elsif (defined $r->header('Content-Length')) {
        $c->read_length($r, $r->header('Content-Length'), $end);
    } else {
        1 while $c->fill($end);
        $r->{complete} = $c->{eof};
        last_words($c, $r);
    }
    return $r;
}

# What is left belongs to the message, whole or not.
sub last_words {
    my ($c, $r) = @_;

    if (defined $r->{head}) {
        $r->{body} .= $c->{in};
    } else {
        $r->{complete} = 0;
    }
    $r->{raw} .= $c->{in};
    $c->{in} = '';
}

sub read_length {
    my ($c, $r, $length, $end) = @_;

    $c->fill($end) or $r->{complete} = 0, $length = length $c->{in}
        while length $c->{in} < $length;
    $r->{body} = substr $c->{in}, 0, $length, '';
    $r->{raw} .= $r->{body};
}

sub read_chunks {
    my ($c, $r, $end) = @_;
    my $at = 0;         # how far $c->{in} has been decoded

    for (;;) {
        pos($c->{in}) = $at;
        if ($c->{in} !~ /\G([0-9a-fA-F]+)[^\r\n]*\r\n/g) {
            $c->fill($end) or return $r->{complete} = 0, last_words($c, $r);
            next;
        }
        my ($size, $data) = (hex $1, pos $c->{in});
        last if $size == 0;
        while (length $c->{in} < $data + $size + 2) {
            $c->fill($end) or return $r->{complete} = 0, last_words($c, $r);
        }
        $r->{body} .= substr $c->{in}, $data, $size;
        push @{ $r->{chunks} }, $size;
        $at = $data + $size + 2;
    }

    my $trailers;
    until (defined $trailers) {
        pos($c->{in}) = $at;
        if ($c->{in} =~ /\G0+[^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n/g) {
            $trailers = $1;
        } else {
            $c->fill($end) or return $r->{complete} = 0, last_words($c, $r);
        }
    }
    $r->{trailers} = Weir::HTTP::Message::parse_fields($trailers);
    $r->{raw} .= substr $c->{in}, 0, pos $c->{in}, '';
}

# read_all(timeout): every byte until the peer closes (or the time is over).
sub read_all {
    my ($c, $timeout) = @_;
    my $end = time + ($timeout // $c->{timeout});

    1 while $c->fill($end);
    my $all = $c->{in};
    $c->{in} = '';
    return $all;
}

# read_until($regex, timeout): bytes up to and with the match, undef if it did
# not come.
sub read_until {
    my ($c, $re, $timeout) = @_;
    my $end = time + ($timeout // $c->{timeout});

    do {
        return substr $c->{in}, 0, $+[0], '' if $c->{in} =~ $re;
    } while ($c->fill($end));
    return;
}

# closed(timeout): true when the peer closes without another byte.
sub closed {
    my ($c, $timeout) = @_;
    my $end = time + ($timeout // $c->{timeout});

    1 while $c->{in} eq '' && $c->fill($end);
    return $c->{eof} && $c->{in} eq '' ? 1 : 0;
}

# quiet($seconds): true when neither a byte nor an end comes for that long.
sub quiet {
    my ($c, $seconds) = @_;

    return $c->{in} eq '' && !$c->{eof}
        && !$c->can('read', time + $seconds) ? 1 : 0;
}

# was_reset(): the connection ended with an error rather than in peace.
sub was_reset { return $_[0]{reset} ? 1 : 0 }

# unread(): bytes received and not yet asked for.
sub unread { return $_[0]{in} }

sub shutdown_write { shutdown $_[0]{sock}, 1 }

sub close { CORE::close $_[0]{sock} }

# abort(): closes with a reset.
sub abort {
    my ($c) = @_;

    setsockopt $c->{sock}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0);
    CORE::close $c->{sock};
}

sub local_port { return $_[0]{sock}->sockport }

# Reads once into the buffer; false at the end, an error or the deadline.
sub fill {
    my ($c, $end) = @_;

    return 0 if $c->{eof} || !$c->can('read', $end);
    my $n = sysread $c->{sock}, $c->{in}, 262144, length $c->{in};
    return $n if $n;
    return 1 if !defined $n && $!{EINTR};
    $c->{reset} = 1 if !defined $n;
    $c->{eof} = 1;
    return 0;
}

# can('read' | 'write', $deadline), or UNIVERSAL's for any other words.
sub can {
    my ($c, $what, $end) = @_;

    return $c->SUPER::can($what) if !defined $end;
    for (;;) {
        my $left = $end - time;
        my ($r, $w) = ('', '');
        vec($what eq 'read' ? $r : $w, fileno $c->{sock}, 1) = 1;
        my $n = select $r, $w, undef, $left > 0 ? $left : 0;
        return $n > 0 if $n >= 0 || !$!{EINTR};
    }
}

1;
