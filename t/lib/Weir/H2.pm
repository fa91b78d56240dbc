# SPDX-License-Identifier: BSD-2-Clause
#
# An HTTP/2 client for tests that sends exactly the frames it is told to:
#
#     my $c = Weir::H2->new(port => 8080);          # or tls => 1, sni => 'a.test'
#     my $id = $c->request('GET', '/', headers => [a => 1], body => 'x');
#     my $s = $c->wait($id);
#     is $s->{status}, 200;         # body, fields, trailers, reset, interim
#
# It answers SETTINGS and PING, and opens windows by what comes, unless it is
# told not to (quiet => 1, closed => 1).  Every wait has a limit.

package Weir::H2;

use strict;
use warnings;

use Exporter 'import';
use IO::Select;
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(time);

use Weir::Hpack;

our @EXPORT_OK = qw(frame $PREFACE);
our $TIMEOUT = 10 * ($ENV{TEST_SLOW} || 1);
our $PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

use constant {
    DATA => 0, HEADERS => 1, PRIORITY => 2, RST_STREAM => 3, SETTINGS => 4,
    PUSH_PROMISE => 5, PING => 6, GOAWAY => 7, WINDOW_UPDATE => 8,
    CONTINUATION => 9, PRIORITY_UPDATE => 16,
    END_STREAM => 1, ACK => 1, END_HEADERS => 4, PADDED => 8,
};

# frame($type, $flags, $id, $payload): the bytes; a function.
sub frame {
    my ($type, $flags, $id, $payload) = @_;
    $payload //= '';

    return substr(pack('N', length $payload), 1)
        . pack('CCN', $type, $flags, $id) . $payload;
}

# new(port => N, tls => 1, sni => NAME, settings => [id => value, ...],
#     bare => 1 (sends nothing), quiet => 1, closed => 1, early => bytes)
sub new {
    my ($class, %opt) = @_;
    my $sock = IO::Socket::INET->new(PeerAddr => $opt{host} // '127.0.0.1',
        PeerPort => $opt{port}, Proto => 'tcp')
        or die "cannot connect to $opt{port}: $!\n";

    setsockopt $sock, IPPROTO_TCP, TCP_NODELAY, 1;
    if ($opt{tls}) {
        require IO::Socket::SSL;
        IO::Socket::SSL->start_SSL($sock, SSL_verify_mode => 0,
            SSL_alpn_protocols => ['h2'], SSL_hostname => $opt{sni} // 'a.test')
            or die "TLS: $IO::Socket::SSL::SSL_ERROR\n";
    }
    binmode $sock;
    my $c = bless { sock => $sock, in => '', next => 1, streams => {},
        hpack => Weir::Hpack->new, frames => [], pongs => 0,
        scheme => $opt{tls} ? 'https' : 'http',
        timeout => $opt{timeout} // $TIMEOUT, %opt }, $class;
    $c->raw($PREFACE . frame(SETTINGS, 0, 0,
        join '', pairs(@{ $opt{settings} // [] }))) if !$opt{bare};
    return $c;
}

sub pairs {
    my @all = @_;
    my @out;

    while (my ($id, $value) = splice @all, 0, 2) {
        push @out, pack 'nN', $id, $value;
    }
    return @out;
}

sub socket { return $_[0]{sock} }
sub close { CORE::close $_[0]{sock} }

# raw($bytes): sends them; false when the peer is gone.
sub raw {
    my ($c, $bytes) = @_;
    my $end = time + $c->{timeout};
    local $SIG{PIPE} = 'IGNORE';

    $c->{sock}->blocking(0);
    while (length $bytes) {
        my $n = syswrite $c->{sock}, $bytes, 16384;
        if ($n) {
            substr $bytes, 0, $n, '';
            next;
        }
        return 0 if !$!{EAGAIN} && !$!{EWOULDBLOCK} || time > $end;
        # Nobody reads while nobody is read from.
        my $both = IO::Select->new($c->{sock});
        IO::Select->select($both, $both, undef, 0.05);
        $c->take(0);
        return 0 if $c->{eof};
    }
    return 1;
}

sub send { my ($c, @frame) = @_; return $c->raw(frame(@frame)) }

# head(METHOD, PATH, %opt): the fields of a request.
sub head {
    my ($c, $method, $path, %opt) = @_;
    my @out = (':method', $method, ':scheme', $opt{scheme} // $c->{scheme},
        ':path', $path);

    push @out, ':authority', $opt{authority} // 'a.test'
        if !exists $opt{authority} || defined $opt{authority};
    return (@out, @{ $opt{headers} // [] });
}

# request(METHOD, PATH, headers => [...], body => bytes, open => 1,
#     trailers => [...]): the number of the stream.  open: the body goes on.
sub request {
    my ($c, $method, $path, %opt) = @_;

    return $c->fields([$c->head($method, $path, %opt)], %opt);
}

# fields([name => value, ...], %opt): the same with these alone.
sub fields {
    my ($c, $fields, %opt) = @_;
    my $id = $c->{next};
    my $has_more = defined $opt{body} || $opt{open} || $opt{trailers};
    my $block = defined $opt{block} ? $opt{block} : Weir::Hpack::encode(@$fields);
    my $bytes = '';

    $c->{next} += 2;
    my @parts = $block =~ /(.{1,16384})/gs;
    @parts = ('') if !@parts;
    for my $i (0 .. $#parts) {
        $bytes .= frame($i ? CONTINUATION : HEADERS,
            ($i == $#parts ? END_HEADERS : 0)
                | (!$i && !$has_more ? END_STREAM : 0), $id, $parts[$i]);
    }
    if (defined $opt{body}) {
        my @data = $opt{body} =~ /(.{1,16384})/gs;
        my $ends = !$opt{open} && !$opt{trailers};
        $bytes .= frame(DATA, $ends && $_ == $#data ? END_STREAM : 0, $id,
            $data[$_]) for 0 .. $#data;
        $bytes .= frame(DATA, END_STREAM, $id) if $ends && !@data;
    }
    $bytes .= frame(HEADERS, END_HEADERS | END_STREAM, $id,
        Weir::Hpack::encode(@{ $opt{trailers} })) if $opt{trailers};
    $c->raw($bytes);
    return $id;
}

# wait($id, ...): until these streams have ended, the connection has, or the
# time is over; the first of them.
sub wait {
    my ($c, @ids) = @_;

    $c->until(sub { !grep { !$c->stream($_)->{done} } @ids });
    return $c->stream($ids[0]);
}

sub get {
    my ($c, $path, %opt) = @_;

    return $c->wait($c->request('GET', $path, %opt));
}

# until(sub { ... }, $seconds): reads until it says yes; its answer.
sub until {
    my ($c, $ask, $limit) = @_;
    my $end = time + ($limit // $c->{timeout});

    while (!$ask->()) {
        return $ask->() if $c->{eof} || time >= $end;
        $c->take($end - time < 0.2 ? $end - time : 0.2);
    }
    return 1;
}

sub stream { return $_[0]{streams}{ $_[1] } //= { body => '', fields => [],
    interim => [], data => 0 } }
sub goaway { return $_[0]{goaway} }     # the code; undef: none
sub eof { return $_[0]{eof} }

# until_closed($seconds): whether the peer closes it.
sub until_closed {
    my ($c, $limit) = @_;

    return $c->until(sub { $c->{eof} }, $limit);
}

# ping(): whether the peer is there, and has taken all that was sent before.
sub ping {
    my ($c) = @_;
    my $before = $c->{pongs};

    $c->send(PING, 0, 0, 'are you?');
    return $c->until(sub { $c->{pongs} > $before });
}

sub take {
    my ($c, $limit) = @_;
    my $ready = $c->{sock}->can('pending') && $c->{sock}->pending
        || IO::Select->new($c->{sock})->can_read($limit);

    return if !$ready;
    $c->{sock}->blocking(0);
    my $n = sysread $c->{sock}, $c->{in}, 262144, length $c->{in};
    if (!$n) {
        $c->{eof} = 1 if defined $n || !$!{EAGAIN} && !$!{EWOULDBLOCK};
        return;
    }
    while (length $c->{in} >= 9) {
        my $size = unpack 'N', "\0" . substr $c->{in}, 0, 3;
        last if length $c->{in} < 9 + $size;
        my (undef, undef, undef, $type, $flags, $id)
            = unpack 'CCCCCN', substr $c->{in}, 0, 9, '';
        $c->react($type, $flags, $id & 0x7fffffff,
            substr $c->{in}, 0, $size, '');
    }
}

sub react {
    my ($c, $type, $flags, $id, $data) = @_;
    my $s = $c->stream($id);

    push @{ $c->{frames} }, [$type, $flags, $id, $data];
    if ($type == SETTINGS && !($flags & ACK)) {
        $c->{got_settings} = { unpack '(nN)*', $data };
        $c->raw(frame(SETTINGS, ACK, 0)) if !$c->{quiet};
    } elsif ($type == PING) {
        $c->{pongs}++ if $flags & ACK;
        $c->raw(frame(PING, ACK, 0, $data)) if !($flags & ACK) && !$c->{quiet};
    } elsif ($type == GOAWAY) {
        ($c->{last}, $c->{goaway}) = unpack 'NN', $data;
    } elsif ($type == RST_STREAM) {
        $s->{reset} = unpack 'N', $data;
        $s->{done} = 1;
    } elsif ($type == WINDOW_UPDATE) {
        $s->{window} += unpack 'N', $data;
    } elsif ($type == HEADERS || $type == CONTINUATION) {
        $c->{block} .= $data;
        $c->take_head($s) if $flags & END_HEADERS;
    } elsif ($type == DATA) {
        $s->{body} .= $data;
        $s->{data}++;
        my $n = pack 'N', length $data;
        $c->raw(frame(WINDOW_UPDATE, 0, 0, $n)
            . ($flags & END_STREAM ? '' : frame(WINDOW_UPDATE, 0, $id, $n)))
            if length $data && !$c->{closed};
    }
    $s->{done} = 1 if $type <= HEADERS && $flags & END_STREAM;
}

sub take_head {
    my ($c, $s) = @_;
    my @fields = $c->{hpack}->decode($c->{block});

    $c->{block} = '';
    if (($fields[0] // '') ne ':status') {
        $s->{trailers} = \@fields;
    } elsif ($fields[1] < 200) {
        push @{ $s->{interim} }, \@fields;
    } else {
        $s->{status} = $fields[1];
        $s->{fields} = \@fields;
    }
}

# value($stream, $name): of a field of the response; undef: none.
sub value {
    my ($c, $s, $name) = @_;
    my @f = @{ $s->{fields} };

    while (my ($n, $v) = splice @f, 0, 2) {
        return $v if $n eq $name;
    }
    return undef;
}

1;
