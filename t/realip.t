# SPDX-License-Identifier: BSD-2-Clause
#
# set_real_ip_from, real_ip_header, real_ip_recursive: whose address a request
# has, and that the next one on the connection has its own again.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_module('http_realip', 'http_rewrite');

my $show = '"$remote_addr $remote_port|$realip_remote_addr $realip_remote_port"';
my $t = Weir::Test->new;
$t->run(<<"EOC");
%%HTTP%%
    log_format addr "\$request_uri \$remote_addr \$realip_remote_addr";
    access_log %%TESTDIR%%/addr.log addr;
    geo \$net { default none; 5.0.0.0/8 five; }
    server {
        listen 127.0.0.1:%%PORT%%;
        set_real_ip_from 127.0.0.0/8;
        set_real_ip_from 10.0.0.0/8;
        set_real_ip_from 2001:db8::/32;
        location / { return 200 $show; }
        location /net { return 200 \$net; }
        location /redirect { rewrite ^ /other; }
        location /other { return 200 $show; }
        location /allow { allow 5.6.7.8; deny all; try_files /x =201; }
        location /inner { error_page 404 /other; }
    }
    server {
        listen 127.0.0.1:%%PORT_xff%%;
        set_real_ip_from 127.0.0.1;
        set_real_ip_from 10.0.0.0/8;
        real_ip_header X-Forwarded-For;
        location / { return 200 $show; }
    }
    server {
        listen 127.0.0.1:%%PORT_rec%%;
        set_real_ip_from localhost;
        set_real_ip_from 10.0.0.0/8;
        set_real_ip_from 2001:db8::/32;
        real_ip_header X-Forwarded-For;
        real_ip_recursive on;
        location / { return 200 $show; }
    }
    server {
        listen 127.0.0.1:%%PORT_any%%;
        real_ip_header X-Client;
        set_real_ip_from 127.0.0.1;
        location / { return 200 $show; }
    }
    server {
        listen 127.0.0.1:%%PORT_proxy%% proxy_protocol;
        set_real_ip_from 127.0.0.1;
        real_ip_header proxy_protocol;
        location / { return 200 $show; }
    }
    server {
        listen 127.0.0.1:%%PORT_plain%%;
        set_real_ip_from 127.0.0.1;
        real_ip_header proxy_protocol;
        location / { return 200 $show; }
    }
    server {
        listen unix:%%TESTDIR%%/sock;
        set_real_ip_from unix:;
        location / { return 200 $show; }
    }
    server {
        listen unix:%%TESTDIR%%/not;
        set_real_ip_from 127.0.0.1;
        location / { return 200 $show; }
    }
    server {
        listen 127.0.0.1:%%PORT_other%%;
        set_real_ip_from 127.0.0.2;
        location / { return 200 $show; }
        location /local { set_real_ip_from 127.0.0.1; set \$early x;
            try_files /x \@show; }
        location \@show { add_header X-Addr $show; try_files /x =204; }
    }
}
EOC

# Without a port the port of the connection is gone
sub real { my ($text) = @_; return qr/^\Q$text\E\|127\.0\.0\.1 [1-9]\d*$/ }
my $own = qr/^127\.0\.0\.1 (\d+)\|127\.0\.0\.1 \1$/;

sub with { my ($name, $value, @opt) = @_;
    return $t->get('/', headers => [ $name => $value ], @opt)->body }

my @real_ip = (
    '5.6.7.8'            => real('5.6.7.8 '),
    '5.6.7.8:90'         => real('5.6.7.8 90'),
    '2001:db8::1'        => real('2001:db8::1 '),
    '[2001:db8::1]:90'   => real('2001:db8::1 90'),
    '[2001:db8::1]'      => $own,
    '[5.6.7.8]:90'       => real('5.6.7.8 90'),
    '[5.6.7.8]'          => $own,
    '[]:90'              => $own,
    '2001:db8:::1'       => $own,
    '5.6.7.8:0'          => $own,
    '5.6.7.8:99999'      => $own,
    '5.6.7.8:x'          => $own,
    '5.6.7.8:'           => $own,
    ':80'                => $own,
    '5.6.7'              => $own,
    'unix:'              => $own,
    'name'               => $own,
    ''                   => $own,
    '5.6.7.8, 1.2.3.4'   => real('1.2.3.4 '),
    '10.0.0.1, 10.0.0.2' => real('10.0.0.2 '),
    '1.2.3.4,'           => real('1.2.3.4 '),
    '1.2.3.4 , ,'        => real('1.2.3.4 '),
    ' 1.2.3.4 5.6.7.8'   => real('5.6.7.8 '),
    'x, 5.6.7.8'         => real('5.6.7.8 '),
);
while (my ($value, $want) = splice @real_ip, 0, 2) {
    like with('X-Real-IP', $value), $want, "X-Real-IP: $value";
}
like $t->get('/')->body, $own, 'no field';
like with('X-Real-IP', '5.6.7.8', local => '127.0.0.9'),
    qr/^5\.6\.7\.8 \|127\.0\.0\.9 \d+$/, 'another trusted one';

sub list { my ($port, @values) = @_;
    return $t->get('/', port => $port,
        headers => [ map { ('X-Forwarded-For' => $_) } @values ])->body }
like list('xff', '5.6.7.8'), real('5.6.7.8 '), 'X-Forwarded-For';
like list('xff', '5.6.7.8, 10.1.1.1'), real('10.1.1.1 '), 'the last';
like list('xff', '5.6.7.8', '10.1.1.1'), real('10.1.1.1 '),
    'the last of several fields';
like list('rec', '5.6.7.8, 10.1.1.1'), real('5.6.7.8 '), 'recursive';
like list('rec', '5.6.7.8', '10.1.1.1'), real('5.6.7.8 '),
    'recursive: several fields';
like list('rec', '1.1.1.1, 5.6.7.8, 10.1.1.1'), real('5.6.7.8 '),
    'recursive: stops';
like list('rec', '10.1.1.1, 10.1.1.2'), real('10.1.1.1 '),
    'recursive: all trusted';
like list('rec', '1.1.1.1, x, 10.1.1.1'), real('10.1.1.1 '),
    'recursive: not an address';
like list('rec', '5.6.7.8:1, [2001:db8::1]:2'), real('5.6.7.8 1'),
    'recursive: ports';
like list('rec', '127.0.0.1'), real('127.0.0.1 '), 'recursive: itself';
like with('X-Real-IP', '5.6.7.8', port => 'xff'), $own, 'another field';

like with('X-Client', '5.6.7.8', port => 'any'), real('5.6.7.8 '),
    'any field';
like with('x-cLIENT', '5.6.7.8', port => 'any'), real('5.6.7.8 '),
    'any field: case';
like with('X-Real-IP', '5.6.7.8', port => 'any'), $own, 'any field: not given';

sub proxied { my ($line) = @_;
    return $t->raw("$line\r\nGET / HTTP/1.0\r\n\r\n", port => 'proxy')->body }
like proxied('PROXY TCP4 5.6.7.8 1.2.3.4 1111 2222'), real('5.6.7.8 1111'),
    'proxy_protocol';
like proxied('PROXY TCP6 2001:db8::5 2001:db8::6 1111 2222'),
    real('2001:db8::5 1111'), 'proxy_protocol: IPv6';
like proxied('PROXY UNKNOWN'), $own, 'proxy_protocol: unknown';
like $t->get('/', port => 'plain')->body, $own, 'proxy_protocol: none';

is with('X-Real-IP', '5.6.7.8', unix => 'sock'), '5.6.7.8 |unix: ',
    'a unix socket';
is with('X-Real-IP', '5.6.7.8', unix => 'not'), 'unix: |unix: ',
    'a unix socket that is not trusted';
like with('X-Real-IP', '5.6.7.8', port => 'other'), $own, 'not trusted';
is $t->get('/local', port => 'other', headers => [ 'X-Real-IP' => '5.6.7.8' ])
    ->header('X-Addr') =~ /^5\.6\.7\.8 \|127/ ? 1 : 0, 1, 'in a location';

my @real = (headers => [ 'X-Real-IP' => '5.6.7.8' ]);
is $t->get('/net', @real)->body, 'five', 'geo';
is $t->get('/net')->body, 'none', 'geo: without';
is $t->get('/allow', @real)->status, 201, 'allow';
is $t->get('/allow')->status, 403, 'allow: without';
like $t->get('/redirect', @real)->body, real('5.6.7.8 '), 'a rewrite';
like $t->get('/inner', @real)->body, real('5.6.7.8 '), 'an error page';

# ---- on one connection ----

my $c = $t->connect;
like $c->get('/', @real)->body, real('5.6.7.8 '), 'kept: the first';
like $c->get('/')->body, $own, 'kept: the second has its own';
like $c->get('/', headers => [ 'X-Real-IP' => '1.2.3.4' ])->body,
    real('1.2.3.4 '), 'kept: the third';
like $c->get('/inner')->body, $own, 'kept: the fourth';
$c = $t->connect;
$c->send("GET /p1 HTTP/1.1\r\nHost: a\r\nX-Real-IP: 5.6.7.8\r\n\r\n"
    . "GET /p2 HTTP/1.1\r\nHost: a\r\n\r\n"
    . "GET /p3 HTTP/1.1\r\nHost: a\r\nX-Real-IP: 1.2.3.4\r\n\r\n");
like $c->read_response->body, real('5.6.7.8 '), 'pipelined: the first';
like $c->read_response->body, $own, 'pipelined: the second';
like $c->read_response->body, real('1.2.3.4 '), 'pipelined: the third';
$c = $t->connect(port => 'proxy');
$c->send("PROXY TCP4 5.6.7.8 1.2.3.4 1111 2222\r\n");
like $c->get('/')->body, real('5.6.7.8 1111'), 'PROXY, kept: the first';
like $c->get('/')->body, real('5.6.7.8 1111'), 'PROXY, kept: the second';

# ---- logs ----

$t->get('/logged', @real);
ok $t->wait_log(qr{^/logged 5\.6\.7\.8 127\.0\.0\.1$}, 'addr.log'),
    'the access log';
ok $t->wait_log(qr{^/p2 127\.0\.0\.1 127\.0\.0\.1$}, 'addr.log'),
    'the access log: without';
$t->get('/allow?log', headers => [ 'X-Real-IP' => '1.2.3.4' ]);
ok $t->wait_log(qr{access forbidden by rule, client: 1\.2\.3\.4, server: , request: "GET /allow\?log}),
    'the error log';

# ---- messages ----

sub first { return conf_test("events {}\nhttp {\n$_[0]\n}\n") }

is first('set_real_ip_from nosuchhost.invalid;')->{first},
    'host not found in set_real_ip_from "nosuchhost.invalid" in F:3',
    'no such host';
is first('set_real_ip_from 10.0.0.1/8;')->{first},
    'low address bits of 10.0.0.1/8 are meaningless in F:3', 'low bits';
is first('real_ip_header a; real_ip_header b;')->{first},
    '"real_ip_header" directive is duplicate in F:3', 'twice';
is first('set_real_ip_from unix:; set_real_ip_from unix:;')->{code}, 0,
    'twice the same';

done_testing;
