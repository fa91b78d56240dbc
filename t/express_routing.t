# SPDX-License-Identifier: BSD-2-Clause
#
# A site as they are written: tenants and versions of an application told apart
# by maps, a login that the application itself decides on, clients behind a
# load balancer, headers that are inherited and lost, logs in JSON.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP qw(decode_json);
use Weir::Node;
use Weir::Test;

need_module(qw(http_auth_request http_rewrite http_proxy http_map http_geo
               http_realip));
need_node();

my $t = Weir::Test->new;
start_instance('site.js', $_, $t->port($_)) for qw(stable next);
$t->write('assets/site.css', "body { color: green }\n");
$t->write('pages/sorry.html', "sorry\n");

$t->write('snippets/forwarded.conf', <<'EOC');
proxy_set_header Host            $host;
proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
proxy_set_header X-Request-ID    $request_id;
proxy_set_header X-Tenant        $tenant;
EOC
$t->write('snippets/secure.conf', <<'EOC');
add_header X-Frame-Options        DENY;
add_header X-Content-Type-Options nosniff always;
EOC

$t->run(<<'EOC');
%%GLOBALS%%
worker_processes 2;
events { worker_connections 512; }
http {
    %%GLOBALS_HTTP%%
    types { text/css css; text/html html; }
    default_type application/octet-stream;

    log_format site escape=json
        '{"host":"$host","uri":"$request_uri","status":$status,'
        '"client":"$remote_addr","peer":"$realip_remote_addr",'
        '"tenant":"$tenant","pool":"$pool","user":"$login","id":"$request_id",'
        '"upstream":"$upstream_status","agent":"$http_user_agent"}';
    map $request_uri $is_logged {
        default       1;
        ~^/health     0;
    }
    access_log %%TESTDIR%%/site.json site if=$is_logged;

    # The load balancer in front says who the client is.
    set_real_ip_from  127.0.0.0/24;
    set_real_ip_from  10.0.0.0/8;
    real_ip_header    X-Forwarded-For;
    real_ip_recursive on;
    geo $is_office {
        default         0;
        192.0.2.0/24    1;
    }

    upstream stable { server 127.0.0.1:%%PORT_stable%%; keepalive 8; }
    upstream next   { server 127.0.0.1:%%PORT_next%%; keepalive 8; }
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    include snippets/forwarded.conf;

    map $host $tenant {
        hostnames;
        default                         none;
        site.test                       main;
        .shop.test                      shop;
        ~^(?<name>[a-z]+)\.site\.test$  $name;
    }
    # The new version: for who asks for it, and for the office's accounts.
    map $http_x_version:$cookie_canary:$is_office $pool {
        default         stable;
        ~^2:            next;
        ~*^:yes:        next;
        "::1"           next;
    }
    map $http_origin $allowed_origin {
        ~^https://([a-z]+\.)?site\.test$  $http_origin;
    }
    map $uri $moved {
        /about.php     /about;
        "~^/blog/(?<year>\d{4})/(?<slug>[a-z-]+)\.html$"  /posts/$year-$slug;
    }

    server {
        listen 127.0.0.1:%%PORT%% default_server;
        server_name _;
        return 421 "no such site\n";
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name site.test *.site.test .shop.test;
        root %%TESTDIR%%;
        include snippets/secure.conf;
        set $login "";

        if ($moved) { return 301 $moved$is_args$args; }
        rewrite ^/v([12])/(.*)$ /api/$2?version=$1 last;

        location / { proxy_pass http://$pool; }
        location = /health { return 200 "ok\n"; }
        location /assets/ {
            # An own add_header: those of the server are gone, on purpose.
            expires 1d;
            add_header Access-Control-Allow-Origin *;
        }
        location /api/ {
            include snippets/secure.conf;
            add_header Access-Control-Allow-Origin $allowed_origin always;
            add_header Vary Origin always;
            add_header X-Pool $pool always;
            if ($request_method = OPTIONS) {
                add_header Access-Control-Allow-Origin $allowed_origin;
                add_header Access-Control-Allow-Methods "GET, POST";
                return 204;
            }
            proxy_intercept_errors on;
            error_page 500 502 503 504 /pages/sorry.html;
            proxy_pass http://$pool;
        }
        location /account/ {
            auth_request /_auth;
            auth_request_set $login $upstream_http_x_user;
            auth_request_set $role  $upstream_http_x_role;
            error_page 401 = @login;

            proxy_set_header X-User $login;
            proxy_set_header X-Role $role;
            proxy_set_header Host $host;
            add_header X-Login $login;
            proxy_pass http://$pool;
        }
        location = /_auth {
            internal;
            proxy_pass http://stable/auth;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header X-Original-URI $request_uri;
        }
        location @login { return 302 /login?next=$uri; }
        location /pages/ { internal; }
    }
}
EOC

# site($uri, ...): what the site answers, as a response; json(...): decoded.
sub site { my ($uri, @opt) = @_; return $t->get($uri, host => 'site.test', @opt) }
sub json { return decode_json(site(@_)->body) }

sub logged {
    my ($re) = @_;
    my $line;

    wait_until(sub { ($line) = grep { /$re/ } $t->log('site.json'); $line });
    return $line ? decode_json($line) : {};
}


# ---- hosts, tenants and versions ----

is json('/')->{tenant}, 'main', 'the main tenant';
is decode_json($t->get('/', host => 'EU.site.test')->body)->{tenant}, 'eu',
    'by a part of the name';
is decode_json($t->get('/', host => "$_")->body)->{tenant}, 'shop', "$_"
    for qw(shop.test www.shop.test);
my $r = $t->get('/', host => 'other.test');
is $r->status . $r->body, "421no such site\n", 'another host';

is json('/')->{instance}, 'stable', 'the stable version';
is json('/', headers => ['X-Version' => 2])->{instance}, 'next', 'asked for';
is json('/', headers => [Cookie => 'a=b; canary=YES'])->{instance}, 'next',
    'by a cookie';
is json('/', headers => ['X-Forwarded-For' => '192.0.2.7'])->{instance},
    'next', 'by the address';
is json('/', headers => ['X-Version' => 1,
                         'X-Forwarded-For' => '192.0.2.7'])->{instance},
    'stable', 'but not by all of them';

$r = site('/blog/2024/hello-world.html?from=feed');
is $r->status . ' ' . $r->header('Location'),
    '301 http://site.test:' . $t->port . '/posts/2024-hello-world?from=feed',
    'moved';
is json('/v2/things?a=b')->{url}, '/api/things?version=2&a=b', 'rewritten';


# ---- who the client is ----

is json('/', headers => ['X-Forwarded-For' => '203.0.113.9, 10.1.2.3'])->{ip},
    '203.0.113.9', 'behind balancers that are trusted';
is json('/', headers => ['X-Forwarded-For' => '192.0.2.7, 203.0.113.9'])->{instance},
    'stable', 'what a client says of itself is not believed';
is json('/', local => '127.1.0.1',
        headers => ['X-Forwarded-For' => '192.0.2.7'])->{instance},
    'stable', 'nor who is no balancer';


# ---- the login ----

$r = site('/account/orders?x=1');
is $r->status . ' ' . $r->header('Location'),
    '302 http://site.test:' . $t->port . '/login?next=/account/orders',
    'nobody: to the login';
is $r->header('X-Frame-Options') // 'none', 'DENY',
    'the named location has the headers of the server';
$r = $t->post('/session', 'name=ben&next=/account/orders', host => 'site.test',
              headers => ['Content-Type' => 'application/x-www-form-urlencoded']);
is $r->status . ' ' . $r->header('Location'), '303 /account/orders', 'logged in';
my ($cookie) = ($r->header('Set-Cookie') // '') =~ /^(session=[^;]+)/;
is $cookie, 'session=s-ben', 'a cookie';

$r = site('/account/orders', headers => [Cookie => $cookie]);
is $r->status, 200, 'let in';
is_deeply [@{ decode_json($r->body) }{qw(user role tenant)}],
    ['ben', 'reader', undef], 'the application is told who, and no more';
is $r->header('X-Login'), 'ben', 'and the client';
is $r->header('X-Frame-Options') // 'none', 'none',
    'an add_header drops those of the server';
is site('/account/admin', headers => [Cookie => $cookie])->status, 403,
    'not everywhere';
is site('/account/admin', headers => [Cookie => 'session=s-anna'])->status, 200,
    'but others are';
is site('/account/orders', headers => ['X-User' => 'anna'])->status, 302,
    'who says so is not believed';
is json('/account/', headers => [Cookie => $cookie, 'X-User' => 'anna'])->{user},
    'ben', 'nor passed on';
$r = $t->post('/account/orders', 'x' x 50_000, host => 'site.test',
              headers => [Cookie => $cookie]);
is $r->status, 200, 'the body goes to the application only';
is site('/_auth')->status, 404, 'nobody asks from outside';


# ---- headers ----

$r = site('/');
is $r->header('X-Frame-Options'), 'DENY', 'inherited';
is $r->header('X-Content-Type-Options'), 'nosniff', 'and always';
like $r->header('X-Powered-By'), qr/^site stable$/, "the application's own";
$r = site('/assets/site.css');
is $r->header('Cache-Control'), 'max-age=86400', 'a file';
is $r->header('Access-Control-Allow-Origin'), '*', 'with its own';
is $r->header('X-Frame-Options') // 'none', 'none', 'and no other';

my @origin = (headers => [Origin => 'https://www.site.test']);
$r = site('/api/list', @origin);
is $r->header('Access-Control-Allow-Origin'), 'https://www.site.test',
    'an origin that is allowed';
is $r->header('X-Pool'), 'stable', 'the pool';
is $r->header('X-Frame-Options'), 'DENY', 'included again';
$r = site('/api/list', headers => [Origin => 'https://evil.test']);
is $r->header('Access-Control-Allow-Origin') // 'none', 'none',
    'one that is not: the empty value is no header';
$r = $t->request('OPTIONS', '/api/list', host => 'site.test', @origin);
is $r->status, 204, 'preflight';
is $r->header('Access-Control-Allow-Methods'), 'GET, POST', 'what it may';
is $r->header('Vary') // 'none', 'none', 'if has only its own';
$r = site('/api/missing', @origin);
is $r->status, 404, "an error of the application's";
is $r->header('Access-Control-Allow-Origin'), 'https://www.site.test', 'always';
is $r->header('X-Frame-Options') // 'none', 'none', 'not always';
is decode_json($r->body)->{error}, 'no such thing', 'its own page';
$r = site('/api/broken');
is $r->status . $r->body, "500sorry\n", 'an exception: the page of the site';
is site('/pages/sorry.html')->status, 404, 'which nobody asks for';
is decode_json($t->post('/v1/things', '{"a":[1,"\u00e9"]}', host => 'site.test',
    headers => ['Content-Type' => 'application/json'])->body)->{body}{a}[1],
    "\x{e9}", 'a body of JSON, rewritten';


# ---- the log ----

$r = site('/api/log?q="\\x', headers => [
    'X-Forwarded-For' => '203.0.113.9', 'X-Version' => 2,
    'User-Agent' => "quote\" tab\t\xc3\xa9"]);
my $said = decode_json($r->body);
my $line = logged(qr{/api/log});
is_deeply [@{$line}{qw(host status client peer tenant pool upstream)}],
    ['site.test', 200, qw(203.0.113.9 127.0.0.1 main next 200)], 'a line';
is $line->{uri}, '/api/log?q="\\x', 'what has to be escaped';
is $line->{agent}, "quote\" tab\t\x{e9}", 'whatever it is';
like $line->{id}, qr/^[0-9a-f]{32}$/, 'an id';
is $said->{id}, $line->{id}, 'which the application knows';
is logged(qr{"uri":"/account/orders","status":200})->{user}, 'ben', 'the user';
is logged(qr{"uri":"/account/orders\?x=1"})->{user}, '', 'or nobody';
is logged(qr{"status":421})->{tenant}, 'none', 'another host';
is logged(qr{/api/broken})->{upstream}, 500, 'what the application said';
site('/health');
site('/last');
logged(qr{/last});
unlike $t->read('site.json'), qr{/health}, 'what is not logged';
is scalar(grep { /_auth/ } $t->log('site.json')), 1,
    'of what asks for the login only the stranger';


# ---- one version has gone ----

kill_instance('next');
$r = site('/api/list', headers => ['X-Version' => 2]);
is $r->status . $r->body, "502sorry\n", 'the page of the site';
is $r->header('X-Pool') // 'none', 'none', 'with the headers of its location';
is logged(qr{"uri":"/api/list","status":502})->{pool}, 'next',
    'for who asked for it';
is site('/api/list')->status, 200, 'and nobody else';
$t->expect_log(qr/connect\(\) failed/);

done_testing;
