# SPDX-License-Identifier: BSD-2-Clause
#
# Clients with certificates: who is let in, what is known of them, and that no
# session and no Host leads around it.

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
$pki->ca('below', by => 'ca');
$pki->ca('strange');
$pki->issue('a');
$pki->issue('joe', by => 'ca', subject => '/O=Weir/CN=Joe Doe');
$pki->issue('gone', by => 'ca');
$pki->issue('deep', by => 'below');
$pki->issue('old', by => 'ca', until => '20210101000000Z');
$pki->issue('other', by => 'strange');
$pki->revoke('gone', by => 'ca');
$pki->crl('ca');
$pki->write('deep-chain.pem', $pki->read('deep.pem') . $pki->read('below.pem'));

$t->run(<<'EOC');
%%HTTP%%
    ssl_certificate %%TESTDIR%%/tls/a.pem;
    ssl_certificate_key %%TESTDIR%%/tls/a.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_client_certificate %%TESTDIR%%/tls/ca.pem;
    ssl_session_cache shared:S:1m;
    ssl_verify_depth 2;

    server {
        listen 127.0.0.1:%%PORT%% ssl;
        server_name on.test;
        ssl_verify_client on;
        error_page 495 496 /error;
        location / { return 200 "$ssl_client_verify|$ssl_client_s_dn|$ssl_client_i_dn|$ssl_client_s_dn_legacy|$ssl_client_serial|$ssl_client_fingerprint|$ssl_client_v_start|$ssl_client_v_end|"; }
        location = /pem { return 200 "$ssl_client_raw_cert"; }
        location = /tabs { return 200 "$ssl_client_cert"; }
        location = /escaped { return 200 "$ssl_client_escaped_cert"; }
        location = /reused { return 200 "$ssl_session_reused $ssl_client_verify"; }
        location = /error { return 403 "error $status $ssl_client_verify"; }
    }
    server {
        listen 127.0.0.1:%%PORT%% ssl;
        server_name optional.test;
        ssl_verify_client optional;
        return 200 "$ssl_client_verify|$ssl_client_s_dn";
    }
    server {
        listen 127.0.0.1:%%PORT%% ssl;
        server_name any.test;
        ssl_verify_client optional_no_ca;
        return 200 "$ssl_client_verify|$ssl_client_s_dn";
    }
    server {
        listen 127.0.0.1:%%PORT%% ssl;
        server_name crl.test;
        ssl_verify_client on;
        ssl_crl %%TESTDIR%%/tls/ca.crl;
        return 200 "$ssl_client_verify";
    }
    server {
        listen 127.0.0.1:%%PORT%% ssl;
        server_name shallow.test;
        ssl_verify_client on;
        ssl_verify_depth 0;
        return 200 "$ssl_client_verify";
    }
    server {
        listen 127.0.0.1:%%PORT%% ssl;
        server_name trusted.test;
        ssl_verify_client on;
        ssl_client_certificate %%TESTDIR%%/tls/strange.pem;
        ssl_trusted_certificate %%TESTDIR%%/tls/ca.pem;
        return 200 "$ssl_client_verify";
    }
    server {
        listen 127.0.0.1:%%PORT%% ssl;
        server_name open.test;
        location / { return 200 "open $ssl_client_verify"; }
        location = /reused { return 200 "$ssl_session_reused"; }
    }
}
EOC

my $port = $t->port;

# as($who, $host, $uri, @args): (body, status)
sub as {
    my ($who, $host, $uri, @args) = @_;
    my @cert = $who ? ('--cert', $pki->path("$who.pem"), '--key',
                       $pki->path(($who =~ s/-chain//r) . '.key')) : ();

    my ($body, $status) = curl("https://$host:$port$uri", @cert, @args);
    return ($body, $status);
}

my ($body, $status) = as('joe', 'on.test', '/');
my @got = split /\|/, $body;
is $got[0], 'SUCCESS', 'a good certificate';
is $got[1], 'CN=Joe Doe,O=Weir', 'its subject';
is $got[2], 'CN=ca,O=Weir', 'its issuer';
is $got[3], '/O=Weir/CN=Joe Doe', 'with slashes';
like $got[4], qr/^100[0-9A-F]$/, 'its number';
like $got[5], qr/^[0-9a-f]{40}$/, 'its fingerprint';
is $got[6], 'Jan  1 00:00:00 2020 GMT', 'its begin';
is $got[7], 'Dec 31 23:59:59 2049 GMT', 'its end';
($body) = as('joe', 'on.test', '/pem');
is $body, $pki->read('joe.pem'), 'itself';
($body) = as('joe', 'on.test', '/tabs');
is $body, $pki->read('joe.pem') =~ s/\n\z//r =~ s/\n/\n\t/gr, 'with tabs';
($body) = as('joe', 'on.test', '/escaped');
is $body, $pki->read('joe.pem') =~ s{([^A-Za-z0-9\-._~])}{sprintf '%%%02X', ord $1}ger,
    'escaped';
($body) = as('joe', 'on.test', '/', '--tls-max', '1.2');
like $body, qr/^SUCCESS\|CN=Joe/, 'by TLS 1.2';
($body) = as('deep-chain', 'on.test', '/');
like $body, qr/^SUCCESS\|CN=deep/, 'with one between';

is_deeply [as('', 'on.test', '/')], ['error 400 NONE', 400], 'none';
($body, $status) = as('old', 'on.test', '/');
is $body, 'error 400 FAILED:certificate has expired', 'an expired one';
($body) = as('other', 'on.test', '/');
like $body, qr/^error 400 FAILED:unable to verify the first certificate/, 'a strange one';
($body) = as('deep', 'on.test', '/');
like $body, qr/^error 400 FAILED:/, 'one without that between';

($body) = as('', 'optional.test', '/');
is $body, 'NONE|', 'optional: none';
($body) = as('joe', 'optional.test', '/');
is $body, 'SUCCESS|CN=Joe Doe,O=Weir', 'a good one';
($body, $status) = as('other', 'optional.test', '/');
is $status, 400, 'a strange one';
like $body, qr/<title>400 The SSL certificate error/, 'its page';
($body) = as('other', 'any.test', '/');
like $body, qr/^FAILED:.*\|CN=other.test$/, 'optional_no_ca: a strange one';
(undef, $status) = as('old', 'any.test', '/');
is $status, 400, 'but no expired one';

($body) = as('joe', 'crl.test', '/');
is $body, 'SUCCESS', 'a list of revoked ones: another';
(undef, $status) = as('gone', 'crl.test', '/');
is $status, 400, 'one of them';
($body) = as('gone', 'on.test', '/');
like $body, qr/^SUCCESS/, 'where there is no list';
($body) = as('joe', 'shallow.test', '/');
is $body, 'SUCCESS', 'depth 0';
(undef, $status) = as('deep-chain', 'shallow.test', '/');
is $status, 400, 'too deep for that';
($body) = as('joe', 'trusted.test', '/');
is $body, 'SUCCESS', 'ssl_trusted_certificate';


# ---- around it ---------------------------------------------------------------

# request($sni, $host, @args): what s_client prints
sub request {
    my ($sni, $host, @args) = @_;

    return s_client($port, "GET /reused HTTP/1.0\r\nHost: $host\r\n\r\n",
                    ($sni ? ('-servername', $sni) : '-noservername'), @args);
}

my @joe = ('-cert', $pki->path('joe.pem'), '-key', $pki->path('joe.key'));
like request('open.test', 'on.test', @joe), qr/HTTP\/1.1 421 /m, 'Host of another server';
like request('optional.test', 'on.test', @joe), qr/HTTP\/1.1 421 /m,
    'also where both verify';
like request('on.test', 'open.test', @joe), qr/HTTP\/1.1 200 /m, 'not the other way';
like request('on.test', 'ON.TEST', @joe), qr/HTTP\/1.1 200 /m, 'capitals do not matter';
like request('', 'crl.test', @joe), qr/HTTP\/1.1 421 /m,
    'no name, and a certificate that was verified in another way' if !is_oracle();

for my $version (qw(tls1_2 tls1_3)) {
    my $file = $t->path("session.$version");
    # Tickets of TLS 1.3 come behind the handshake.
    like request('on.test', 'on.test', @joe, "-$version", '-sess_out', $file),
        qr/^\. SUCCESS/m, "$version: a session";
    like request('on.test', 'on.test', @joe, "-$version", '-sess_in', $file),
        qr/^r SUCCESS/m, 'resumed';
    unlike request('crl.test', 'crl.test', "-$version", '-sess_in', $file),
        qr/^SUCCESS/m, 'not at another server that verifies';
    like request('open.test', 'open.test', "-$version", '-sess_out', $file),
        qr/^\./m, 'one without a certificate';
    unlike request('on.test', 'on.test', "-$version", '-sess_in', $file),
        qr/^r \w|SUCCESS/m, 'does not help where one is needed';
}

done_testing;
