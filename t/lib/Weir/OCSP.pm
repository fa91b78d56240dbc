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
use IO::Socket::INET ();
use MIME::Base64 qw(decode_base64);
use POSIX ();

use Weir::Backend ();
use Weir::Ports ();
use Weir::TLS ();

my $owner = $$;
my @name_servers;

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
    # signed by somebody else, about another certificate, from the past, signed by
    # the certificate itself (see prepare)
    stranger => sub { return message($_[0]->answer($_[1], $_[2], signer => 'strange')) },
    other => sub { return message($_[0]{pki}->read('other.der')) },
    late => sub { return message($_[0]{pki}->read('late.der')) },
    own => sub { return message($_[0]{pki}->read('own.der')) },
    error => sub { return message("\x30\x03\x0a\x01\x03") }, # tryLater
    cut => sub { return message(substr $_[0]->answer($_[1], $_[2]), 0, 100) },
    behind => sub { return message($_[0]->answer($_[1], $_[2]) . 'x') },
    # good for a few seconds, and a longer one after that; fickle has no more of
    # them, and notes between which times the one that it had ends
    brief => sub {
        my $path = $_[0]{pki}->path('brief.once');
        my $seconds = -e $path ? 600 : 6;
        $_[0]{pki}->write('brief.once', '');
        return message($_[0]->answer($_[1], $_[2], next => $seconds));
    },
    fickle => sub {
        my $path = $_[0]{pki}->path('fickle.once');
        return "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n" if -e $path;
        my $first = time;
        my $answer = $_[0]->answer($_[1], $_[2], next => 6);
        $_[0]{pki}->write('fickle.once', $first + 6 . ' ' . (time + 6));
        return message($answer);
    },
    # not before patient.go is there
    patient => sub {
        for (1 .. 600) { last if -e $_[0]{pki}->path('patient.go'); select undef, undef, undef, 0.1 }
        return message($_[0]->answer($_[1], $_[2]));
    },
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
    slow => sub { my $c = $_[3]; $c->send("HTTP/1.1 200 OK\r\nX-A: "); for (1 .. 300) { $c->send('a') or last; select undef, undef, undef, 0.1 } return '' },
    silent => sub { sleep 30; return '' },
);

sub new {
    my ($class, $pki) = @_;
    my $o = bless { pki => $pki, port => Weir::Ports::free_port() }, $class;

    $o->{backend} = Weir::Backend->http(sub {
        my ($request, $c) = @_;
        my ($what, $ca, $rest) = $request->uri =~ m{\A/(\w+)/(\w+)[/?]?(.*)\z}s;
        my $der = $request->method eq 'POST' ? $request->body
            : decode_base64($rest =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger);

        $c->send($does{$what}->($o, $der, $ca, $c));
        $c->close;
        return undef;
    }, port => $o->{port});
    return $o;
}

sub url {
    my ($o, $what, $ca, $host) = @_;

    die "no $what\n" if !$does{$what};
    return 'http://' . ($host // '127.0.0.1') . ":$o->{port}" . "/$what/$ca";
}

sub asked {
    my ($o, $what) = @_;

    return scalar grep { $_->uri =~ m{\A/$what/} } $o->{backend}->requests;
}

sub backend { return $_[0]{backend} }

# prepare($what => $certificate, ..., by => $ca): the answers of other, late and
# own.
sub prepare {
    my ($o, %of) = @_;
    my $ca = delete $of{by};

    $o->{pki}->write('other.der', $o->answer(undef, $ca, about => $of{other}));
    $o->{pki}->write('own.der', $o->answer(undef, $ca, about => $of{own}, signer => $of{own}));
    $o->{pki}->write('late.der', $o->answer(undef, $ca, about => $of{late}, next => -3600));
    return;
}

# name_server(): the port of one for which all names are 127.0.0.1.
sub name_server {
    my $dns = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp')
        or die "no name server: $!\n";
    my $pid = fork // die "fork: $!\n";

    if ($pid) {
        push @name_servers, $pid;
        return $dns->sockport;
    }
    $SIG{TERM} = 'DEFAULT';
    while ($dns->recv(my $question, 4096)) {
        my ($labels) = substr($question, 12) =~ /\A((?:[^\0].*?)\0....)/s;
        my $is_a = substr($labels, -4) eq "\0\1\0\1";

        $dns->send(substr($question, 0, 2) . pack('n5', 0x8180, 1, $is_a ? 1 : 0, 0, 0)
            . $labels . ($is_a ? pack('n n n N n C4', 0xc00c, 1, 1, 60, 4, 127, 0, 0, 1) : ''));
    }
    POSIX::_exit(0);
}

END { kill 'KILL', @name_servers if @name_servers && $$ == $owner }

# answer($request, $ca, signer => NAME, about => NAME,
#        next => SECONDS until there is to be a newer one, which may be over)
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
    my $der = <$out>;
    return defined $opt{next} ? $o->redate($der, $signer, $opt{next}) : $der;
}


# ---- other times than the openssl command knows -----------------------------

# part($der, $at): where the value of what is there begins, and where it ends.
sub part {
    my ($der, $at) = @_;
    my $n = ord substr $der, $at + 1, 1;

    return ($at + 2, $at + 2 + $n) if $n < 128;
    my $from = $at + 2 + ($n & 127);
    return ($from, $from + oct('0x' . unpack 'H*', substr $der, $at + 2, $n & 127));
}

sub value {
    my ($tag, $bytes) = @_;
    my $n = length $bytes;

    return pack('CCn', $tag, 0x82, $n) . $bytes;
}

# redate($der, $signer, $seconds): signed anew.
sub redate {
    my ($o, $der, $signer, $seconds) = @_;
    my ($at) = part($der, 0);
    my $stamp = sub { POSIX::strftime('%Y%m%d%H%M%SZ', gmtime(time + $_[0])) };

    # OCSPResponse { status, [0] { { type, OCTET STRING { BasicOCSPResponse
    (undef, $at) = part($der, $at);
    ($at) = part($der, $at);
    ($at) = part($der, $at);
    my (undef, $end) = part($der, $at);
    my $type = substr $der, $at, $end - $at;
    ($at) = part($der, $end);
    # { responseData, algorithm, signature, ...
    ($at) = part($der, $at);
    (undef, $end) = part($der, $at);
    my $data = substr $der, $at, $end - $at;
    my (undef, $behind) = part($der, $end);
    my $algorithm = substr $der, $end, $behind - $end;
    (undef, my $rest) = part($der, $behind);
    my $certificates = substr $der, $rest;

    my @times = ($stamp->(-7200), $stamp->(-7200), $stamp->($seconds));
    $data =~ s/\x18\x0f\d{14}Z/"\x18\x0f" . shift @times/ge;
    my $file = $o->{pki}->write("data$$", $data);
    my ($signature) = Weir::TLS::run('', 'openssl', 'dgst', '-sha256', '-sign',
                                     $o->{pki}->path("$signer.key"), $file);
    unlink $file;
    my $basic = value(0x30, $data . $algorithm . value(0x03, "\0$signature") . $certificates);
    return value(0x30, "\x0a\x01\0" . value(0xa0, value(0x30, $type . value(0x04, $basic))));
}

1;
