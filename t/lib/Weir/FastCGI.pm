# SPDX-License-Identifier: BSD-2-Clause
#
# A FastCGI application for weir to talk to, which sends exactly the bytes that
# it is told to:
#
#     my $app = Weir::FastCGI->new(sub {
#         my ($request, $c) = @_;
#         return answer("Content-Type: text/plain\r\n\r\nhello");
#     });
#     $app->port;
#     $app->requests;         # what came: [{ params => {}, ... }, ...]
#
# A request has ->{params} by name, ->{list} of [name, value] in their order,
# ->{body}, ->{keep}, ->{conn} (the connection's number), ->{records} (their
# types and lengths).  The callback gives back the bytes to send, or sends by
# $c->send (a Weir::HTTP) and gives back undef.  The connection is closed
# unless the request asks to keep it.

package Weir::FastCGI;

use strict;
use warnings;

use Exporter 'import';
use Time::HiRes ();

use Weir::Backend;

our @EXPORT = qw(fcgi_record out_record err_record end_record answer);
our @ISA = qw(Weir::Backend);

my %type = (begin => 1, end => 3, params => 4, in => 5, out => 6, err => 7);

sub new {
    my ($class, $callback, %opt) = @_;

    return Weir::Backend::new($class, \&serve, $callback, %opt);
}

# fcgi_record($type, $data, id => 1, version => 1, length => N, padding => N)
sub fcgi_record {
    my ($type, $data, %opt) = @_;
    my $padding = $opt{padding} // 0;

    return pack('CCnnCC', $opt{version} // 1, $type, $opt{id} // 1,
                $opt{length} // length $data, $padding, 0)
        . $data . "\0" x $padding;
}

sub out_record { return fcgi_record($type{out}, @_) }
sub err_record { return fcgi_record($type{err}, @_) }
sub end_record { return fcgi_record($type{end}, pack 'NCx3', 0, 0) }

# answer($text, size => N): a whole one, in records of at most size bytes.
sub answer {
    my ($text, %opt) = @_;
    my $size = $opt{size} // 65535;
    my $bytes = '';

    while (length $text) {
        $bytes .= out_record(substr $text, 0, $size, '');
    }
    return $bytes . out_record('') . end_record();
}

sub requests { return grep { !$_->{accepted} } $_[0]->records }

sub take {
    my ($c, $n) = @_;
    my $end = Time::HiRes::time() + 60;

    while (length $c->{in} < $n) {
        $c->fill($end) or return;
    }
    return substr $c->{in}, 0, $n, '';
}

# The next request, or nothing at the end.
sub read_request {
    my ($c) = @_;
    my %r = (body => '', records => []);
    my $params = '';

    while (1) {
        my $head = take($c, 8) // return;
        my ($version, $type, $id, $n, $padding) = unpack 'CCnnC', $head;
        my $data = take($c, $n) // return;
        take($c, $padding) // return;
        push @{ $r{records} }, [$type, $n];
        die "version $version, id $id\n" if $version != 1 || $id != 1;
        if ($type == $type{begin}) {
            my ($role, $flags) = unpack 'nC', $data;
            @r{qw(role keep)} = ($role, $flags & 1);
        } elsif ($type == $type{params}) {
            $params .= $data;
        } elsif ($type == $type{in}) {
            last if $n == 0;
            $r{body} .= $data;
        }
    }
    $r{list} = [read_pairs($params)];
    $r{params} = { map { @$_ } @{ $r{list} } };
    return \%r;
}

sub read_pairs {
    my ($bytes) = @_;
    my @list;

    while (length $bytes) {
        my @n = map {
            ord $bytes & 0x80
                ? unpack('N', substr $bytes, 0, 4, '') & 0x7fffffff
                : ord substr $bytes, 0, 1, '';
        } 0, 1;
        push @list, [map { substr $bytes, 0, $_, '' } @n];
    }
    return @list;
}

sub serve {
    my ($b, $c, $number) = @_;

    for (1 .. 100_000) {
        my $request = read_request($c) or return;
        $request->{conn} = $number;
        $b->record_request($request);
        my $answer = $b->{callback}->($request, $c);
        $c->send($answer) or return if defined $answer;
        return if !$request->{keep} || !defined fileno $c->socket;
    }
}

# Bodies are not kept, as they may be large.
sub record_request {
    my ($b, $request) = @_;

    Weir::Backend::record($b, { %$request, body => length $request->{body} });
}

1;
