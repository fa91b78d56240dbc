# SPDX-License-Identifier: BSD-2-Clause
#
# TLS of others: Node, Perl's IO::Socket::SSL, openssl; a real application
# behind two servers that speak TLS to each other; who ends a connection, and
# how.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Weir::Node;
use Weir::Test;
use Weir::TLS;

need_tls();
need_node();
plan skip_all => 'no IO::Socket::SSL: sh auto/deps test installs it'
    if !eval { require IO::Socket::SSL; 1 };

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca('ca');
$pki->issue('a', by => 'ca');
$pki->issue('joe', by => 'ca', subject => '/CN=joe');
start_instance('server.js', one => $t->port('app'));

my $big = $t->read($t->write('html/big', join '', map { "line $_\n" } 1 .. 60_000));
my $slow = Weir::Backend->http(sub {
    my (undef, $c) = @_;

    $c->send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsl");
    select undef, undef, undef, 0.5;
    return 'ow';
});
my $cut = Weir::Backend->http(sub {
    my (undef, $c) = @_;

    $c->send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut");
    $c->close;
    return;
});

$t->run($t->expand(<<'EOC') =~ s/PORT_slow/$slow->port/er =~ s/PORT_cut/$cut->port/er);
%%HTTP%%
    ssl_certificate %%TESTDIR%%/tls/a.pem;
    ssl_certificate_key %%TESTDIR%%/tls/a.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:TLS:1m;
    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
    client_max_body_size 10m;
    ssl_verify_client optional;
    ssl_client_certificate %%TESTDIR%%/tls/ca.pem;

    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        server_name a.test;
        root %%TESTDIR%%/html;
        location = / { return 200 "$ssl_protocol $ssl_client_s_dn $ssl_session_reused\n"; }
        location /big { }
        location /app/ { proxy_pass https://127.0.0.1:%%PORT_inner%%/; }
        location /slow { proxy_pass http://127.0.0.1:PORT_slow; }
        location /cut { proxy_pass http://127.0.0.1:PORT_cut; }
    }
    server {
        listen 127.0.0.1:%%PORT_inner%% ssl;
        location / { proxy_pass http://127.0.0.1:%%PORT_app%%; }
    }
}
EOC
my $port = $t->port('tls');


subtest 'Node' => sub {
    my ($text) = Weir::TLS::run('', 'node', "$FindBin::Bin/data/express/client.js", $port);
    my $seen = eval { decode_json($text) } // { error => $text };

    is $seen->{error}, undef, 'no error';
    is_deeply $seen->{kept}, { connections => 1, posted => 200 }, 'one connection';
    is_deeply $seen->{resumed}{$_}, [JSON::PP::false, JSON::PP::true], "$_: a session"
        for 'TLSv1.2', 'TLSv1.3';
    is_deeply $seen->{echoed}, [(JSON::PP::true) x 4], 'WebSockets over TLS on both sides';
};

# tls(%opt): a connection by IO::Socket::SSL.
sub tls {
    my (%opt) = @_;

    return IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => $port,
        SSL_hostname => 'a.test', SSL_verifycn_name => 'a.test', Timeout => 10,
        SSL_ca_file => $pki->path('ca.pem'), %opt) // die IO::Socket::SSL::errstr() . "\n";
}

# all($c): what comes until the end, and whether the end was announced.
sub all {
    my ($c) = @_;
    my $text = '';

    1 while $c->sysread($text, 65536, length $text);
    my $is_told = Net::SSLeay::get_shutdown($c->_get_ssl_object // return $text) & 2;
    return wantarray ? ($text, $is_told ? 1 : 0) : $text;
}

my $get = "GET %s HTTP/1.1\r\nHost: a.test\r\nConnection: %s\r\n\r\n";

for my $version ('TLSv1_2', 'TLSv1_3') {
    subtest "IO::Socket::SSL, $version" => sub {
        my @version = (SSL_version => $version);
        my $c = tls(@version, SSL_cert_file => $pki->path('joe.pem'),
                    SSL_key_file => $pki->path('joe.key'));
        print $c sprintf $get, '/', 'close';
        my ($text, $is_told) = all($c);
        like $text, qr/^TLSv1\.[23] CN=joe \.$/m, 'with a certificate';
        is $is_told, 1, 'the end is announced';

        $c = tls(@version);
        print $c sprintf($get, '/', 'keep-alive') x 20, sprintf $get, '/big', 'close';
        ($text) = all($c);
        is scalar(() = $text =~ /^TLSv1/mg), 20, 'many requests at once';
        ok substr($text, -length $big) eq $big, 'and a large response';

        # Half a close: the client has said all, and waits.
        $c = tls(@version);
        print $c sprintf $get, '/big', 'keep-alive';
        Net::SSLeay::shutdown($c->_get_ssl_object);
        ($text) = all($c);
        ok substr($text, -length $big) eq $big, 'a client that has said all is answered';

        $c = tls(@version);
        print $c sprintf $get, '/slow', 'close';
        ($text, $is_told) = all($c);
        like $text, qr/slow\z/, 'a response that takes its time';
        is $is_told, 1, 'and ends as it should';

        $c = tls(@version);
        print $c sprintf $get, '/cut', 'close';
        ($text) = all($c);
        like $text, qr/\r\n\r\ncut\z/, 'one that breaks off';
        like $text, qr/^Content-Length: 100\r$/m, 'is shorter than it says';

        $c = tls(@version);
        print $c sprintf $get, '/', 'keep-alive';
        $c->sysread($text, 65536);
        $c->close(SSL_no_shutdown => 1);
        $c = tls(@version);
        print $c substr(sprintf($get, '/', 'close'), 0, 10);
        $c->close;
        is((curl("https://a.test:$port/"))[1], 200, 'who leaves without a word harms nobody');
    };
}

subtest 'renegotiation' => sub {
    my ($text) = Weir::TLS::run("R\nGET / HTTP/1.0\r\n\r\n", 'sh', '-c',
        "(head -n 1; sleep 1; cat; sleep 1) | openssl s_client -tls1_2 -connect 127.0.0.1:$port 2>&1");

    like $text, qr/RENEGOTIATING/, 'a client asks for it';
    like $text, qr/no renegotiation|unexpected eof|alert/, 'and does not get it';
    is((curl("https://a.test:$port/"))[1], 200, 'which harms nobody');
};

my @errors = grep { /\[(?:error|crit)\]/ && !/upstream prematurely closed/ } $t->log;
is "@errors", '', 'what clients do is no error' if !is_oracle();

done_testing;
