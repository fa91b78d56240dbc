# SPDX-License-Identifier: BSD-2-Clause
#
# ssl_async towards upstreams: RSA keys of client certificates are used by threads,
# whoever passes the request on; and what happens where the client leaves
# meanwhile, and where the server ends.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Weir::Test;
use Weir::TLS;

need_tls();
need_module('threads');
plan(skip_all => 'a directive of weir') if is_oracle();

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca('ca');
$pki->issue($_, by => 'ca') for qw(up ec);
$pki->issue($_, by => 'ca', kind => 'rsa4096') for qw(one two);
chmod 0644, $pki->path("$_.key") for qw(one two ec); # for workers

my $conf = <<'EOC';
worker_processes 1;
thread_pool other threads=2;
thread_pool one threads=1;
%%HTTP%%
    ssl_certificate %%TESTDIR%%/tls/up.pem;
    ssl_certificate_key %%TESTDIR%%/tls/up.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    proxy_ssl_protocols TLSv1.2 TLSv1.3;
    proxy_ssl_session_reuse off;
    grpc_ssl_session_reuse off;
    proxy_connect_timeout 120s;
    server {
        listen 127.0.0.1:%%PORT_up%% ssl;
        http2 on;
        ssl_verify_client optional;
        ssl_client_certificate %%TESTDIR%%/tls/ca.pem;
        return 200 "$ssl_client_s_dn $ssl_client_verify $ssl_protocol $ssl_session_reused\n";
    }
    server {
        listen 127.0.0.1:%%PORT_off%%;
        location / { PASS ONE }
    }
    server {
        listen 127.0.0.1:%%PORT_on%%;
        ssl_async threads=other;
        location /none { PASS }
        location /ec { PASS proxy_ssl_certificate %%TESTDIR%%/tls/ec.pem; proxy_ssl_certificate_key %%TESTDIR%%/tls/ec.key; }
        location /one { PASS ONE }
        location /old { PASS ONE proxy_ssl_protocols TLSv1.2; }
        location /named { PASS proxy_ssl_certificate %%TESTDIR%%/tls/$arg_c.pem;
                          proxy_ssl_certificate_key %%TESTDIR%%/tls/$arg_c.key; }
        location /reused { PASS ONE proxy_ssl_session_reuse on; }
        location /grpc { grpc_pass grpcs://127.0.0.1:%%PORT_up%%;
                         grpc_ssl_certificate %%TESTDIR%%/tls/two.pem; grpc_ssl_certificate_key %%TESTDIR%%/tls/two.key; }
        location /missing { PASS proxy_ssl_certificate %%TESTDIR%%/tls/$arg_c.pem;
                            proxy_ssl_certificate_key %%TESTDIR%%/tls/$arg_c.key; }
    }
    server {
        listen 127.0.0.1:%%PORT_slow%%;
        ssl_async threads=one;
        location / { PASS ONE }
        location /late { PASS ONE proxy_connect_timeout 5ms; }
    }
}
EOC
my $one = 'proxy_ssl_certificate %%TESTDIR%%/tls/one.pem; proxy_ssl_certificate_key %%TESTDIR%%/tls/one.key;';
$conf =~ s/PASS/proxy_pass https:\/\/127.0.0.1:%%PORT_up%%;/g;
$conf =~ s/ONE/$one/g;
$t->run($conf);

# answer($port, $uri): what the upstream saw
sub answer {
    my ($port, $uri) = @_;

    return $t->get($uri, port => $t->port($port))->body;
}

# cpu(): what each thread of the worker has had of a processor, in ms, by its id;
# without the first, which is the worker itself
sub cpu {
    my ($pid) = $t->worker_pids;

    return map { m{(\d+)\z} && $1 != $pid ? ($1 => (split ' ', Weir::Test::slurp("$_/schedstat"))[0] / 1e6) : () }
        glob "/proc/$pid/task/*";
}

# spent($code): what its threads have had during that
sub spent {
    my ($code) = @_;
    my %before = cpu();

    $code->();
    my %after = cpu();
    my $sum = 0;
    $sum += $after{$_} - ($before{$_} // 0) for keys %after;
    return $sum;
}


# ---- who signs --------------------------------------------------------------------

like answer(off => '/'), qr/^CN=one\.test SUCCESS TLSv1\.3 \.$/, 'off';
like answer(on => '/none'), qr/^ NONE TLSv1\.3 \.$/, 'no certificate';
like answer(on => '/ec'), qr/^CN=ec\.test SUCCESS TLSv1\.3 \.$/, 'a key that is not RSA';
is scalar(cpu()), 0, 'these need no threads';

# A signature with 4096 bits takes 3 to 6 ms of any processor of these days.
my %kinds = (
    '/one' => qr/^CN=one\.test SUCCESS TLSv1\.3 \.$/,
    '/old' => qr/^CN=one\.test SUCCESS TLSv1\.2 \.$/,
    '/named?c=two' => qr/^CN=two\.test SUCCESS TLSv1\.3 \.$/,
    '/grpc' => qr/^CN=two\.test SUCCESS TLSv1\.3 \.$/,
);
for my $uri (sort keys %kinds) {
    my @got;
    my $ms = spent(sub { @got = map { answer(on => $uri) } 1 .. 4 });
    is scalar(grep { $_ =~ $kinds{$uri} } @got), 4, "$uri: the certificate is used" or diag(@got);
    cmp_ok $ms, '>', 1, "$uri: a thread has signed ($ms ms)";
}
like answer(on => '/named?c=ec'), qr/^CN=ec\.test SUCCESS/, 'named by a variable: a key that is not RSA';
is $t->get('/missing?c=nobody', port => $t->port('on'))->status, 500, 'named by a variable: none';
ok $t->wait_log(qr/cannot load certificate "\S+nobody\.pem"/), 'which is logged';
like answer(on => '/reused'), qr/^CN=one\.test SUCCESS \S+ \.$/, 'a new session';
my $reused;
my $ms = spent(sub { $reused = answer(on => '/reused') });
like $reused, qr/^CN=one\.test SUCCESS \S+ r$/, 'the same one again';
cmp_ok $ms, '<', 1, "... needs no key ($ms ms)";


# ---- clients that leave ----------------------------------------------------------------

# ask($n, $uri): connections that have asked for it
sub ask {
    my ($n, $uri) = @_;

    return map {
        my $c = IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $t->port('slow')) or die "connect: $!\n";
        syswrite $c, "GET $uri HTTP/1.0\r\n\r\n";
        $c;
    } 1 .. $n;
}

close $_ for ask(40, '/');
like answer(slow => '/'), qr/^CN=one\.test SUCCESS/, 'many have left';
my @late = ask(40, '/late');
my $timeouts = grep { local $/; <$_> =~ m{^HTTP/1\.1 504 }m } @late;
cmp_ok $timeouts, '>', 0, 'closed while a thread has not come to them';
like answer(slow => '/'), qr/^CN=one\.test SUCCESS/, 'and the thread serves others';
my @during = ask(20, '/');
ok $t->reload($conf =~ s/thread_pool one threads=1/thread_pool one threads=2/r), 'a reload with another pool';
is scalar(grep { local $/; <$_> =~ /^CN=one\.test SUCCESS/m } @during), 20, 'what was under way ends well';
@during = ask(30, '/');
is $t->stop('TERM'), 0, 'the end, at once';
done_testing;
