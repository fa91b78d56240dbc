# SPDX-License-Identifier: BSD-2-Clause
#
# TLS to upstreams.  The upstream is the server itself, at other addresses, so
# that it tells what it saw of the connection.

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
$pki->ca('strange');
$pki->issue('up', by => 'ca', names => ['up.test', '127.0.0.1']);
$pki->issue('gone', by => 'ca', names => ['gone.test']);
$pki->issue('old', by => 'ca', names => ['old.test'], until => '20210101000000Z');
$pki->issue($_, by => 'ca') for qw(one two);
$pki->revoke('gone', by => 'ca');
$pki->crl('ca');
Weir::TLS::openssl('pkey', '-in', $pki->path('two.key'), '-aes256', '-passout',
                   'pass:word', '-out', $pki->path('two.enc'));
$pki->write('passwords', "x\nword\n");
chmod 0644, $pki->path("$_.key") for qw(one two); # for workers
$t->write('html/big', join '', map { chr($_ * 11 % 253) } 1 .. 700_000);

# nginx resumes sessions of other certificates, and unverified ones.
my $own = is_oracle() ? 'proxy_ssl_session_reuse off;' : '';
$t->run(<<'EOC' =~ s/OWN/$own/gr);
%%HTTP%%
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate %%TESTDIR%%/tls/up.pem;
    ssl_certificate_key %%TESTDIR%%/tls/up.key;
    proxy_ssl_protocols TLSv1.2 TLSv1.3;
    proxy_ssl_trusted_certificate %%TESTDIR%%/tls/ca.pem;
    proxy_http_version 1.1;
    proxy_set_header Connection close;
    upstream named { server 127.0.0.1:%%PORT_tls%%; }
    upstream kept { server 127.0.0.1:%%PORT_tls%%; keepalive 8; }
    upstream other { server 127.0.0.1:%%PORT_asks%%; }

    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        root %%TESTDIR%%/html;
        location / { return 200 "$ssl_server_name|$ssl_protocol|$ssl_cipher|$ssl_client_s_dn|$ssl_session_reused|$connection|$http_host"; }
        location /big { }
        location /slow { limit_rate 400k; alias %%TESTDIR%%/html/big; }
        location /body { client_max_body_size 2m; proxy_pass http://127.0.0.1:%%PORT_back%%; }
        location /up { proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
                       proxy_pass http://127.0.0.1:%%PORT_echo%%; }
    }
    server {
        listen 127.0.0.1:%%PORT_asks%% ssl;
        ssl_verify_client optional;
        ssl_client_certificate %%TESTDIR%%/tls/ca.pem;
        return 200 "$ssl_server_name|$ssl_protocol|$ssl_cipher|$ssl_client_s_dn|$ssl_session_reused|$connection|$http_host";
    }
    server {
        listen 127.0.0.1:%%PORT_old%% ssl;
        ssl_certificate %%TESTDIR%%/tls/old.pem;
        ssl_certificate_key %%TESTDIR%%/tls/old.key;
        return 200 old;
    }
    server {
        listen 127.0.0.1:%%PORT_gone%% ssl;
        ssl_certificate %%TESTDIR%%/tls/gone.pem;
        ssl_certificate_key %%TESTDIR%%/tls/gone.key;
        return 200 gone;
    }
    server {
        listen 127.0.0.1:%%PORT_picky%% ssl;
        ssl_reject_handshake on;
    }
    server {
        listen 127.0.0.1:%%PORT_picky%% ssl;
        server_name up.test;
        return 200 "picky $ssl_server_name";
    }

    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT_front%% ssl;
        location /plain { proxy_pass https://127.0.0.1:%%PORT_tls%%; }
        location /group { proxy_pass https://named; }
        location /sni { proxy_ssl_server_name on; proxy_pass https://named; }
        location /sniname { proxy_ssl_server_name on; proxy_ssl_name $arg_n; proxy_pass https://named; }
        location /var { set $u 127.0.0.1; proxy_pass https://$u:%%PORT_tls%%; }
        location /port { proxy_set_header Connection close; proxy_set_header Host $proxy_host.$proxy_port; proxy_pass https://named; }

        location /verify { OWN proxy_ssl_verify on; proxy_ssl_name up.test; proxy_pass https://named; }
        location /wrong { OWN proxy_ssl_verify on; proxy_ssl_name wrong.test; proxy_pass https://named; }
        location /strange { OWN proxy_ssl_verify on; proxy_ssl_name up.test;
                            proxy_ssl_trusted_certificate %%TESTDIR%%/tls/strange.pem; proxy_pass https://named; }
        location /old { OWN proxy_ssl_verify on; proxy_ssl_name old.test; proxy_pass https://127.0.0.1:%%PORT_old%%; }
        location /gone { OWN proxy_ssl_verify on; proxy_ssl_name gone.test; proxy_pass https://127.0.0.1:%%PORT_gone%%; }
        location /crl { OWN proxy_ssl_verify on; proxy_ssl_name gone.test; proxy_ssl_crl %%TESTDIR%%/tls/ca.crl;
                        proxy_pass https://127.0.0.1:%%PORT_gone%%; }

        location /cert { OWN proxy_ssl_certificate %%TESTDIR%%/tls/one.pem; proxy_ssl_certificate_key %%TESTDIR%%/tls/one.key; proxy_pass https://other; }
        location /nocert { OWN proxy_pass https://other; }
        location /certpass { OWN proxy_ssl_certificate %%TESTDIR%%/tls/two.pem; proxy_ssl_certificate_key %%TESTDIR%%/tls/two.enc;
                             proxy_ssl_password_file %%TESTDIR%%/tls/passwords; proxy_pass https://other; }
        location /certvar { OWN proxy_ssl_certificate %%TESTDIR%%/tls/$arg_c.pem; proxy_ssl_certificate_key %%TESTDIR%%/tls/$arg_c.key; proxy_pass https://other; }
        location /tls12 { proxy_ssl_protocols TLSv1.2; proxy_ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256; proxy_pass https://named; }
        location /conf { proxy_ssl_conf_command Protocol "-TLSv1.3"; proxy_pass https://named; }
        location /noreuse { proxy_ssl_session_reuse off; proxy_pass https://named; }
        location /kept { proxy_set_header Connection ""; proxy_ssl_server_name on; proxy_ssl_name $arg_n; proxy_pass https://kept; }

        location /totls { proxy_pass http://127.0.0.1:%%PORT_tls%%; }
        location /talks { proxy_pass https://127.0.0.1:%%PORT_talks%%; }
        location /picky { proxy_pass https://127.0.0.1:%%PORT_picky%%; }
        location /dead { proxy_pass https://127.0.0.1:%%PORT_dead%%; }
        location /big { proxy_pass https://named; }
        location /unbuffered { proxy_buffering off; proxy_pass https://named/big; }
        location /slow { proxy_pass https://named; }
        location /body { client_max_body_size 2m; proxy_pass https://named; }
        location /stream { client_max_body_size 2m; proxy_request_buffering off; proxy_pass https://named/body; }
        location /up { proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; proxy_pass https://named; }
    }
}
EOC

my $backend = Weir::Backend->http(sub {
    my ($request) = @_;
    my $body = length($request->body) . ' ' . unpack('%32C*', $request->body);

    return "HTTP/1.1 200 OK\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
}, port => $t->port('back'));
my $echo = Weir::Backend->tcp(sub {
    my ($c) = @_;

    $c->read_until(qr/\r\n\r\n/);
    $c->send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello\n");
    $c->read_until(qr/bye\n/);
    $c->send("seen\n");
}, port => $t->port('echo'));
my $talks = Weir::Backend->tcp(sub {
    my ($c) = @_;

    $c->send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    $c->read_all;
}, port => $t->port('talks'));

# seen($uri): what the upstream saw, as a hash; {status}
sub seen {
    my $r = $t->get(shift);
    my %seen = (status => $r->status, body => $r->body);

    @seen{qw(name protocol cipher client reused connection host)} = split /\|/, $r->body;
    return \%seen;
}

my $s = seen('/plain');
is $s->{status}, 200, 'https';
is $s->{protocol}, 'TLSv1.3', 'TLS 1.3';
is $s->{name}, '', 'no name is sent';
is $s->{host}, '127.0.0.1:' . $t->port('tls'), 'Host';
is seen('/group')->{host}, 'named', 'a group';
is seen('/port')->{host}, 'named.443', '$proxy_port';
is seen('/var')->{status}, 200, 'a URL with variables';
is seen('/sni')->{name}, 'named', 'proxy_ssl_server_name';
is seen('/sniname?n=a.test')->{name}, 'a.test', 'proxy_ssl_name';
is seen('/sniname?n=a.test:8443')->{name}, 'a.test', 'without the port';
is seen('/sniname?n=127.0.0.1')->{name}, '', 'an address is not sent';
is seen('/sniname')->{name}, '', 'nor is nothing';


# ---- whom it trusts ----------------------------------------------------------

is seen('/verify')->{status}, 200, 'verified';
is seen("/$_")->{status}, 502, $_ for qw(wrong strange old crl);
is seen('/gone')->{body}, 'gone', 'revoked, without a list';
my $log = $t->read('error.log');
like $log, qr/upstream SSL certificate does not match "wrong.test" while SSL handshaking to upstream/, 'wrong name: the log';
like $log, qr/upstream SSL certificate verify error: \(10:certificate has expired\) while SSL handshaking/, 'expired';
like $log, qr/upstream SSL certificate verify error: \(23:certificate revoked\)/, 'revoked';
like $log, qr{upstream: "https://127.0.0.1:\d+/wrong"}, 'with its scheme';


# ---- who it is ------------------------------------------------------------------

is seen('/cert')->{client}, 'CN=one.test', 'a certificate';
is seen('/nocert')->{client}, '', 'none elsewhere';
is seen('/certpass')->{client}, 'CN=two.test', 'a key with a password';
is seen('/certvar?c=one')->{client}, 'CN=one.test', 'named by a variable';
is seen('/certvar?c=two')->{client}, 'CN=two.test', 'another one';
is seen('/certvar?c=none')->{status}, 500, 'one that is not there';
$s = seen('/tls12');
is "$s->{protocol} $s->{cipher}", 'TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256', 'protocol and cipher';
is seen('/conf')->{protocol}, 'TLSv1.2', 'proxy_ssl_conf_command';


# ---- sessions and connections --------------------------------------------------------

seen('/plain');
is seen('/plain')->{reused}, 'r', 'a session is resumed';
seen('/tls12');
is seen('/tls12')->{reused}, 'r', 'also of TLS 1.2';
seen('/noreuse');
is seen('/noreuse')->{reused}, '.', 'or not';
if (!is_oracle()) {
    seen('/cert');
    is seen('/nocert')->{client}, '', 'a session of one certificate serves no other';
    is seen('/verify')->{reused}, 'r', 'a verified one is resumed';
    is seen('/wrong')->{status}, 502, 'but not for another name';
    my %of = map { my $n = $_; $n => [map { seen("/kept?n=$n")->{connection} } 1 .. 3] } qw(a.test b.test);
    is $of{$_}[2], $of{$_}[0], "$_: the connection is kept" for sort keys %of;
    isnt $of{'a.test'}[0], $of{'b.test'}[0], 'and not for another name';
    is seen('/kept?n=a.test')->{connection}, $of{'a.test'}[0], 'it is still there';
}


# ---- what goes over it ---------------------------------------------------------------------

my $big = $t->read('html/big');
ok $t->get("/$_")->body eq $big, "a large response, $_" for qw(big unbuffered slow);
my $body = join '', map { chr($_ * 5 % 250) } 1 .. 1_500_000;
my $sum = length($body) . ' ' . unpack('%32C*', $body);
for my $uri (qw(/body /stream)) {
    my $c = $t->connect(timeout => 20);
    my $head = "POST $uri HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: " . length($body) . "\r\n\r\n";
    $c->send($head . $body);
    is $c->read_response->body, $sum, "a large request, $uri";
}
my ($got) = curl('https://127.0.0.1:' . $t->port('front') . '/big');
ok $got eq $big, 'TLS on both sides';

my $c = $t->connect;
$c->send("GET /up HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
$c->read_until(qr/hello\n/);
$c->send("bye\n");
like $c->read_until(qr/seen\n/), qr/seen/, 'a tunnel';


# ---- what is no TLS -----------------------------------------------------------------------

is seen('/totls')->{status}, 400, 'plain to TLS';
is seen("/$_")->{status}, 502, "TLS to plain: $_" for qw(talks dead);
is seen('/picky')->{status}, 502, 'a server that wants a name';
like $t->read('error.log'), qr/the upstream may need a name in the handshake: proxy_ssl_server_name on/,
    'the log tells the cure' if !is_oracle();
like $t->read('error.log'), qr/SSL_do_handshake\(\) failed \(SSL: .*\) while SSL handshaking to upstream/, 'the log';

$t->expect_log(qr/unrecognized name/) if is_oracle();
$_->stop for $backend, $echo, $talks;
done_testing;
