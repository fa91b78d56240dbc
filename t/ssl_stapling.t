# SPDX-License-Identifier: BSD-2-Clause
#
# OCSP responses from a file, and certificates for which there is none to be had.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::TLS;

need_tls();

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca('ca');
$pki->issue('a', by => 'ca', responder => 'http://127.0.0.1:1/');
$pki->issue('none', by => 'ca');
$pki->issue('self');
$pki->write("$_.chain", $pki->read("$_.pem") . $pki->read('ca.pem')) for qw(a none);

# respond(): writes a.der, what the authority says of a.
sub respond {
    Weir::TLS::openssl('ocsp', '-index', $pki->path('index.txt'), '-CA', $pki->path('ca.pem'),
        '-rsigner', $pki->path('ca.pem'), '-rkey', $pki->path('ca.key'), '-issuer', $pki->path('ca.pem'),
        '-cert', $pki->path('a.pem'), '-respout', $pki->path('a.der'), '-ndays', 10, '-noverify');
}
respond();

$t->run(<<'EOC');
%%HTTP%%
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate %%TESTDIR%%/tls/a.chain;
    ssl_certificate_key %%TESTDIR%%/tls/a.key;
    server {
        listen 127.0.0.1:%%PORT%% ssl;
        ssl_stapling on;
        ssl_stapling_file %%TESTDIR%%/tls/a.der;
        return 200 stapled;
    }
    server {
        listen 127.0.0.1:%%PORT_off%% ssl;
        ssl_stapling_file %%TESTDIR%%/tls/a.der;
        return 200 off;
    }
}
EOC

for my $version (qw(tls1_2 tls1_3)) {
    my @args = ("-$version", '-CAfile', $pki->path('ca.pem'));
    my $text = s_client($t->port, "GET / HTTP/1.0\r\n\r\n", '-status', @args);

    like $text, qr/OCSP Response Status: successful/, "$version: a response";
    like $text, qr/Cert Status: good/, 'which is good';
    like s_client($t->port, "GET / HTTP/1.0\r\n\r\n", @args), qr/stapled/, 'none is asked for';
    like s_client($t->port('off'), "GET / HTTP/1.0\r\n\r\n", '-status', @args),
        qr/OCSP response: no response sent/, 'ssl_stapling off';
}

if (!is_oracle()) {
    my $says = sub { return s_client($t->port, "GET / HTTP/1.0\r\n\r\n", '-status') =~ /Cert Status: (\w+)/ ? $1 : '' };

    $pki->revoke('a', by => 'ca');
    respond();
    ok wait_until(sub { $says->() eq 'revoked' }), 'the file has changed: another response, without a reload';
    $pki->write('a.der', 'nonsense');
    ok wait_until(sub { $t->read('error.log') =~ /a.der" has changed and cannot be used.*d2i_OCSP_RESPONSE/ }),
        'nonsense';
    is $says->(), 'revoked', 'is not used';
    $t->expect_log(qr/cannot be used/);
}

# test($lines): (exit code, messages)
sub test {
    my ($lines) = @_;

    $t->write('test.conf', $t->expand("%%GLOBALS%%\nevents {}\nhttp {\n%%GLOBALS_HTTP%%\n$lines\n}\n"));
    my ($code, undef, $err) = run_binary('-t', '-p', $t->dir . '/', '-c', 'test.conf');
    return ($code, $err);
}

my $number = 0;
sub server {
    my ($certificate, $key, $more) = @_;
    my $n = ++$number;

    return "server { listen 127.0.0.1:%%PORT_x$n%% ssl; ssl_certificate tls/$certificate;"
        . " ssl_certificate_key tls/$key; ssl_stapling on; $more }\n";
}

my ($code, $err) = test(server('none.chain', 'none.key', '') . server('none.chain', 'none.key', 'ssl_session_timeout 7m;'));
is $code, 0, 'a certificate without a responder is good';
like $err, qr{\[warn\].*"ssl_stapling" ignored, no OCSP responder URL in the certificate "\S+/tls/none.chain"}, 'and warned of';
is(() = $err =~ /no OCSP responder/g, 1, 'once') if !is_oracle();
($code, $err) = test(server('self.pem', 'self.key', ''));
is $code, 0, 'one without an issuer, too';
like $err, qr{\[warn\].*"ssl_stapling" ignored, issuer certificate not found for certificate "\S+/tls/self.pem"}, 'its warning'
    if !is_oracle();
($code, $err) = test(server('a.chain', 'a.key', 'ssl_stapling_file tls/ca.pem;'));
is $code, 1, 'a file that is none';
like $err, qr{d2i_OCSP_RESPONSE_bio\("\S+/tls/ca.pem"\) failed}, 'its message';
($code, $err) = test(server('a.chain', 'a.key', 'ssl_stapling_file none;'));
is $code, 1, 'no file';
if (!is_oracle()) {
    ($code, $err) = test(server('none.chain', 'none.key', 'ssl_certificate_compression on;'));
    like $err, qr/"ssl_stapling" is incompatible with "ssl_certificate_compression"/, 'compression';
    ($code, $err) = test(server('none.chain', 'none.key', '') =~ s/ssl_stapling on/ssl_certificate_compression on/r);
    is $code, 0, 'compression without it';
}

done_testing;
