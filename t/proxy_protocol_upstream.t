# SPDX-License-Identifier: BSD-2-Clause
#
# The header of the PROXY protocol to upstreams, which are the server itself at
# other addresses: versions, TLS behind it, connections that are reused for the
# same connection of a client only.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::UNIX;
use Weir::Test;
use Weir::TLS;

plan skip_all => 'nginx cannot send it to HTTP upstreams' if is_oracle();
need_tls();

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca('ca');
$pki->issue('up', by => 'ca', names => ['up.test']);
my $raw = Weir::Backend->tcp(sub {
    my ($c) = @_;

    my $head = $c->read_until(qr/Host/) // '';
    my $hex = unpack 'H*', $head =~ s/GET .*//sr;
    $c->send("HTTP/1.1 200 OK\r\nContent-Length: " . length($hex) . "\r\n\r\n$hex");
});
my $bytes = $raw->port;

$t->run(<<"EOC");
%%HTTP%%
    ssl_certificate %%TESTDIR%%/tls/up.pem;
    ssl_certificate_key %%TESTDIR%%/tls/up.key;
    upstream kept { server 127.0.0.1:%%PORT_up%%; keepalive 4; }
    upstream two { server 127.0.0.1:%%PORT_dead%%; server 127.0.0.1:%%PORT_up%%; }
    server {
        listen 127.0.0.1:%%PORT_up%% proxy_protocol;
        listen 127.0.0.1:%%PORT_tls%% proxy_protocol ssl;
        return 200 "\$proxy_protocol_addr \$proxy_protocol_port \$proxy_protocol_server_port \$connection";
    }
    server {
        listen 127.0.0.1:%%PORT_plain%%;
        return 200 plain;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        listen unix:%%TESTDIR%%/in.sock;
        set_real_ip_from 127.0.0.1;
        proxy_protocol on;
        location / { proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location /v2 { proxy_protocol v2; proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location /off { proxy_protocol off; proxy_pass http://127.0.0.1:%%PORT_plain%%; }
        location /tls { proxy_pass https://127.0.0.1:%%PORT_tls%%; }
        location /tls2 { proxy_protocol v2; proxy_pass https://127.0.0.1:%%PORT_tls%%; }
        location /kept { proxy_pass http://kept; }
        location /two { proxy_pass http://two; }
        location /raw { proxy_pass http://127.0.0.1:$bytes; }
        location /raw2 { proxy_protocol v2; proxy_pass http://127.0.0.1:$bytes; }
    }
}
EOC

my $c = $t->connect;
my $own = $c->{sock}->sockport;
my ($port, $up, $tls) = ($t->port, $t->port('up'), $t->port('tls'));

sub ask {
    my ($uri, @headers) = @_;

    $c->send_request('GET', $uri, headers => \@headers);
    return $c->read_response->body;
}

like ask('/'), qr/^127\.0\.0\.1 $own $port \d+$/, 'version 1';
like ask('/v2'), qr/^127\.0\.0\.1 $own $port \d+$/, 'version 2';
like ask('/tls'), qr/^127\.0\.0\.1 $own $port \d+$/, 'before TLS';
like ask('/tls2'), qr/^127\.0\.0\.1 $own $port \d+$/, '... in version 2';
like ask('/two'), qr/^127\.0\.0\.1 $own $port \d+$/, 'a second try';
is ask('/off'), 'plain', 'off';
like ask('/', 'X-Real-IP' => '192.0.2.7'), qr/^192\.0\.2\.7 /,
    'the address that realip has found';
is ask('/raw'), unpack('H*', "PROXY TCP4 127.0.0.1 127.0.0.1 $own $port\r\n"),
    'the bytes of version 1';
like ask('/raw2'), qr/^0d0a0d0a000d0a515549540a211100137f0000017f000001/,
    '... of version 2';

my ($first) = ask('/kept') =~ /(\d+)$/;
is +(ask('/kept') =~ /(\d+)$/)[0], $first, 'a kept connection: the same client';
isnt +($t->get('/kept')->body =~ /(\d+)$/)[0], $first, '... not for another one';
is +(ask('/kept') =~ /(\d+)$/)[0], $first, '... but for the first again';

my $unix = IO::Socket::UNIX->new(Peer => $t->path('in.sock')) or die "$!\n";
print $unix "GET /raw HTTP/1.0\r\n\r\n";
like do { local $/; <$unix> }, qr/\r\n\r\n\Q${\unpack('H*', "PROXY UNKNOWN\r\n")}\E$/,
    'a client at a unix socket is unknown';

done_testing;
