# SPDX-License-Identifier: BSD-2-Clause
#
# What TLS and HTTP/2 held for connections goes back to the system when they are closed,
# however they ended, and although no others follow.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::H2;
use Weir::Processes qw(children);
use Weir::Test;
use Weir::TLS;

need_tls();
plan skip_all => 'a directive of weir' if is_oracle();
plan skip_all => 'no IO::Socket::SSL: sh auto/deps test installs it'
    if !eval { require IO::Socket::SSL; 1 };
plan skip_all => 'a sanitizer has its own' if !lives_on();
plan skip_all => 'smaps tell no flags' if do { local (@ARGV, $/) = '/proc/self/smaps'; <> } !~ /^VmFlags:/m;

my $conf = <<'EOC';
worker_processes 1;
ssl_idle_sleep 400ms;
%%GLOBALS%%
events { worker_connections 1024; }
http {
    %%GLOBALS_HTTP%%
    ssl_certificate %%TESTDIR%%/tls/a.pem;
    ssl_certificate_key %%TESTDIR%%/tls/a.key;
    ssl_protocols TLSv1.3;
    access_log off;
    server { listen 127.0.0.1:%%PORT%% ssl; http2 on; return 200 "$ssl_protocol"; }
}
EOC

# held($t): kB of the mappings without huge pages, which are those of connections
sub held {
    my ($t) = @_;
    my ($worker) = children($t->pid);
    my $n = 0;

    for my $map (split /^(?=[0-9a-f]+-[0-9a-f]+ )/m, $t->read('/proc/' . ($worker // $t->pid) . '/smaps')) {
        $n += $1 if $map =~ /^VmFlags:.* nh\b/m && $map =~ /^Rss:\s+(\d+)/m;
    }
    return $n;
}

# check($kind, $conf, %opt): as many connections at once, and what is left of them
sub check {
    my ($kind, $conf, %opt) = @_;
    my $t = Weir::Test->new;
    my $pki = Weir::TLS->new($t);

    $pki->ca('ca');
    $pki->issue('a', by => 'ca');
    $t->run($conf);
    my @all = map {
        $opt{h2} ? Weir::H2->new(port => $t->port, tls => 1) :
        IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => $t->port, SSL_verify_mode => 0, Timeout => 10, %opt)
    } 1 .. 20;
    is scalar(grep { defined } @all), $opt{SSL_version} ? 0 : 20, "$kind: 20 connections";
    cmp_ok held($t), '>', 0, '... take memory';
    @all = ();
    ok wait_until(sub { held($t) == 0 }), '... which goes back' or diag held($t) . ' kB are left';
    $t->stop;
}

check('open ones', $conf);
check('nobody sleeps', $conf =~ s/400ms/off/r);
check('HTTP/2', $conf, h2 => 1);
check('failed handshakes', $conf, SSL_version => 'TLSv1_2');

done_testing;
