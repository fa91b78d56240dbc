# SPDX-License-Identifier: BSD-2-Clause
#
# An OCSP responder for the certificates of a Weir::TLS, good or hostile.
#
#     my $ocsp = Weir::OCSP->new($pki);
#     $ocsp->url('good', 'ca');       # what it does, and whose certificates
#     $ocsp->asked('good');           # how often that has been asked for
#
# The answers are made by the openssl command out of index.txt at the time, so
# that a certificate can be revoked in between.  What it can do besides is in
# %does.

package Weir::OCSP;

use strict;
use warnings;

use File::Temp ();
use MIME::Base64 qw(decode_base64);

use Weir::Backend ();
use Weir::TLS ();

# message($body, %fields): a response that ends with the connection.
sub message {
    my ($body, %fields) = @_;
    my %all = ('Content-Type' => 'application/ocsp-response',
               'Content-Length' => length $body, Connection => 'close', %fields);

    return "HTTP/1.1 200 OK\r\n"
        . join('', map { defined $all{$_} ? "$_: $all{$_}\r\n" : '' } sort keys %all)
        . "\r\n$body";
}

my %does = (
    good => sub { return message($_[0]->answer($_[1], $_[2])) },
    # until the connection ends, in chunks, behind an interim response
    endless_length => sub { return message($_[0]->answer($_[1], $_[2]), 'Content-Length' => undef) },
    chunked => sub {
        my $der = $_[0]->answer($_[1], $_[2]);
        my @parts = ($der =~ /(.{1,100})/gs);
        return message(join('', map { sprintf("%x\r\n%s\r\n", length, $_) } @parts) . "0\r\n\r\n",
                       'Content-Length' => undef, 'Transfer-Encoding' => 'chunked');
    },
    interim => sub { return "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" . message($_[0]->answer($_[1], $_[2])) },
    # signed by somebody else, for another certificate, from the past
    stranger => sub { return message($_[0]->answer($_[1], $_[2], signer => 'strange')) },
    other => sub { return message($_[0]->answer($_[1], $_[2], about => $_[0]{other})) },
    late => sub { return message($_[0]{late}) },
    error => sub { return message("\x30\x03\x0a\x01\x03") }, # tryLater
    cut => sub { return message(substr $_[0]->answer($_[1], $_[2]), 0, 100) },
    behind => sub { return message($_[0]->answer($_[1], $_[2]) . 'x') },
    # no OCSP at all
    garbage => sub { return "\x16\x03\x01\x00\x05hello" },
    html => sub { return message('<html>', 'Content-Type' => 'text/html') },
    empty => sub { return message('') },
    missing => sub { return message($_[0]->answer($_[1], $_[2])) =~ s/200 OK/404 Not Found/r },
    redirect => sub { return "HTTP/1.1 302 Found\r\nLocation: " . $_[0]->url('good', $_[2]) . "\r\nContent-Length: 0\r\n\r\n" },
    shut => sub { return '' },
    early => sub { return message($_[0]->answer($_[1], $_[2]), 'Content-Length' => 10_000) },
    # too much, too slowly, or nothing
    large => sub { return message('0' x 1_000_000) },
    header => sub { return "HTTP/1.1 200 OK\r\nX-A: " . 'a' x 200_000 . "\r\n\r\n" },
    interims => sub { return "HTTP/1.1 100 Continue\r\n\r\n" x 10_000 },
    endless => sub { my $c = $_[3]; 1 while $c->send('x' x 1000); return '' },
    slow => sub { my $c = $_[3]; for (1 .. 300) { $c->send('H') or last; select undef, undef, undef, 0.1 } return '' },
    silent => sub { sleep 30; return '' },
);

sub new {
    my ($class, $pki) = @_;
    my $o = bless { pki => $pki }, $class;

    $o->{backend} = Weir::Backend->http(sub {
        my ($request, $c) = @_;
        my ($what, $ca, $rest) = $request->uri =~ m{\A/(\w+)/(\w+)/?(.*)\z}s;
        my $der = $request->method eq 'POST' ? $request->body
            : decode_base64($rest =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger);

        $c->send($does{$what}->($o, $der, $ca, $c));
        $c->close;
        return undef;
    });
    return $o;
}

sub url {
    my ($o, $what, $ca) = @_;

    die "no $what\n" if !$does{$what};
    return 'http://127.0.0.1:' . $o->{backend}->port . "/$what/$ca";
}

sub asked {
    my ($o, $what) = @_;

    return scalar grep { $_->uri =~ m{\A/$what/} } $o->{backend}->requests;
}

sub backend { return $_[0]{backend} }

# answer($request, $ca, signer => NAME, about => NAME, days => N)
sub answer {
    my ($o, $request, $ca, %opt) = @_;
    my ($pki, $signer) = ($o->{pki}, $opt{signer} // $ca);
    my $in = File::Temp->new(DIR => $pki->path(''));
    my $out = File::Temp->new(DIR => $pki->path(''));
    my @about = $opt{about} ? ('-issuer', $pki->path("$ca.pem"), '-cert', $pki->path("$opt{about}.pem"))
        : ('-reqin', $in->filename);

    binmode $in;
    print $in $request // '';
    $in->flush;
    local $SIG{CHLD} = 'DEFAULT';
    Weir::TLS::openssl('ocsp', '-index', $pki->path('index.txt'), '-CA', $pki->path("$ca.pem"),
        '-rsigner', $pki->path("$signer.pem"), '-rkey', $pki->path("$signer.key"), @about,
        '-respout', $out->filename, '-ndays', $opt{days} // 1, '-noverify');
    binmode $out;
    local $/;
    return scalar <$out>;
}

1;
