# SPDX-License-Identifier: BSD-2-Clause
#
# auth_request and auth_request_set.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_module('http_auth_request', 'http_rewrite');

my $t = Weir::Test->new;
$t->write('html/index.html', 'in');
$t->write('html/inner.html', 'inner');
$t->write('html/auth.html', 'a page that nobody sees');
$t->write('users', 'user:{PLAIN}secret');

my $slow = Weir::Backend->http(sub { select undef, undef, undef, 3; undef },
                               port => $t->port('slow'));

$t->run(<<'EOC');
%%HTTP%%
    log_format status "$request_uri $status";
    log_format sub "$uri $request_method $http_x_probe:$who";
    access_log %%TESTDIR%%/main.log sub;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        location /open { auth_request /200; try_files /index.html =404; }
        location /nobody { auth_request /204; try_files /index.html =404; }
        location /forbidden { auth_request /403; try_files /index.html =404; }
        location /challenge { auth_request /401; try_files /index.html =404; }
        location /moved { auth_request /302; try_files /index.html =404; }
        location /absent { auth_request /404; try_files /index.html =404; }
        location /broken { auth_request /500; try_files /index.html =404; }
        location /down { auth_request /proxy/down; try_files /index.html =404; }
        location /static { auth_request /auth.html; try_files /index.html =404; }
        location /args { auth_request /args200; try_files /index.html =404; }
        location /self { auth_request /self; return 204; }
        location /outer { auth_request /403; try_files /index.html =404;
            location /outer/in { try_files /index.html =404; }
            location /outer/off { auth_request off; try_files /index.html =404; }
            location /outer/other { auth_request /200; try_files /index.html =404; } }
        location /any { satisfy any; deny all; auth_request /200; try_files /index.html =404; }
        location /anyno { satisfy any; deny all; auth_request /401; try_files /index.html =404; }
        location /page { auth_request /401; error_page 401 /why; }
        location /why { return 200 because; }
        location /set { auth_request /proxy/200; auth_request_set $who $upstream_http_x_who;
            auth_request_set $code $upstream_status; auth_request_set $at $uri;
            add_header X-Who $who always; add_header X-Code $code always; add_header X-At $at always;
            try_files /index.html =404; }
        location /setno { auth_request /proxy/401; auth_request_set $who $upstream_http_x_who;
            add_header X-Who $who always; try_files /index.html =404; }
        location /unset { add_header X-Who "[$who]" always; try_files /index.html =404; }
        location /body { auth_request /proxy/method; proxy_pass http://127.0.0.1:%%PORT_backend%%/echo; }
        location /hidden { auth_request /veiled; try_files /index.html =404; }
        location /nothing { auth_request /444; try_files /index.html =404; }
        location /slow { access_log %%TESTDIR%%/status.log status; auth_request /think; try_files /index.html =404; }
        location /two { auth_request /proxy/two; try_files /index.html =404; }
        location /basic { auth_basic b; auth_basic_user_file %%TESTDIR%%/users; auth_request /200; try_files /index.html =404; }
        location /internal { auth_request /inside; try_files /index.html =404; }
        location = /inside { internal; return 200; }
        location /index/ { auth_request /200; alias %%TESTDIR%%/html/; index inner.html; }

        location = /200 { return 200 text; }
        location = /204 { return 204; }
        location = /302 { return 302 /elsewhere; }
        location = /401 { return 401; }
        location = /403 { return 403; }
        location = /404 { return 404; }
        location = /444 { return 444; }
        location = /500 { return 500; }
        location = /veiled { proxy_hide_header WWW-Authenticate; proxy_pass http://127.0.0.1:%%PORT_backend%%/401; }
        location = /think { proxy_pass http://127.0.0.1:%%PORT_slow%%; }
        location = /args200 { if ($args) { return 403; } return 200; }
        location = /proxy/down { proxy_pass http://127.0.0.1:%%PORT_down%%; }
        location /proxy/ { proxy_pass http://127.0.0.1:%%PORT_backend%%/;
            proxy_pass_request_body off; proxy_set_header Content-Length ""; }
    }
    server {
        listen 127.0.0.1:%%PORT_backend%%;
        access_log %%TESTDIR%%/backend.log sub;
        location = /200 { add_header X-Who "the user"; return 200 "a body"; }
        location = /401 { add_header X-Who nobody always;
            add_header WWW-Authenticate "Custom x" always; return 401; }
        location = /two { add_header WWW-Authenticate "One x" always;
            add_header WWW-Authenticate "Two y" always; return 401; }
        location = /method { if ($http_content_length) { return 403; } return 200; }
        location = /echo { return 200 "$request_method $http_content_length"; }
    }
}
EOC

$t->answers(
    '/open'        => 'in',
    '/nobody'      => 'in',
    '/forbidden'   => [403, qr/403 Forbidden/],
    '/challenge'   => [401, qr/401 Authorization Required/],
    '/moved'       => [500, qr/500 Internal/],
    '/absent'      => [500],
    '/broken'      => [500],
    '/down'        => [500],
    '/static'      => 'in',
    '/args?a=b'    => 'in',
    '/self'        => [204],
    '/outer'       => [403],
    '/outer/in'    => [403],
    '/outer/off'   => 'in',
    '/outer/other' => 'in',
    '/any'         => 'in',
    '/anyno'       => [401],
    '/page'        => [401, 'because'],
    '/internal'    => 'in',
    '/inside'      => [404],
    '/index/'      => 'inner',
);

ok $t->wait_log(qr{\[error\] \d+#\d+: \*\d+ auth request unexpected status: 404.*, client: 127\.0\.0\.1, server: , request: "GET /absent HTTP/1\.1", host: }),
    'the log';
ok $t->wait_log(qr{auth request unexpected status: 302.*"GET /moved}),
    'the log: 302';

my $r = $t->get('/set');
is $r->status, 200, 'auth_request_set';
is $r->body, 'in', 'auth_request_set: body';
is $r->header('X-Who'), 'the user', 'a field of the upstream';
is $r->header('X-Code'), '200', 'its status';
like $r->header('X-At'), qr{^/(set|proxy/200|index\.html)$}, '$uri';
$r = $t->get('/setno');
is $r->status, 401, 'a refusal';
is $r->header('X-Who'), 'nobody', 'a refusal: variable';
is $r->header('WWW-Authenticate'), 'Custom x', 'a refusal: challenge';
is $t->get('/unset')->header('X-Who'), '[]', 'not set';
$r = $t->post('/body', 'x' x 20000);
is $r->status, 200, 'a body';
is $r->body, 'POST 20000', 'a body: goes on';
is $t->head('/set')->header('X-Who'), 'the user', 'HEAD';

SKIP: {
    skip 'since 1.23.0', 1 if !version_at_least('1.23.0');
    is join('|', $t->get('/two')->headers('WWW-Authenticate')),
        'One x|Two y', 'two challenges';
}

is $t->get('/basic')->status, 401, 'auth_basic too';
is $t->get('/basic', headers => [ Authorization => 'Basic dXNlcjpzZWNyZXQ=' ])
    ->status, 200, 'auth_basic too: right';

# An upstream's challenge counts where it is not passed on, too.
$r = $t->get('/hidden');
is $r->status, 401, 'a hidden challenge';
is $r->header('WWW-Authenticate'), 'Custom x', 'a hidden challenge: passed on';

# Who is refused need not send the body.
my $half = $t->connect;
$half->send("POST /forbidden HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
is $half->read_response->status, 403, 'half a body';

# No response at all.
$half = $t->connect;
$half->send("GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n");
ok $half->closed, 'return 444 within';

# Clients that leave while the other side thinks.
my @gone = map { $t->connect } 1 .. 5;
$_->send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n") for @gone;
ok wait_until(sub { $slow->connections >= 5 }),
    'asked';
$_->close for @gone;
ok $t->wait_log(qr{client prematurely closed connection.*"GET /slow HTTP/1.1", subrequest: "/think", upstream: }),
    'a client leaves: the log';
ok wait_until(sub { (() = $t->read('status.log') =~ m{^/slow 499$}mg) == 5 }),
    'a client leaves: 499';

# Pipelined on one connection
my $c = $t->connect;
is $c->get('/set')->header('X-Who'), 'the user', 'kept: first';
is $c->get('/unset')->header('X-Who'), '[]', 'kept: nothing left over';
is $c->get('/forbidden')->status, 403, 'kept: refused';
is $c->get('/open')->body, 'in', 'kept: open';

# ---- messages ----

sub first { return conf_test("events {}\nhttp {\n$_[0]\n}\n") }

is first('auth_request /a; auth_request /b;')->{first},
    '"auth_request" directive is duplicate in F:3', 'twice';
is first('auth_request_set who x;')->{first},
    'invalid variable name "who" in F:3', 'no variable';
is first('auth_request_set $uri x;')->{first},
    'the duplicate "uri" variable in F:3', 'a variable that is taken';
is first('auth_request_set $a $nosuch;')->{first},
    'unknown "nosuch" variable', 'no such variable';

done_testing;
