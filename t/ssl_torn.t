# SPDX-License-Identifier: BSD-2-Clause
#
# Handshakes and records that come in pieces, too late, or not at all; and how
# connections end.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(sleep time);
use Weir::Test;
use Weir::TLS;

need_tls();

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->issue('a', kind => 'rsa');
$t->write('html/big', join '', map { chr($_ * 13 % 241) } 1 .. 300_000);
$t->run(<<'EOC');
%%HTTP%%
    ssl_certificate %%TESTDIR%%/tls/a.pem;
    ssl_certificate_key %%TESTDIR%%/tls/a.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    server {
        listen 127.0.0.1:%%PORT%% ssl;
        keepalive_timeout 2s;
        location / { return 200 "ok $ssl_server_name $request_length"; }
        location /big { root %%TESTDIR%%/html; }
    }
    server {
        listen 127.0.0.1:%%PORT_records%% ssl;
        ssl_buffer_size 512;
        root %%TESTDIR%%/html;
    }
    server {
        listen 127.0.0.1:%%PORT_impatient%% ssl;
        client_header_timeout 1s;
    }
}
EOC
my $port = $t->port;

# relay($port, %opt): the port of one who passes on what comes in pieces of
# up_size bytes (towards the server; down_size from it), with a pause, and cuts
# each ClientHello into records of hello_size bytes.
my @relays;
sub relay {
    my ($to, %opt) = @_;
    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 8)
        or die "listen: $!\n";
    my $pid = fork // die "fork: $!\n";
    if ($pid) {
        push @relays, $pid;
        return $listen->sockport;
    }
    $SIG{ALRM} = 'DEFAULT';
    alarm 60;
    while (my $client = $listen->accept) {
        my $server = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$to") or next;
        pass_on($client, $server, %opt);
    }
    POSIX::_exit(0);
}

sub pass_on {
    my ($client, $server, %opt) = @_;
    my $select = IO::Select->new($client, $server);
    my $is_first = 1;

    while (my @ready = $select->can_read(10)) {
        for my $from (@ready) {
            my $to = $from == $client ? $server : $client;
            my $size = $from == $client ? $opt{up_size} : $opt{down_size};
            my $n = sysread $from, my $bytes, 65536;
            return if !$n;
            if ($from == $client && $is_first && $opt{hello_size}) {
                $bytes = in_records($bytes, $opt{hello_size});
            }
            $is_first = 0 if $from == $client;
            for my $piece ($size ? unpack("(a$size)*", $bytes) : $bytes) {
                sleep $opt{pause} if $opt{pause};
                while (length $piece) {
                    my $out = syswrite $to, $piece or return;
                    substr $piece, 0, $out, '';
                }
            }
        }
    }
}

# The message of the first record, in records of so many bytes.
sub in_records {
    my ($bytes, $size) = @_;
    my ($type, $version, $n) = unpack 'a a2 n', $bytes;
    my $rest = substr $bytes, 5 + $n;

    return join('', map { $type . $version . pack('n', length) . $_ }
        unpack "(a$size)*", substr $bytes, 5, $n) . $rest;
}

# fetch($port, $uri, @args): the body
sub fetch {
    my ($to, $uri, @args) = @_;
    my ($body) = curl("https://a.test:$to$uri", @args);

    return $body;
}


# ---- in pieces ------------------------------------------------------------------

my $big = $t->read('html/big');
for my $version ('1.2', '1.3') {
    my @v = ('--tls-max', $version);

    like fetch(relay($port, up_size => 1), '/', @v), qr/^ok a.test/, "$version: each byte alone";
    like fetch(relay($port, hello_size => 60), '/', @v), qr/^ok a.test/, 'a hello in several records';
    like fetch(relay($port, hello_size => 1), '/', @v), qr/^ok a.test/, 'of one byte each';
    like fetch(relay($port, hello_size => 100, up_size => 7, pause => 0.001), '/', @v), qr/^ok a.test/,
        'slowly';
    ok fetch(relay($port, down_size => 1000), '/big', @v) eq $big, 'a large response in pieces';
    ok fetch($t->port('records'), '/big', @v) eq $big, 'in small records';
}


# ---- stalled ----------------------------------------------------------------------

my %wait = (nothing => '', 'a head' => "\x16\x03\x01",
            'half a hello' => "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" . 'x' x 100);
for my $what (sort keys %wait) {
    my $c = $t->connect(port => $t->port('impatient'));
    my $start = time;
    $c->send($wait{$what});
    ok $c->closed, "$what: closed";
    cmp_ok time - $start, '>=', 0.8, 'after client_header_timeout';
}
my %bad = ('no hello' => "\x16\x03\x01\x00\x04\x02\x00\x00\x00",
           'too long a record' => "\x16\x03\x01\xff\xff" . 'x' x 20000,
           'an empty record' => "\x16\x03\x01\x00\x00",
           'SSLv2' => "\x80\x2e\x01\x03\x01" . 'x' x 50);
for my $what (sort keys %bad) {
    my $c = $t->connect;
    $c->send($bad{$what});
    unlike $c->read_all // '', qr/^HTTP/, "$what: refused";
}


# ---- the end ------------------------------------------------------------------------

my $request = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
for my $version (qw(tls1_2 tls1_3)) {
    my $text = s_client($port, "GET / HTTP/1.0\r\n\r\n", "-$version");
    like $text, qr/ok/, "$version: a response";
    unlike $text, qr/unexpected eof/, 'and close_notify behind it';
    $text = s_client($port, $request, "-$version");
    like $text, qr/ok/, 'a kept connection';
    unlike $text, qr/unexpected eof/, 'ends with close_notify, too';
}
# A client that closes without a word, in the middle and behind a request.
for my $cut (3, 100, 300, 600, 1000) {
    my $c = $t->connect;
    my $pid = relay($port);
    open my $client, '-|', "(printf 'GET /big HTTP/1.0\\r\\n\\r\\n') | timeout 5 openssl s_client -quiet -ign_eof -connect 127.0.0.1:$pid 2>/dev/null"
        or die;
    read $client, (my $some), $cut;
    close $client;
    is length($some), $cut, "cut after $cut bytes";
    $c->close;
}
like fetch($port, '/'), qr/^ok/, 'it still serves';
kill 'TERM', @relays;
waitpid $_, 0 for @relays;
# nginx before 1.31 thinks otherwise.
if (is_oracle()) {
    $t->expect_log(qr/SSL_do_handshake\(\) failed/);
} else {
    unlike $t->read('error.log'), qr/\[(?:error|crit|alert|emerg)\]/,
        'all that is not worth more than info';
}

done_testing;
