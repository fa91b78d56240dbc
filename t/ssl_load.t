# SPDX-License-Identifier: BSD-2-Clause
#
# TLS under load, while the configuration is reloaded and certificates change: no
# handshake fails, and no connection is closed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Load;
use Weir::Test;
use Weir::TLS;

need_tls();
plan skip_all => 'no IO::Socket::SSL: sh auto/deps test installs it'
    if !eval { require IO::Socket::SSL; 1 };

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca('ca');
$pki->issue($_, by => 'ca', names => ['live.test']) for qw(one two);
sub put { $pki->write("live.$_", $pki->read("$_[0].$_")) for qw(key pem) }
put('one');

my $conf = <<'EOC';
worker_processes 2;
%%HTTP%%
    keepalive_requests 1000000;
    ssl_certificate %%TESTDIR%%/tls/live.pem;
    ssl_certificate_key %%TESTDIR%%/tls/live.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:S:200k;
    upstream tls { server 127.0.0.1:%%PORT_tls%%; keepalive 4; }
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        server_name live.test;
        location / { return 200 "WORD\n"; }
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_ssl_verify on;
        proxy_ssl_trusted_certificate %%TESTDIR%%/tls/ca.pem;
        proxy_ssl_name live.test;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host live.test;
        location / { proxy_pass https://tls; }
    }
}
EOC
$t->run($conf =~ s/WORD/0/r);
my $port = $t->port('tls');

# A new connection, whose certificate is verified; the same session again where
# the client has one.
my %sessions = (SSL_session_cache => IO::Socket::SSL::Session_Cache->new(4));
sub dial {
    my ($version, @more) = @_;
    return IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => Weir::Test::slow(10),
        SSL_hostname => 'live.test', SSL_verifycn_name => 'live.test', SSL_version => $version,
        SSL_ca_file => $pki->path('ca.pem'), @more) // die 'handshake: ' . IO::Socket::SSL::errstr() . "\n";
}

sub ask {
    my ($c) = @_;
    my $text = '';
    print $c "GET / HTTP/1.1\r\nHost: live.test\r\n\r\n" or die "closed\n";
    while ($text !~ /\r\n\r\n\d+\n/) {
        sysread $c, $text, 4096, length $text or die "closed after \"$text\"\n";
    }
    return $text =~ /^HTTP\/1.1 200 / ? undef : $text;
}
sub anew {
    my (@args) = @_;
    return sub {
        my $c = dial(@args);
        my $wrong = ask($c);
        $c->close;
        return $wrong // ();
    };
}
my $kept;
my $load = Weir::Load->start(
    anew('TLSv1_3'), anew('TLSv1_2', %sessions),
    # Which workers close when they end.
    (lives_on() ? sub { $kept //= dial('TLSv1_3'); return ask($kept) // () } : ()),
    Weir::Load::asking($t, keep => 1),
);

# serves($word): the configuration is served.
sub serves {
    my ($word) = @_;
    return wait_until(sub { (curl("https://live.test:$port/"))[0] eq "$word\n" });
}
for my $i (1 .. 6) {
    put($i % 2 ? 'two' : 'one');
    select undef, undef, undef, 0.4 if $i > 3; # renewed before the reload
    $t->conf($conf =~ s/WORD/$i/r);
    $t->reload;
    ok serves($i), "configuration $i";
}
my ($made, $failed, $why) = $load->stop;
cmp_ok $made, '>', 40, 'requests';
is $failed, 0, 'none failed, and no connection was closed' or diag $why;
like $t->read('error.log'), qr/has changed and is used from now on/, 'certificates were renewed by themselves, too'
    if !is_oracle();
is scalar(my @n = $t->worker_pids), 2, 'by two workers';
done_testing;
