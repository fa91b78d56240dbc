# SPDX-License-Identifier: BSD-2-Clause
# smoke
#
# TLS towards clients: which certificate, which protocol, what requests see of
# it, and what does not speak TLS.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::HTTP;
use Weir::Test;
use Weir::TLS;

need_tls();

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca('root');
$pki->ca('middle', by => 'root');
$pki->issue($_, by => 'middle') for qw(a b w r p);
$pki->issue('rsa', by => 'middle', names => ['a.test'], kind => 'rsa');
$pki->write('chain.pem', $pki->read('a.pem') . $pki->read('middle.pem'));
Weir::TLS::openssl('pkey', '-in', $pki->path('b.key'), '-aes256', '-passout',
                   'pass:second', '-out', $pki->path('b.enc'));
$pki->write('passwords', "first\n\nsecond\r\nthird\n");
# Quotes of a configuration file keep line breaks.
my %pem = map { $_ => $pki->read($_) } qw(p.pem p.key);

$t->write('html/big', join '', map { chr($_ * 7 % 251) } 1 .. 500_000);
$t->run(<<"EOC");
%%HTTP%%
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate %%TESTDIR%%/tls/chain.pem;
    ssl_certificate_key %%TESTDIR%%/tls/a.key;
    log_format tls '\$ssl_server_name \$ssl_protocol \$status';
    access_log %%TESTDIR%%/tls.log tls;
    add_header X-Server \$server_name always;

    server {
        listen 127.0.0.1:%%PORT%% ssl;
        listen 127.0.0.1:%%PORT_plain%%;
        server_name a.test;
        ssl_certificate %%TESTDIR%%/tls/chain.pem;
        ssl_certificate %%TESTDIR%%/tls/rsa.pem;
        ssl_certificate_key %%TESTDIR%%/tls/a.key;
        ssl_certificate_key %%TESTDIR%%/tls/rsa.key;
        root %%TESTDIR%%/html;
        location = /vars {
            return 200 "\$scheme|\$https|\$server_port|\$ssl_protocol|\$ssl_cipher|\$ssl_curve|\$ssl_server_name|\$ssl_session_reused|\$ssl_client_verify|\$ssl_alpn_protocol|";
        }
        location = /offer { return 200 "\$ssl_ciphers|\$ssl_curves"; }
        location = /go { return 302 /there; }
        location = /body { client_max_body_size 1m; proxy_pass http://127.0.0.1:%%PORT_plain%%/echo; }
        location = /echo { client_max_body_size 1m; proxy_pass http://127.0.0.1:%%PORT_back%%; }
    }
    server {
        listen 127.0.0.1:%%PORT%% ssl;
        server_name s.test;
        ssl_buffer_size 1000;
        root %%TESTDIR%%/html;
    }
    server {
        listen 127.0.0.1:%%PORT%% ssl;
        server_name b.test;
        ssl_conf_command Options KTLS;
        ssl_certificate %%TESTDIR%%/tls/b.pem;
        ssl_certificate_key %%TESTDIR%%/tls/b.enc;
        ssl_password_file %%TESTDIR%%/tls/passwords;
        return 200 b;
    }
    server {
        listen 127.0.0.1:%%PORT%% ssl;
        server_name *.w.test;
        ssl_certificate %%TESTDIR%%/tls/w.pem;
        ssl_certificate_key %%TESTDIR%%/tls/w.key;
        ssl_protocols TLSv1.2;
        ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384;
        ssl_ecdh_curve prime256v1;
        return 200 "w \$ssl_protocol \$ssl_cipher";
    }
    server {
        listen 127.0.0.1:%%PORT%% ssl;
        server_name ~^(?<who>\\w+)\\.r\\.test\$;
        ssl_certificate %%TESTDIR%%/tls/r.pem;
        ssl_certificate_key %%TESTDIR%%/tls/r.key;
        return 200 "r \$who";
    }
    server {
        listen 127.0.0.1:%%PORT%% ssl;
        server_name p.test;
        ssl_certificate "data:$pem{'p.pem'}";
        ssl_certificate_key "data:$pem{'p.key'}";
        error_page 497 =302 https://\$host:\$server_port\$request_uri;
        return 200 p;
    }
    server {
        listen 127.0.0.1:%%PORT%% ssl;
        server_name none.test;
        ssl_reject_handshake on;
    }
    server {
        listen 127.0.0.1:%%PORT_proxy%% ssl proxy_protocol;
        return 200 "\$proxy_protocol_addr \$scheme";
    }
}
EOC

my $port = $t->port;
my $backend = Weir::Backend->http(sub {
    my ($request) = @_;

    my $body = length($request->body) . ' ' . unpack('%32C*', $request->body);
    return "HTTP/1.1 200 OK\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
}, port => $t->port('back'));

# asked($host, $uri, @args): what s_client prints.
sub asked {
    my ($host, $uri, @args) = @_;

    return s_client($port, "GET $uri HTTP/1.0\r\nHost: $host\r\n\r\n",
                    '-servername', $host, @args);
}

# subject($text): the name of the certificate that the server has sent.
sub subject { return $_[0] =~ /^subject=.*CN = (\S+)/m ? $1 : '' }


# ---- certificates -----------------------------------------------------------

my $text = asked('a.test', '/vars');
is subject($text), 'a.test', 'the certificate';
like $text, qr/^ 1 s:.*CN = middle/m, 'and the one above it';
like $text, qr/^https\|on\|$port\|TLSv1.3\|TLS_AES_256_GCM_SHA384\|X25519\|a.test\|\.\|NONE\|\|/m,
    'variables';
like asked('a.test', '/', '-CAfile', $pki->path('root.pem'), '-verify_return_error',
           '-verify_hostname', 'a.test'), qr/Verification: OK/, 'it is verified';
like asked('a.test', '/vars', '-tls1_2', '-cipher', 'aRSA'), qr/\|ECDHE-RSA-/,
    'RSA where the client asks for that';
like asked('a.test', '/vars', '-tls1_2', '-cipher', 'aECDSA'), qr/\|ECDHE-ECDSA-/,
    'ECDSA likewise';

is subject(asked('b.test', '/')), 'b.test', 'another server, whose key has a password';
is subject(asked('B.TEST', '/')), 'b.test', 'in capitals';
$text = asked('x.w.test', '/');
is subject($text), 'w.test', 'a wildcard';
like $text, qr/^w TLSv1.2 ECDHE-ECDSA-AES\d+-GCM/m, 'with its own protocols'
    if version_at_least('1.29.2');
like asked('x.w.test', '/', '-tls1_3'), qr/alert protocol version/, 'and no others'
    if version_at_least('1.29.2');
$text = asked('joe.r.test', '/');
is subject($text), 'r.test', 'a regular expression';
like $text, qr/^r joe/m, 'which captures';
is subject(asked('p.test', '/')), 'p.test', 'a certificate in the file itself';
is subject(asked('other.test', '/')), 'a.test', 'an unknown name';
is subject(s_client($port, "GET /vars HTTP/1.0\r\n\r\n", '-noservername')), 'a.test',
    'no name';
like asked('none.test', '/'), qr/alert number 112|unrecognized name/, 'ssl_reject_handshake';
like s_client($port, "GET / HTTP/1.0\r\nHost: b.test\r\n\r\n", '-servername', 'a.test'),
    qr/^X-Server: b.test/m, 'the request may be for another server';
like s_client($port, "GET / HTTP/1.0\r\n\r\n", '-servername', 'b.test'),
    qr/^X-Server: a.test/m, 'or says nothing, and is for the default server';
like s_client($port, "GET / HTTP/1.0\r\nHost: other.test\r\n\r\n", '-servername', 'b.test'),
    qr/^X-Server: a.test/m, 'as it is where nobody has its name';


# ---- protocols ----------------------------------------------------------------

like asked('a.test', '/', '-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'), qr/alert protocol version/,
    'TLS 1.1 is off' if version_at_least('1.27.3');
like asked('a.test', '/vars', '-alpn', 'h2,http/1.1'), qr/\|http\/1.1\|/, 'ALPN';
like asked('a.test', '/vars', '-alpn', 'http/1.0'), qr/\|http\/1.0\|/, 'an old one';
like asked('a.test', '/vars', '-alpn', 'foo'), qr/alert no application protocol/,
    'none in common';
like asked('x.w.test', '/', '-groups', 'X25519'), qr/alert handshake failure/,
    'no curve in common' if version_at_least('1.29.2');
like asked('a.test', '/offer', '-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-GCM-SHA256',
           '-groups', 'P-256:X25519'),
    qr/^ECDHE-ECDSA-AES128-GCM-SHA256:.*\|prime256v1:X25519/mi, 'what a client offers';
unlike s_client($port, "R\n", '-servername', 'a.test', '-tls1_2'),
    qr/RENEGOTIATING\n(?!.*error)/s, 'no renegotiation';


# ---- requests ------------------------------------------------------------------

my $url = "https://a.test:$port";
my ($body, $status) = curl("$url/big");
is $body, $t->read('html/big'), 'a large response';
($body) = curl('https://s.test:' . $t->port . '/big');
is $body, $t->read('html/big'), 'in small records';
$t->write('up', 'x' x 900_000);
($body) = curl("$url/body", '--data-binary', '@' . $t->path('up'));
is $body, '900000 ' . unpack('%32C*', 'x' x 900_000), 'a large request';
(undef, $status) = curl("$url/go", '-o', $t->path('out'), '-D', $t->path('head'));
like $t->read('head'), qr{^Location: https://a.test:$port/there\r$}m, 'a redirect';
($body) = curl("$url/vars", '--next', '-s', '-k', '--connect-to', '::127.0.0.1:',
               "https://a.test:$port/vars");
is(() = $body =~ /https\|on/g, 2, 'two requests');
($body) = curl("$url/vars", '--tls-max', '1.2');
like $body, qr/\|TLSv1.2\|/, 'TLS 1.2';

my $pipeline = join '', map { "GET /vars?$_ HTTP/1.1\r\nHost: a.test\r\n\r\n" } 1 .. 20;
$text = s_client($port, $pipeline . "GET /vars HTTP/1.0\r\n\r\n", '-servername', 'a.test');
is(() = $text =~ /https\|on/g, 21, 'pipelined requests');


# ---- who does not speak TLS -------------------------------------------------------

my $r = $t->get('/x?y', host => 'a.test');
is $r->status, 400, 'a plain request';
like $r->body, qr/The plain HTTP request was sent to HTTPS port/, 'is told so';
is $r->header('Connection'), 'close', 'and that is all';
$r = $t->get('/x?y', host => 'p.test');
is $r->status, 302, 'error_page 497';
is $r->header('Location'), "https://p.test:$port/x?y", 'leads to the right place';
my $c = $t->connect;
$c->send("\x16\x03\x01\x00\x05hello");
like $c->read_all, qr/^\x15\x03.\x00\x02\x02/s, 'garbage gets an alert';
like s_client($t->port('plain'), "GET / HTTP/1.0\r\n\r\n"), qr/wrong version number/,
    'TLS to a plain port';
like $t->get('/vars', port => 'plain')->body, qr/^http\|\|\d+\|\|\|\|\|\|\|\|/,
    'variables without TLS';
like $t->read('tls.log'), qr/^- - 400$/m, 'the log of a plain request';
like $t->read('tls.log'), qr/^b.test TLSv1.3 200$/m, 'and of others';


# ---- a PROXY header first ----------------------------------------------------------

($body) = curl('https://a.test:' . $t->port('proxy') . '/', '--haproxy-protocol');
is $body, '127.0.0.1 https', 'a PROXY header before the handshake';
(undef, undef, my $code) = curl('https://a.test:' . $t->port('proxy') . '/');
isnt $code, 0, 'none';

unlike $t->read('error.log'), qr/\[(?!info|notice|error)\w+\].*SSL/, 'noise is not worth more than info';

$backend->stop;
curl('https://b.test:' . $t->port . '/');
ok $t->wait_log(qr/\[notice\] \S+ \S*\s*kTLS is not in use/), 'kTLS, in the log' if !is_oracle();

done_testing;
