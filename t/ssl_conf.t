# SPDX-License-Identifier: BSD-2-Clause
#
# What is said of TLS settings that cannot be.

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
$pki->issue($_, by => 'ca') for qw(a b);
$pki->issue('rsa', by => 'ca', kind => 'rsa');
Weir::TLS::openssl('pkey', '-in', $pki->path('b.key'), '-aes256', '-passout',
                   'pass:seCret7', '-out', $pki->path('b.enc'));
$pki->write('right', "seCret7\n");
$pki->write('wrong', "other\n");
$pki->write('empty', '');
$pki->write('broken', $pki->read('a.pem') . "-----BEGIN CERTIFICATE-----\nMIIB\n");
my $dir = $t->path('tls');

# test($name, $lines, $regex): -t of a server with these lines; without a
# regex it is good.
sub test {
    my ($name, $lines, $regex) = @_;
    my $conf = $t->expand("%%GLOBALS%%\nevents {}\nhttp {\n%%GLOBALS_HTTP%%\nserver {\n$lines\n}\n}\n");

    $t->write('test.conf', $conf);
    my ($code, undef, $err) = run_binary('-t', '-p', $t->dir . '/', '-c', 'test.conf');
    $err =~ s/^\S+ \S+ (\[\w+\]) \d+#\d+: /nginx: $1 /mg;
    if (defined $regex) {
        is $code, 1, $name;
        like $err, $regex, "$name: the message";
    } else {
        is $code, 0, $name or diag $err;
    }
    unlike $err, qr/BEGIN|seCret7/, "$name: no secret";
    return $err;
}

my $listen = 'listen 127.0.0.1:%%PORT%% ssl;';
my $pair = 'ssl_certificate tls/a.pem; ssl_certificate_key tls/a.key;';

test('good', "$listen $pair");
test('paths are relative to the file', "$listen $pair ssl_client_certificate tls/ca.pem; ssl_verify_client optional;");
test('no certificate', $listen,
     qr/\[emerg\] no "ssl_certificate" is defined for the "listen ... ssl" directive in \S+test.conf:\d+$/m);
test('no key', "$listen ssl_certificate tls/a.pem;",
     qr/\[emerg\] no "ssl_certificate_key" is defined for certificate "\S*tls\/a.pem"$/m);
test('fewer keys', "$listen $pair ssl_certificate tls/rsa.pem;",
     qr/no "ssl_certificate_key" is defined for certificate "\S*tls\/rsa.pem"/);
test('certificate missing', "$listen ssl_certificate none.pem; ssl_certificate_key tls/a.key;",
     qr{\[emerg\] cannot load certificate "\S+/none.pem": BIO_new_file\(\) failed \(SSL: error:80000002:system library::No such file or directory:calling fopen\(\S+, r\) error:10000080:BIO routines::no such file\)$}m);
test('no certificate in it', "$listen ssl_certificate tls/empty; ssl_certificate_key tls/a.key;",
     qr{cannot load certificate "$dir/empty": PEM_read_bio_X509_AUX\(\) failed \(SSL: error:0480006C:PEM routines::no start line:Expecting: TRUSTED CERTIFICATE});
test('rubbish behind it', "$listen ssl_certificate tls/broken; ssl_certificate_key tls/a.key;",
     qr{cannot load certificate "$dir/broken": PEM_read_bio_X509\(\) failed});
test('key missing', "$listen ssl_certificate tls/a.pem; ssl_certificate_key none.key;",
     qr{cannot load certificate key "\S+/none.key": BIO_new_file\(\) failed});
test('no key in it', "$listen ssl_certificate tls/a.pem; ssl_certificate_key tls/empty;",
     qr{cannot load certificate key "$dir/empty": PEM_read_bio_PrivateKey\(\) failed});
test('of another', "$listen ssl_certificate tls/a.pem; ssl_certificate_key tls/b.key;",
     qr{\[emerg\] SSL_CTX_use_PrivateKey\("$dir/b.key"\) failed \(SSL: error:05800074:x509 certificate routines::key values mismatch\)$}m);
test('of another kind', "$listen ssl_certificate tls/a.pem; ssl_certificate_key tls/rsa.key;",
     qr{SSL_CTX_use_PrivateKey\("$dir/rsa.key"\) failed .*key type mismatch}) if !is_oracle();
test('key with a password', "$listen ssl_certificate tls/b.pem; ssl_certificate_key tls/b.enc; ssl_password_file tls/right;");
test('the wrong one', "$listen ssl_certificate tls/b.pem; ssl_certificate_key tls/b.enc; ssl_password_file tls/wrong;",
     qr{cannot load certificate key "$dir/b.enc": PEM_read_bio_PrivateKey\(\) failed});
test('none', "$listen ssl_certificate tls/b.pem; ssl_certificate_key tls/b.enc;",
     qr{cannot load certificate key "$dir/b.enc": it has a password that no ssl_password_file names}) if !is_oracle();
test('password file missing', "$listen $pair ssl_password_file none;",
     qr{open\(\) "\S+/none" failed \(2: No such file or directory\) in \S+test.conf:\d+});

test('protocol', "$listen $pair ssl_protocols TLSv9;",
     qr/\[emerg\] invalid value "TLSv9" in \S+test.conf:\d+$/m);
test('several', "$listen $pair ssl_protocols SSLv2 SSLv3 TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;");
test('ciphers', "$listen $pair ssl_ciphers NOPE;",
     qr/\[emerg\] SSL_CTX_set_cipher_list\("NOPE"\) failed \(SSL: error:0A0000B9:SSL routines::no cipher match\)$/m);
test('curve', "$listen $pair ssl_ecdh_curve none;", qr/SSL_CTX_set1_curves_list\("none"\) failed/);
test('dhparam', "$listen $pair ssl_dhparam tls/a.pem;", qr/PEM_read_bio_DHparams\("\S+"\) failed/) if !is_oracle();
test('verify', "$listen $pair ssl_verify_client maybe;", qr/invalid value "maybe" in/);
test('without authorities', "$listen $pair ssl_verify_client on;",
     qr/\[emerg\] no ssl_client_certificate/);
test('authorities of nothing', "$listen $pair ssl_verify_client on; ssl_client_certificate tls/empty;",
     qr/SSL_CTX_load_verify_locations\("$dir\/empty"\) failed/);
test('lists of nothing', "$listen $pair ssl_verify_client on; ssl_client_certificate tls/ca.pem; ssl_crl tls/empty;",
     qr/X509_LOOKUP_load_file\("$dir\/empty"\) failed/);
test('conf_command', "$listen $pair ssl_conf_command Nonsense x;",
     qr/SSL_CONF_cmd\("Nonsense", "x"\) failed/);
test('good ones', "$listen $pair ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256; ssl_conf_command Options -SessionTicket;");
test('ticket key', "$listen $pair ssl_session_ticket_key tls/right;",
     qr/"$dir\/right" must be 48 or 80 bytes/);

test('session cache', "$listen $pair ssl_session_cache shared:x;",
     qr/\[emerg\] invalid session cache "shared:x" in \S+test.conf:\d+$/m);
test('too small', "$listen $pair ssl_session_cache shared:x:1k;",
     qr/\[emerg\] session cache "shared:x:1k" is too small in/);
test('a word', "$listen $pair ssl_session_cache x;", qr/invalid session cache "x"/);
test('two sizes', "$listen $pair ssl_session_cache shared:x:1m; } server { listen 127.0.0.1:%%PORT_other%% ssl; $pair ssl_session_cache shared:x:2m;",
     qr/the size 2097152 of shared memory zone "x" conflicts with already declared size 1048576/);
test($_, "$listen $pair ssl_session_cache $_;")
    for 'off', 'none', 'builtin', 'builtin:1000', 'shared:x:1m', 'builtin:1000 shared:x:1m';

test('reject', "$listen ssl_reject_handshake on;");
test('reject, and others', "$listen ssl_reject_handshake on; } server { $listen server_name b; $pair");
test('reject, and one without', "$listen ssl_reject_handshake on; } server { $listen server_name b;",
     qr/no "ssl_certificate" is defined for the "listen ... ssl" directive/);
test('only the default one', "$listen $pair } server { $listen server_name b;");
test('ssl', "$listen ssl on;", qr/directive "ssl"|no "ssl_certificate/);
test('not used', "listen 127.0.0.1:%%PORT%%; $pair");
test('not used, and broken', "listen 127.0.0.1:%%PORT%%; ssl_certificate none; ssl_certificate_key none;",
     qr/cannot load certificate/);
test('variables', "$listen ssl_certificate tls/\$ssl_server_name.pem; ssl_certificate_key tls/\$ssl_server_name.key;");
test('an unknown one', "$listen ssl_certificate tls/\$nonsense.pem; ssl_certificate_key tls/a.key;",
     qr/unknown "nonsense" variable/);
my $err = test('other protocol words', "listen 127.0.0.1:%%PORT%%; } server { $listen server_name b; $pair } server { $listen server_name c; $pair",
     qr/no "ssl_certificate"/);
like $err, qr/\[warn\] protocol options redefined for 127.0.0.1:\d+ in/, 'are warned of'
    if version_at_least('1.23.4');

like test('ssl_ech_file', "$listen $pair ssl_ech_file a.pem.ech; ssl_ech_file b;"),
    qr/^nginx: \[warn\] "ssl_ech_file" is not supported on this platform, ignored$/m, 'a warning'
    if version_at_least('1.29.4');

done_testing;
