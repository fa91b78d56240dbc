# SPDX-License-Identifier: BSD-2-Clause
#
# $remote_prefix: limits for networks of clients.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

plan skip_all => 'an nginx has none' if is_oracle();
need_module('http_limit_req', 'http_limit_conn', 'http_realip');

my $t = Weir::Test->new;
$t->write('html/plain.txt', "plain\n");
$t->run(<<'EOC');
%%HTTP%%
    limit_req_zone $remote_prefix zone=one:1m rate=1r/m;
    limit_req_zone $remote_prefix zone=two:1m rate=1r/m;
    limit_conn_zone $remote_prefix zone=conns:1m;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        set_real_ip_from 127.0.0.1;
        limit_req zone=one;
        location / { try_files /plain.txt =404; }
        location /net { remote_prefix 24 48; try_files /plain.txt =404; }
        location /early { set $early $remote_prefix; limit_req zone=two; try_files /plain.txt =404; }
        location /late { real_ip_header X-Late; limit_req zone=two;
            set $early $remote_prefix; limit_conn conns 5; try_files /plain.txt =404; }
    }
    server {
        listen 127.0.0.1:%%PORT_inner%%;
        root %%TESTDIR%%/html;
        set_real_ip_from 127.0.0.1;
        remote_prefix 8 32;
        location / { limit_req zone=one; try_files /plain.txt =404; }
    }
}
EOC

sub statuses {
    my ($uri, @from) = @_;
    return join ' ', map { $t->get($uri, headers => [ 'X-Real-IP' => $_ ])->status } @from;
}

is statuses('/', '192.0.2.1', '192.0.2.1', '192.0.2.2'), '200 503 200',
    'each IPv4 address';
is statuses('/', '2001:db8:1:1::1', '2001:db8:1:1:ffff::2', '2001:db8:1:2::1'),
    '200 503 200', 'each /64';
is statuses('/', '::ffff:192.0.2.1'), '503', 'IPv4 in IPv6';
is statuses('/net', '192.0.2.1', '192.0.2.9', '192.0.3.1', '2001:db8:1::1',
            '2001:db8:1:ffff::1', '2001:db8:2::1'), '200 503 200 200 503 200',
    'remote_prefix of a location';
is join(' ', map { $t->get('/', headers => [ 'X-Real-IP' => $_ ], port => 'inner')->status }
        '10.1.1.1', '10.2.2.2', '11.1.1.1', '2001:db8:9::1', '2001:db8:8::2'),
    '200 503 200 200 503', '... of a server';
is join(' ', map { $t->get('/late', headers => [ 'X-Late' => $_ ])->status }
        '192.0.2.1', '192.0.2.2', '192.0.2.2'), '200 200 503',
    'the address that realip found last';

my @bad = (
    'remote_prefix 0 64' => 'invalid length "0", it must be between 1 and 32',
    'remote_prefix 33 64' => 'invalid length "33", it must be between 1 and 32',
    'remote_prefix 24 129' => 'invalid length "129", it must be between 1 and 128',
    'remote_prefix 24 x' => 'invalid length "x", it must be between 1 and 128',
    'remote_prefix 24' => 'invalid number of arguments in "remote_prefix" directive',
    'remote_prefix 24 64; remote_prefix 24 64' => '"remote_prefix" directive is duplicate',
);
while (my ($text, $wanted) = splice @bad, 0, 2) {
    is conf_test("events {} http {\n$text;\n}")->{first}, "$wanted in F:2", $text;
}

done_testing;
