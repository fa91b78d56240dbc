# SPDX-License-Identifier: BSD-2-Clause
#
# ssl_ocsp: clients' certificates that their responders speak for or against, or
# about which they say nothing that can be believed.

use strict;
use warnings;

use FindBin;
use IO::Socket::INET;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::TLS;
use Weir::OCSP;

need_tls();

# These are good for nothing, however it is tried.
my @hostile = qw(stranger other own late error cut garbage html empty missing redirect shut large header interims endless);
# These are in no way wrong, and nginx 1.22 knows some of them.
my @good = qw(good endless_length);
push @good, qw(chunked interim) if !is_oracle();
push @hostile, qw(behind early) if !is_oracle();

my $t = Weir::Test->new;
$t->expect_log(qr/SSL_shutdown\(\) failed|open socket|aborting/) if is_oracle();
my $pki = Weir::TLS->new($t);
my $ocsp = Weir::OCSP->new($pki);
$pki->ca($_) for qw(ca strange);
$pki->ca('below', by => 'ca', responder => $ocsp->url('good', 'ca'));
$pki->issue('a');
$pki->issue($_, by => 'ca', responder => $ocsp->url($_, 'ca')) for @good, @hostile, qw(slow silent patient);
$pki->issue('cached', by => 'ca', responder => $ocsp->url('good', 'ca'));
$pki->issue($_, by => 'ca', responder => $ocsp->url('good', 'ca')) for qw(revoked unknown later second);
$pki->issue('nobody', by => 'ca');
$pki->issue('https', by => 'ca', responder => 'https://127.0.0.1/');
$pki->issue('unix', by => 'ca', responder => 'http://unix:/tmp/none');
$pki->issue('name', by => 'ca', responder => $ocsp->url('good', 'ca', 'host.test'));
$pki->issue('long', by => 'ca', responder => $ocsp->url('good', 'ca') . '/x' x 100);
$pki->issue('query', by => 'ca', responder => $ocsp->url('good', 'ca') . '?a=b');
$pki->issue('closed', by => 'ca', responder => 'http://127.0.0.1:1/');
$pki->issue('deep', by => 'below', responder => $ocsp->url('good', 'below'));
# The certificate in between takes nearly all the room that a session has for it.
my @fat = (by => 'ca', responder => $ocsp->url('good', 'ca'));
$pki->ca('fat', @fat, comment => 'x' x 7000);
my $fat_size = length openssl('x509', '-in', $pki->path('fat.pem'), '-outform', 'DER');
$pki->ca('fat', @fat, comment => 'x' x (7000 + 8180 - $fat_size));
$pki->issue('stout', by => 'fat', responder => $ocsp->url('good', 'fat'));
$pki->write('deep-chain.pem', $pki->read('deep.pem') . $pki->read('below.pem'));
$pki->issue('other-one', by => 'strange');
$pki->revoke('revoked', by => 'ca');
$pki->forget('unknown');
$ocsp->prepare(other => 'good', late => 'late', own => 'own', by => 'ca');

my $dns = Weir::OCSP::name_server();
my $deaf = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp') or die "$!\n";
$t->run(<<"EOC");
%%HTTP%%
    ssl_certificate %%TESTDIR%%/tls/a.pem;
    ssl_certificate_key %%TESTDIR%%/tls/a.key;
    ssl_client_certificate %%TESTDIR%%/tls/ca.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_verify_client on;
    ssl_verify_depth 2;
    ssl_session_cache shared:S:1m;
    error_page 495 496 /error;
    server {
        listen 127.0.0.1:%%PORT%% ssl;
        ssl_ocsp on;
        location / { return 200 "\$ssl_client_verify \$ssl_session_reused"; }
        location = /error { return 200 "error \$status \$ssl_client_verify \$ssl_session_reused"; }
    }
    server {
        listen 127.0.0.1:%%PORT_leaf%% ssl;
        ssl_ocsp leaf;
        return 200 "\$ssl_client_verify";
    }
    server {
        listen 127.0.0.1:%%PORT_named%% ssl;
        ssl_ocsp leaf;
        ssl_ocsp_responder @{[$ocsp->url('good', 'ca')]};
        return 200 "\$ssl_client_verify";
    }
    server {
        listen 127.0.0.1:%%PORT_cache%% ssl;
        ssl_ocsp on;
        ssl_ocsp_cache shared:O:1m;
        location / { return 200 "\$ssl_client_verify"; }
        location = /error { return 200 "error \$ssl_client_verify"; }
    }
    server {
        listen 127.0.0.1:%%PORT_optional%% ssl;
        ssl_ocsp on;
        ssl_verify_client optional;
        return 200 "\$ssl_client_verify";
    }
    server {
        listen 127.0.0.1:%%PORT_impatient%% ssl;
        ssl_ocsp on;
        client_header_timeout 1s;
        return 200 "\$ssl_client_verify";
    }
    server {
        listen 127.0.0.1:%%PORT_deaf%% ssl;
        ssl_ocsp on;
        client_header_timeout 1s;
        resolver 127.0.0.1:@{[$deaf->sockport]};
        return 200 "\$ssl_client_verify";
    }
    server {
        listen 127.0.0.1:%%PORT_resolver%% ssl;
        ssl_ocsp on;
        resolver 127.0.0.1:$dns;
        return 200 "\$ssl_client_verify";
    }
    server {
        listen 127.0.0.1:%%PORT_status%%;
        stub_status;
    }
    @{[is_oracle() ? '' : <<'EOS']}
    server {
        listen 127.0.0.1:%%PORT_early%% ssl;
        ssl_ocsp on;
        ssl_early_data on;
        location / { return 200 "$ssl_client_verify $ssl_session_reused $ssl_early_data"; }
        location = /error { return 200 "error $status $ssl_client_verify $ssl_session_reused $ssl_early_data"; }
    }
EOS
}
EOC

# as($who, $port, @args): what the server says to a client with that certificate
sub as {
    my ($who, $port, @args) = @_;
    my @cert = $who ? ('--cert', $pki->path("$who.pem"), '--key',
                       $pki->path(($who =~ s/-chain//r) . '.key')) : ();
    my ($body) = curl('https://a.test:' . $t->port($port) . '/', @cert, @args);

    return $body;
}

my $failed = 'error 400 FAILED:certificate status request failed .';

is as($_), 'SUCCESS .', $_ for @good;
is as('good', undef, '--tls-max', '1.2'), 'SUCCESS .', 'by TLS 1.2';
is as('revoked'), 'error 400 FAILED:certificate revoked .', 'a revoked one';
is as('unknown'), 'error 400 FAILED:certificate status unknown .', 'an unknown one';
is as($_), $failed, $_ for @hostile;
is as($_), $failed, "responder: $_" for qw(nobody https closed name);
is as('unix'), $failed, 'no socket of this machine' if !is_oracle();
is as('other-one') =~ /FAILED:unable/ && $ocsp->asked('good/strange'), 0,
    'nobody is asked about one that is bad anyway';
is as(''), 'error 400 NONE .', 'none';
is as('', 'optional'), 'NONE', 'optional, and none';
is as('revoked', 'optional'), 'FAILED:certificate revoked', 'optional, and a revoked one';

like join('', $t->log), qr/OCSP response not successful \(3: trylater\) while requesting certificate status, responder: 127\.0\.0\.1, peer: 127\.0\.0\.1:\d+/,
    'what is logged';
like join('', $t->log), qr/no OCSP responder URL in certificate while SSL handshaking, client/, 'no responder';
like join('', $t->log), qr/no resolver defined to resolve host\.test/, 'no resolver';
like join('', $t->log), qr/client SSL certificate verify error: certificate revoked while reading/, 'refused';

if (!is_oracle()) {
    is as($_), 'SUCCESS .', "a URL: $_" for qw(long query);
    is scalar(grep { $_->method eq 'POST' } $ocsp->backend->requests), 2, 'which get it by POST';
}
is as('name', 'resolver'), 'SUCCESS', 'a resolver';

# chains
is as('deep-chain'), 'SUCCESS .', 'a chain';
is $ocsp->asked('good/below'), 1, 'its certificate was asked about';
is as('nobody', 'named'), 'SUCCESS', 'a responder of the configuration';
is as('deep-chain', 'leaf'), 'SUCCESS', 'leaf';
$pki->revoke('below', by => 'ca');
is as('deep-chain'), 'error 400 FAILED:certificate revoked .', 'one above it is revoked';
is as('deep-chain', 'leaf'), 'SUCCESS', 'leaf: nobody asks about that';

# the cache
my $asked = $ocsp->asked('good/ca');
is as('cached', 'cache'), 'SUCCESS', 'with a cache';
is as('cached', 'cache'), 'SUCCESS', 'again';
is $ocsp->asked('good/ca'), $asked + 1, 'only one question';
is as('revoked', 'cache'), 'error FAILED:certificate revoked', 'a revoked one';
is as('revoked', 'cache'), 'error FAILED:certificate revoked', 'again';
is $ocsp->asked('good/ca'), $asked + 2, 'only one question';
is as('silent', 'impatient'), '', 'a silent responder, longer than a request may take';
is as('slow', 'impatient'), '', 'a slow one';
is as('name', 'deaf', '-m', '0.4'), '', 'a client that goes while the name is looked up';
is as('silent', undef, '-m', '0.4'), '', 'and one while the responder is asked';

# many at once
SKIP: {
    skip 'each of them asks, of nginx', 5 if is_oracle();
    my $active = sub { $t->get('/', port => $t->port('status'))->body =~ /^Active connections: (\d+)/ ? $1 : 0 };
    my $at_once = sub {
        my ($port, $n, @args) = @_;
        my $out = $t->path("at-once.$port.$n");
        my $pid = fork // die "fork: $!\n";

        if (!$pid) {
            my ($text) = Weir::TLS::run('', qw(curl -s -k --noproxy * -Z --parallel-immediate --parallel-max 100),
                '--connect-to', '::127.0.0.1:', '--cert', $pki->path('patient.pem'), '--key',
                $pki->path('patient.key'), @args, 'https://a.test:' . $t->port($port) . "/[1-$n]");
            $t->write("at-once.$port.$n", $text);
            POSIX::_exit(0);
        }
        return sub { waitpid $pid, 0; return Weir::Test::slurp($out) };
    };
    ok wait_until(sub { $active->() == 1 }, 10), 'who has left is not waited with for a silent responder';
    my $hasty = $at_once->('cache', 1, '-m', '2');
    wait_until(sub { $ocsp->asked('patient') == 1 }, 10);
    my $all = $at_once->('cache', 50);
    wait_until(sub { $active->() >= 52 }, 15);
    unlike $hasty->(), qr/SUCCESS/, 'who has asked leaves';
    ok wait_until(sub { $active->() == 51 }, 10), '... and has no connection any more';
    $pki->write('patient.go', '');
    is scalar(() = $all->() =~ /SUCCESS/g), 50, 'the others have the answer';
    is $ocsp->asked('patient'), 1, 'to one question';
}

# no session leads around it
sub session {
    my ($who, $version, $way, @more) = @_;
    my $port = @more && $more[-1] =~ /^(early)$/ ? pop @more : undef;

    return s_client($t->port($port), "GET / HTTP/1.0\r\n\r\n", "-$version",
        '-cert', $pki->path("$who.pem"), '-key', $pki->path("$who.key"),
        $way, $pki->path("$version.session"), @more);
}
for my $version (qw(tls1_2 tls1_3)) {
    my $who = $version eq 'tls1_2' ? 'later' : 'second';

    like session($who, $version, '-sess_out'), qr/SUCCESS \./, "$version: a session";
    like session($who, $version, '-sess_in'), qr/SUCCESS r/, 'is resumed';
    $pki->revoke($who, by => 'ca');
    like session($who, $version, '-sess_in'), qr/error 400 FAILED:certificate revoked r/, 'but not for a revoked one';
}
if (!is_oracle()) {
    my @chain = ('-cert_chain', $pki->path('below.pem'));

    $pki->unrevoke('below');
    like session('deep', 'tls1_3', '-sess_out', @chain), qr/SUCCESS \./, 'the session of a chain';
    like session('deep', 'tls1_3', '-sess_in', @chain), qr/SUCCESS r/, 'knows the chain';
    $pki->revoke('below', by => 'ca');
    like session('deep', 'tls1_3', '-sess_in', @chain), qr/error 400 FAILED:certificate revoked r/, 'which is asked about';

    $pki->unrevoke('below');
    my @early = ('-early_data', $t->write('request', "GET / HTTP/1.0\r\n\r\n"));
    like session('deep', 'tls1_3', '-sess_out', @chain, 'early'), qr/SUCCESS \. /, 'a session for early data';
    like session('deep', 'tls1_3', '-sess_in', @chain, @early, 'early'), qr/SUCCESS r 1/, 'is resumed with some';
    $pki->revoke('below', by => 'ca');
    like session('deep', 'tls1_3', '-sess_in', @chain, @early, 'early'), qr/error 400 FAILED:certificate revoked r 1/,
        'which has no answer before there is one about the certificate';
    like session('stout', 'tls1_3', '-sess_out', '-cert_chain', $pki->path('fat.pem'), 'early'), qr/SUCCESS \. /,
        'a session that has no room for a note about early data';
}

# configurations
sub test {
    my ($lines) = @_;

    $t->write('test.conf', $t->expand("%%GLOBALS%%\nevents {}\nhttp {\n%%GLOBALS_HTTP%%\n"
        . 'ssl_certificate tls/a.pem; ssl_certificate_key tls/a.key; ssl_client_certificate tls/ca.pem;'
        . " server { listen 127.0.0.1:%%PORT%% ssl; ssl_verify_client on; ssl_ocsp on; $lines }\n}\n"));
    my ($code, undef, $err) = run_binary('-t', '-p', $t->dir . '/', '-c', 'test.conf');
    return "$code $err";
}
like test(''), qr/^0 /, 'a configuration';
like test('ssl_ocsp_cache shared:X:1m;'), qr/^0 /, 'with a cache';
like test('ssl_ocsp_cache builtin;'), qr/^1 .*invalid OCSP cache "builtin"/s, 'which is a zone';
like test('ssl_ocsp_cache shared:X:1k;'), qr/^1 .*OCSP cache "shared:X:1k" is too small/s, 'of some size';
like test('ssl_ocsp_responder https://a/;'), qr/^1 .*invalid URL prefix in OCSP responder "https:\/\/a\/" in "ssl_ocsp_responder"/s, 'by https';
like test('ssl_ocsp_responder http://127.0.0.1:x/;'), qr/^1 .*invalid port in OCSP responder/s, 'no port';

done_testing;
