# SPDX-License-Identifier: BSD-2-Clause
#
# allow and deny; stub_status and empty_gif.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_module('http_access');

my $t = Weir::Test->new;
$t->run(<<'EOC');
%%HTTP%%
    default_type text/plain;
    server {
        listen 127.0.0.1:%%PORT%%;
        listen unix:%%TESTDIR%%/sock;
        root %%TESTDIR%%;
        location /none { empty_gif; }
        location /deny { deny all; empty_gif; }
        location /first { allow 127.0.0.0/8; deny all; empty_gif; }
        location /second { deny 127.0.0.2; allow 127.0.0.0/8; deny all; empty_gif; }
        location /other { deny 10.0.0.0/8; deny ::1; empty_gif; }
        location /six { allow ::/0; deny all; empty_gif; }
        location /unix { allow unix:; deny all; empty_gif; }
        location /notunix { deny unix:; empty_gif; }
        location /outer { deny all;
            location /outer/inherits { empty_gif; }
            location /outer/own { allow all; empty_gif; } }
        location /method { limit_except GET { deny all; } empty_gif; }
        location /any { satisfy any; deny all; empty_gif; }
        location /anyok { satisfy any; allow 127.0.0.1; deny all; empty_gif; }
        location /page { deny all; error_page 403 /why; }
        location /why { return 200 because; }
        location /return { deny all; return 200 "before access"; }
        location /status { stub_status; }
        location /old { stub_status on; }
        location /vars { return 200 "$connections_active $connections_reading $connections_writing $connections_waiting"; }
    }
}
EOC

my @table = (
    '/none' => 200, '/deny' => 403, '/first' => 200, '/second' => 200,
    '/other' => 200, '/six' => 403, '/unix' => 403, '/notunix' => 200,
    '/outer/inherits' => 403, '/outer/own' => 200, '/method' => 200,
    '/any' => 403, '/anyok' => 200, '/page' => 403, '/return' => 200,
);
while (my ($uri, $status) = splice @table, 0, 2) {
    is $t->get($uri)->status, $status, $uri;
}
is $t->get('/second', local => '127.0.0.2')->status, 403, 'another address';
is $t->get('/unix', unix => 'sock')->status, 200, 'a unix socket';
is $t->get('/notunix', unix => 'sock')->status, 403, 'a unix socket, denied';
is $t->get('/first', unix => 'sock')->status, 403, 'a unix socket: deny all';
is $t->post('/method', 'x')->status, 403, 'limit_except';
is $t->get('/page')->body, 'because', 'an error page';
ok $t->wait_log(qr{\[error\] \d+#\d+: \*\d+ access forbidden by rule, client: 127\.0\.0\.1, server: .*, request: "GET /deny HTTP/1\.1", host: "}),
    'the log';
is scalar(grep { m{forbidden by rule.*"GET /any HTTP} } $t->log('error.log')),
    1, 'the log: satisfy any';

my $r = $t->get('/none');
is length $r->body, 43, 'empty_gif: size';
is $r->header('Content-Type'), 'image/gif', 'empty_gif: type';
is $r->header('Last-Modified'), 'Mon, 28 Sep 1970 06:00:00 GMT',
    'empty_gif: Last-Modified';
is $t->post('/none', 'x')->status, 405, 'empty_gif: POST';
is $t->head('/none')->header('Content-Length'), 43, 'empty_gif: HEAD';

SKIP: {
    skip 'no http_stub_status in this binary', 6
        if !has_module('http_stub_status');
    $r = $t->get('/status');
    like $r->body, qr{^Active connections: 1 \nserver accepts handled requests\n (\d+) \1 \d+ \nReading: 0 Writing: 1 Waiting: 0 \n$},
        'stub_status';
    is $r->header('Content-Type'), 'text/plain', 'stub_status: type';
    is $t->post('/status', 'x')->status, 405, 'stub_status: POST';
    is $t->get('/old')->status, 200, 'stub_status on';
    my $kept = $t->connect;
    $kept->get('/why');
    is $t->get('/vars')->body, '2 0 1 1', 'as variables';
    like $t->get('/status')->body, qr/^Active connections: 2 \n.*Waiting: 1 $/ms,
        'a waiting connection';
}

# ---- messages ----

sub first { return conf_test("events {}\nhttp {\n$_[0]\n}\n") }

is first('deny 300.1.1.1;')->{first}, 'invalid parameter "300.1.1.1" in F:3',
    'no address';
is first('deny 10.0.0.0/33;')->{first}, 'invalid parameter "10.0.0.0/33" in F:3',
    'no mask';
is first('allow 10.0.0.1/8;')->{first},
    'low address bits of 10.0.0.1/8 are meaningless in F:3', 'low bits';
is first('allow all; allow all;')->{code}, 0, 'the same twice';

done_testing;
