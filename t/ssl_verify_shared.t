# SPDX-License-Identifier: BSD-2-Clause
#
# Servers without a certificate of their own, which use that of the default
# server: who has to be verified is their own matter.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::TLS;

need_tls();

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca($_) for qw(ca strange);
$pki->issue('a');
$pki->issue('joe', by => 'ca');
$pki->issue('other', by => 'strange');

$t->run(<<'EOC');
%%HTTP%%
    ssl_client_certificate %%TESTDIR%%/tls/ca.pem;

    server {
        listen 127.0.0.1:%%PORT_open%% ssl;
        ssl_certificate %%TESTDIR%%/tls/a.pem;
        ssl_certificate_key %%TESTDIR%%/tls/a.key;
        server_name default.test;
        return 200 "default $ssl_client_verify";
    }
    server {
        listen 127.0.0.1:%%PORT_open%% ssl;
        server_name on.test;
        ssl_verify_client on;
        return 200 "on $ssl_client_verify";
    }

    server {
        listen 127.0.0.1:%%PORT_asks%% ssl;
        ssl_certificate %%TESTDIR%%/tls/a.pem;
        ssl_certificate_key %%TESTDIR%%/tls/a.key;
        ssl_verify_client optional;
        server_name default.test;
        return 200 "default $ssl_client_verify";
    }
    server {
        listen 127.0.0.1:%%PORT_asks%% ssl;
        server_name on.test;
        ssl_verify_client on;
        return 200 "on $ssl_client_verify";
    }
    server {
        listen 127.0.0.1:%%PORT_asks%% ssl;
        server_name off.test;
        return 200 "off $ssl_client_verify";
    }
}
EOC

# as($who, $port, $host): (status, body)
sub as {
    my ($who, $port, $host) = @_;
    my @cert = $who ? map { ("--$_", $pki->path("$who." . ($_ eq 'cert' ? 'pem' : 'key'))) } qw(cert key) : ();
    my ($body, $status) = curl("https://$host:" . $t->port($port) . '/', @cert);

    return $status == 200 ? "$status $body" : $status;
}

is as('joe', 'open', 'default.test'), '200 default NONE', 'the default server asks for none';
is as('joe', 'open', 'on.test'), 400, 'so another one that needs one is not served';
is as('', 'open', 'on.test'), 400, 'to nobody';

is as('joe', 'asks', 'on.test'), '200 on SUCCESS', 'where it asks, others may rely on it';
is as('', 'asks', 'on.test'), 400, 'without one';
is as('other', 'asks', 'on.test'), 400, 'with a strange one';
is as('', 'asks', 'default.test'), '200 default NONE', 'which others need not';
is as('other', 'asks', 'default.test'), 400, 'but a strange one is refused';
is as('', 'asks', 'off.test'), '200 off NONE', 'who does not verify';

# request($sni, $host, @args): the status
sub request {
    my ($port, $sni, $host, @args) = @_;
    my $text = s_client($t->port($port), "GET / HTTP/1.0\r\nHost: $host\r\n\r\n",
                        ($sni ? ('-servername', $sni) : '-noservername'), @args);

    return $text =~ m{^HTTP/1.1 (\d+)}m ? $1 : $text;
}

my @joe = ('-cert', $pki->path('joe.pem'), '-key', $pki->path('joe.key'));
my $misdirected = is_oracle() && !version_at_least('1.15.0') ? 400 : 421;
is request('open', 'default.test', 'on.test'), $misdirected, 'Host of another server';
is request('asks', 'default.test', 'on.test', @joe), $misdirected, 'also with a certificate';
is request('asks', '', 'on.test', @joe), 200, 'no name, and a certificate';
is request('asks', '', 'on.test'), 400, 'no name, and none';
is request('open', '', 'on.test'), 400, 'where nobody is asked';

done_testing;
