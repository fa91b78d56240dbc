# SPDX-License-Identifier: BSD-2-Clause
#
# Lint of -t: what each rule finds, what it leaves alone, and, where a request
# can show it, that what it says is what the server does.  The proofs hold for
# nginx as well; the report is weir's own.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP qw(decode_json);
use Weir::Test;


# ---- what the server does ----------------------------------------------------

my $backend = Weir::Backend->http(sub {
    my ($request) = @_;
    my $text = $request->head;

    return "HTTP/1.1 200 OK\r\nContent-Length: " . length($text)
        . "\r\n\r\n$text";
});
my $up = $backend->port;

my $t = Weir::Test->new;
my $dir = $t->dir;
$t->write('www/pub/a.txt', 'public');
$t->write('www/secret.txt', 'secret');
$t->write("www/$_", "file $_") for qw(try/x if/x xphp x.phpx x.php main all
    st/a.css equal plain);
$t->run(<<"EOC");
%%HTTP%%
    upstream group { server 127.0.0.1:$up; }
    root $dir/www;
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name one;
        add_header X-Outer 1;
        proxy_set_header X-Asked outer;

        location /files { alias $dir/www/pub/; }
        location /api { proxy_pass http://group/v1/; }
        location /app { proxy_pass http://group/; }
        location /lost { add_header X-Inner 1; return 200 lost; }
        location /lost_up { proxy_set_header X-Inner 1;
                            proxy_pass http://group; }
        location /arg { proxy_pass http://\$arg_to; }
        location ~ ^/cut(.*)\$ { proxy_pass http://127.0.0.1\$1; }
        location /late { proxy_pass http://localhost:$up\$request_uri; }

        location /try { try_files \$uri /main;
                        if (\$arg_a) { set \$b 1; } }
        location /if { if (\$arg_a) { add_header X-A 1; }
                       if (\$arg_b) { set \$b 1; } }
        location /allow { allow 192.0.2.1; return 200 no; }
        location = /allow/x { allow 192.0.2.1; root $dir/www;
                              try_files /main =404; }
        location = /order { deny all; allow 127.0.0.1;
                            try_files /main =404; }
        location /open { deny all; return 200 opened; }
        location /both { proxy_pass http://group; return 200 returned; }

        location ~ \\.php { add_header X-Is php; }
        location ~ .jpg\$ { return 200 dot; }
        location ~ ^/equal { return 200 first; }
        location ~ ^/equal { return 200 second; }
        location ^~ /st/ { }
        location ~ ^/st/.*css { return 200 regex; }
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name two;
        location / { return 200 location; }
        location \@named { return 200 named; }
        error_page 418 \@named;
        return 418;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name three;
        location /plain { return 200 plain; }
        location ~ ^/ { return 200 regex; }
    }
    server { listen 127.0.0.1:%%PORT%%; server_name four; return 200 first; }
    server { listen 127.0.0.1:%%PORT%%; server_name four; return 200 second; }
}
EOC

sub body { return $t->get(@_)->body }

is body('/files../secret.txt'), 'secret', 'alias-traversal: out of the folder';
like body('/api../x'), qr{^GET /v1/\.\./x }, 'proxy-slash: out of the path';
like body('/app/x'), qr{^GET //x }, 'proxy-slash: two slashes';
is $t->get('/lost')->header('X-Outer'), undef, 'header-lost: dropped';
is $t->get('/lost')->header('X-Inner'), '1', 'header-lost: its own is there';
unlike body('/lost_up'), qr/X-Asked/i, 'proxy-header-lost: dropped';
like body('/app/x'), qr/^X-Asked: outer/im, '... and there without one';
like body('/app/x'), qr/^Host: group\r$/im, 'missing-host: the name of the group';
like body("/arg?to=127.0.0.1:$up"), qr{^GET }, 'variable-upstream: as told';
like body("/cut:$up/x"), qr{^GET /x}, 'variable-upstream: by a capture';
is $t->get('/late')->status, 502, 'resolver-missing: 502';

is body('/try/none'), 'file main', 'try_files without the if';
is $t->get('/try/none?a=1')->status, 404, 'if-is-limited: no try_files in it';
is $t->get('/if/x?a=1')->header('X-A'), '1', 'the first if alone';
is $t->get('/if/x?a=1&b=1')->header('X-A'), undef,
    'if-is-limited: the last if holds alone';
is $t->get('/allow/x')->status, 200, 'allow-without-deny: nobody is kept out';
is $t->get('/order')->status, 403, 'rule-after-all: never looked at';
is body('/open'), 'opened', 'access-after-return: guards nothing';
is body('/both'), 'returned', 'content-after-return: return answers';
is $t->get('/x.phpx')->header('X-Is'), 'php', 'unanchored-regex: .phpx';
is body('/ajpg'), 'dot', 'unescaped-dot: any character';

is body('/equal'), 'first', 'unreachable-location: an equal expression';
is body('/st/a.css'), 'file st/a.css', 'unreachable-location: under ^~';
is body('/', host => 'two'), 'named',
    'unreachable-location: a server that returns, but for named ones';
is body('/plain', host => 'three'), 'regex',
    'unreachable-location: an expression that matches all';
is body('/', host => 'four'), 'first',
    'duplicate-server-name: the first has it';

if (is_oracle()) {
    done_testing;
    exit;
}


# ---- what is reported --------------------------------------------------------------

my $port = $t->port('lint');

# test($body, @options): code, standard output and error of -t on a file that
# has the body from its second line on.
sub test {
    my ($body, @options) = @_;

    $t->write('lint.conf', "pid lint.pid; error_log lint.log; events {}\n"
        . $body);
    return run_binary('-t', '--lint', '-p', "$dir/", '-c', 'lint.conf', '-e',
        'lint.log', @options);
}

sub http { return "http { access_log off;\n$_[0]\n}\n" }
sub server { return "server { listen 127.0.0.1:$port;\n$_[0]\n}" }

# report($body): what lint says of it; lines count from the body's first.
sub report {
    my ($code, $out, $err) = test($_[0], '--json');
    my $said = eval { decode_json($out) };

    ok $code eq '0' && $said && $said->{valid}, 'a valid configuration'
        or diag "$code $out $err";
    $_->{line}-- for @{ $said->{lint} // [] };
    return @{ $said->{lint} // [] };
}

# finds($name, $body, @expected): the names and lines, "name:line" in order;
# lines count from the first of the body of the server.
sub finds_in_http {
    my ($what, $body, @expected) = @_;
    my @got = report(http($body));

    is_deeply [map { "$_->{name}:" . ($_->{line} - 1) } @got], \@expected,
        $what or diag explain \@got;
    for my $one (@got) {
        like $one->{message}, qr/^\S.*[^. ]\z/, "$what: a sentence";
        like $one->{cure}, qr/^[a-z"].*[^. ]\z/, "$what: a cure";
    }
    return @got;
}

sub finds {
    my ($what, $body, @expected) = @_;

    return finds_in_http($what, server($body),
        map { /(.*):(\d+)/; "$1:" . ($2 + 1) } @expected);
}

# One line each: what is to be found (its rule), or nothing.
sub table {
    my ($rule, @rows) = @_;

    while (my ($body, $is_found) = splice @rows, 0, 2) {
        finds("$rule: $body", $body, $is_found ? "$rule:1" : ());
    }
}

table('alias-traversal',
    'location /a { alias /b/; }' => 1,
    'location ^~ /a { alias /b/; }' => 1,
    'location /a/ { alias /b/; }' => 0,
    'location /a { alias /b; }' => 0,
    'location = /a { alias /b/; }' => 0,
    'location /a { alias /b/; if ($arg_a) { rewrite ^ /c break; } }' => 0,
    'location ~ ^/a/(.*)$ { alias /b/$1/; }' => 0,
    'location /a { internal; alias /b/; }' => 0,
    'location /a { root /b/; }' => 0);
table('proxy-slash',
    'location /a { proxy_pass http://127.0.0.1:1/; }' => 1,
    'location /a { proxy_pass http://127.0.0.1:1/b/; }' => 1,
    'location /a/ { proxy_pass http://127.0.0.1:1/b/; }' => 0,
    'location /a { proxy_pass http://127.0.0.1:1/b; }' => 0,
    'location /a { proxy_pass http://127.0.0.1:1; }' => 0,
    'location = /a { proxy_pass http://127.0.0.1:1/; }' => 0,
    'location /a { proxy_pass http://127.0.0.1:1/; } location /a/ { }' => 0,
    'location /a { rewrite ^/a/(.*) /$1 break;
        proxy_pass http://127.0.0.1:1/; }' => 0,
    'location / { proxy_pass http://127.0.0.1:1/; }' => 0);
table('header-lost',
    'add_header A 1; location / { add_header B 1; }' => 1,
    'location / { add_header A 1; if ($arg_x) { add_header B 1; } }' => 1,
    'add_header A 1; location / { add_header a 2; add_header B 1; }' => 0,
    'add_header A 1; location / { add_header B 1;
        add_header_inherit merge; }' => 0,
    'add_header A 1; location / { add_header B 1;
        add_header_inherit off; }' => 0,
    'add_header A 1; location / { expires 1h; }' => 0,
    'location /a { add_header A 1; } location / { add_header B 1; }' => 0);
finds('proxy-header-lost', "proxy_set_header A 1;\nlocation / {\n"
    . "proxy_set_header B 1;\nproxy_pass http://127.0.0.1:1; }",
    'proxy-header-lost:3');
table('proxy-header-lost',
    'proxy_set_header A 1; location / { proxy_set_header A 2;
        proxy_pass http://127.0.0.1:1; }' => 0,
    'proxy_set_header A 1; location / { proxy_set_header B 1; }' => 0,
    'proxy_set_header A 1; location / { proxy_pass http://127.0.0.1:1; }' => 0);

my $r = 'resolver 127.0.0.1;';
table('variable-upstream',
    "$r location / { proxy_pass http://\$arg_h; }" => 1,
    "$r location / { proxy_pass http://x.\$http_y:80/; }" => 1,
    "$r location / { proxy_pass http://\$host; }" => 1,
    "$r location / { proxy_pass \$scheme://\$http_host\$uri; }" => 1,
    "$r location ~ ^/(.*)\$ { proxy_pass http://\$1; }" => 1,
    "$r location ~ ^/a(.*)\$ { proxy_pass http://backend\$1; }" => 1,
    "$r location ~ ^/(?<h>[^/]+)/ { proxy_pass http://\$h; }" => 1,
    "$r location ~ ^/([a-z.]+)/ { proxy_pass http://\$1:81; }" => 1,
    "$r location / { set \$x \$arg_y; proxy_pass http://\$x; }" => 1,
    "$r server_name ~^(?<h>.+)\\.a\$; location / { proxy_pass http://\$h; }"
        => 1,
    "$r location ~ ^/(a|b)/ { proxy_pass http://\$1; }" => 0,
    "$r location ~ ^/([a-z]+)/ { proxy_pass http://\$1; }" => 0,
    "$r location ~ ^/([a-z.]+)/ { proxy_pass http://\$1.local; }" => 0,
    "$r location ~ ^/a(/.*)\$ { proxy_pass http://backend\$1; }" => 0,
    "$r location / { proxy_pass http://backend\$request_uri; }" => 0,
    "$r location / { proxy_pass http://backend/\$arg_x; }" => 0,
    "$r location / { proxy_pass http://backend:\$arg_x; }" => 0,
    "$r location / { proxy_pass http://backend\$is_args\$args; }" => 0,
    "$r location / { set \$x backend; proxy_pass http://\$x; }" => 0,
    "$r location / { proxy_pass http://unix:/x/\$arg_x:/; }" => 0,
    "$r location / { if (\$arg_h !~ ^(a|b)\$) { return 403; }
        proxy_pass http://\$arg_h; }" => 0,
    "$r location ~ ^/(.*)\$ { internal; proxy_pass http://\$1; }" => 0);
finds_in_http('variable-upstream: $host where names are checked',
    server("server_name a; return 404;") . "\n" . server("$r server_name b;
        location / { proxy_pass http://\$host; }"));
finds_in_http('variable-upstream: a map lists what is allowed',
    'map $arg_h $to { default a; b b; }' . server("$r
        location / { proxy_pass http://\$to; }"));

if (has_module('http_tunnel')) {
    table('open-relay',
        'tunnel_pass;' => 1,
        "$r location / { tunnel_pass \$host:443; }" => 1,
        'tunnel_pass $http_x_to;' => 1,
        'if ($request_port != 443) { return 403; } tunnel_pass;' => 1,
        'auth_basic off; tunnel_pass;' => 1,
        'location / { deny all; } location /a { tunnel_pass; }' => 1,
        'tunnel_pass 127.0.0.1:1;' => 0,
        'set $to 127.0.0.1:1; tunnel_pass $to;' => 0,
        'allow 192.0.2.0/24; deny all; tunnel_pass;' => 0,
        'deny 192.0.2.1; location / { tunnel_pass; }' => 0,
        'auth_basic a; auth_basic_user_file f; tunnel_pass;' => 0,
        'tunnel_allow_upstream $arg_a; tunnel_pass;' => 0,
        'if ($remote_addr != 192.0.2.1) { return 403; } tunnel_pass;' => 0,
        'if ($host !~ a.test) { return 403; } tunnel_pass;' => 0,
        'location / { if ($arg_a) { tunnel_pass; } }' => 0,
        'return 403; tunnel_pass;' => 0);
    finds_in_http('open-relay: where names are checked',
        server('server_name a; return 404;') . "\n"
        . server('server_name b; tunnel_pass;'));
    finds_in_http('open-relay: a map lists what is allowed',
        'map $host $to { b b:443; }' . server('tunnel_pass $to;'));
}

my $group = 'upstream g { server 127.0.0.1:1; }';
finds_in_http('missing-host', "$group " . server(
        'location / { proxy_pass http://g; }'), 'missing-host:2');
finds_in_http('missing-host: set', "$group proxy_set_header Host \$host;"
    . server('location / { proxy_pass http://g; }'));
finds_in_http('missing-host: an address', server(
    'location / { proxy_pass http://127.0.0.1:1; }'));
finds_in_http('missing-host: set to the name of the group', "$group "
    . server('proxy_set_header Host $proxy_host;
        location / { proxy_pass http://g; }'));
finds_in_http('missing-host: a group with the name of a host',
    'upstream g.example { server 127.0.0.1:1; }'
    . server('location / { proxy_pass http://g.example; }'));

table('resolver-missing',
    'location / { proxy_pass http://a.example$request_uri; }' => 1,
    'location / { set $x a.example; proxy_pass http://$x:80; }' => 1,
    'location / { set $x http://a.example; proxy_pass $x; }' => 1,
    "$r location / { proxy_pass http://a.example\$request_uri; }" => 0,
    'location / { proxy_pass http://127.0.0.1:1$request_uri; }' => 0,
    'location / { proxy_pass http://[::1]:1$request_uri; }' => 0,
    'location / { if ($arg_a) { set $x 127.0.0.1; } set $x a.example;
        proxy_pass http://$x; }' => 0,
    'location / { proxy_pass http://localhost:1$request_uri; }
     location /x { proxy_pass http://localhost:1; }' => 0);
finds_in_http('resolver-missing: a group', "$group " . server(
    'proxy_set_header Host a; location / { proxy_pass http://g$uri; }'));

if (has_module('http_ssl')) {
    table('upstream-verify',
        'location / { proxy_pass https://192.0.2.1; }' => 1,
        'location / { proxy_ssl_server_name on; proxy_pass https://192.0.2.1:8443/x; }' => 1,
        'proxy_ssl_verify off; location / { proxy_pass https://[2001:db8::1]; }' => 1,
        'location / { proxy_pass http://192.0.2.1; }' => 0,
        'location / { proxy_pass https://127.0.0.1:1; }' => 0,
        'location / { proxy_pass https://[::1]:1; }' => 0,
        'location / { proxy_pass https://localhost:1; }' => 0,
        'location / { proxy_pass https://unix:/x; }' => 0,
        'location / { set $x 192.0.2.1; proxy_pass https://$x; }' => 0);
    table('upstream-name',
        'location / { proxy_pass https://localhost:1; }' => 0,
        'location / { proxy_ssl_server_name on; proxy_pass https://localhost:1; }' => 0);
    # An address that is not written as one, so that no name server is asked.
    finds_in_http('upstream-name', server('location / { proxy_pass https://0x7f.1:1; }'),
                  'upstream-name:2', 'upstream-verify:2');
    finds_in_http('upstream-name: sent',
                  server('location / { proxy_ssl_server_name on; proxy_pass https://0x7f.1:1; }'),
                  'upstream-verify:2');
    finds_in_http('upstream-verify: a group',
                  'upstream g { server 127.0.0.1:1; server 192.0.2.1; } upstream h { server 127.0.0.1:1; }'
                  . server('location / { proxy_set_header Host a; proxy_pass https://g; }
                            location /h { proxy_set_header Host a; proxy_pass https://h; }'),
                  'upstream-verify:2');
}

table('if-is-limited',
    'location / { try_files $uri /x; if ($arg_a) { set $b 1; } }' => 1,
    'location / { if ($arg_a) { expires 1h; } if ($arg_b) { set $c 1; } }' => 1,
    'location / { try_files $uri /x; if ($arg_a) { return 403; } }' => 0,
    'location / { try_files $uri /x;
        if ($arg_a) { proxy_pass http://127.0.0.1:1; } }' => 0,
    'location / { try_files $uri /x; if ($arg_a) { rewrite ^ /y last; } }' => 0,
    'try_files $uri /x; if ($arg_a) { set $b 1; }' => 0,
    'location / { if ($arg_a) { set $b 1; } if ($arg_b) { set $c 1; } }' => 0,
    'location / { if ($arg_a) { expires 1h; } if ($arg_b) { expires 2h; } }'
        => 0,
    'location / { if ($arg_a = x) { expires 1h; }
        if ($arg_a = y) { limit_rate 1; } }' => 0,
    'location / { if ($arg_a) { expires 1h; break; }
        if ($arg_b) { limit_rate 1; } }' => 0);

table('allow-without-deny',
    'location / { allow 127.0.0.1; }' => 1,
    'deny all; location / { allow 127.0.0.1; }' => 1,
    'location / { limit_except GET { allow 127.0.0.1; } }' => 1,
    'location / { allow 127.0.0.1; deny all; }' => 0,
    'location / { allow all; }' => 0,
    'location / { deny 127.0.0.1; }' => 0,
    'location / { satisfy any; allow 127.0.0.1;
        auth_basic a; auth_basic_user_file b; }' => 0);
table('rule-after-all',
    'deny all; allow 127.0.0.1;' => 1,
    'location / { allow all; deny 127.0.0.1; }' => 1,
    'allow 127.0.0.1; deny all;' => 0,
    'deny 127.0.0.1; allow all;' => 0,
    'deny all; location / { allow all; }' => 0);

table('access-after-return',
    'location / { deny all; return 200 x; }' => 1,
    'location / { auth_basic a; auth_basic_user_file b; return 301 /x; }' => 1,
    'location / { if ($arg_a) { return 403; } auth_basic a; return 200; }' => 0,
    'location / { deny all; return 403; }' => 0,
    'location / { auth_basic off; return 200; }' => 0,
    'location / { deny all; if ($arg_a) { return 200; } }' => 0,
    'location / { deny all; break; return 200; }' => 0);
for my $limit ('limit_req zone=z;', 'limit_req zone=z burst=5 nodelay;',
               'limit_conn c 1;') {
    my $zone = 'limit_req_zone $arg_a zone=z:1m rate=1r/s; '
        . 'limit_conn_zone $arg_a zone=c:1m;';
    my %found = (
        "location / { $limit return 200; }" => 1,
        "location / { return 301 /x; $limit }" => 1,
        "location / { $limit if (\$arg_a) { return 200; } }" => 0,
        "location / { $limit break; return 200; }" => 0,
        "$limit location / { return 200; }" => 0,
        "location / { $limit }" => 0);
    finds_in_http("limit-after-return: $_", "$zone " . server($_),
                  $found{$_} ? 'limit-after-return:2' : ())
        for sort keys %found;
}
table('content-after-return',
    'location / { return 200; try_files $uri =404; }' => 1,
    'location / { if ($arg_a) { return 200; } try_files $uri =404; }' => 0,
    'location / { return 200; }' => 0);

my $by_client = 'limit_req_zone $binary_remote_addr zone=z:1m rate=1r/s; '
    . 'limit_conn_zone $remote_addr zone=c:1m; limit_req_zone $arg_a zone=a:1m rate=1r/s;';
my @one_client = (
    'listen 127.0.0.1:%%PORT%%; limit_req zone=z;' => 1,
    'listen unix:%%TESTDIR%%/s; limit_req zone=z burst=5;' => 1,
    'listen localhost:%%PORT%%; listen unix:%%TESTDIR%%/s; location / { limit_conn c 1; }' => 1,
    'listen 127.0.0.1:%%PORT%%; limit_req zone=a;' => 0,
    'listen 127.0.0.1:%%PORT%%; listen %%PORT%%; limit_req zone=z;' => 0,
    'limit_req zone=z;' => 0,
    'listen 127.0.0.1:%%PORT%%; set_real_ip_from 127.0.0.1; limit_req zone=z;' => 0,
    'listen 127.0.0.1:%%PORT%%; set_real_ip_from unix:; location / { limit_req zone=z; }' => 0);
while (my ($lines, $is_found) = splice @one_client, 0, 2) {
    finds_in_http("one-client: $lines", $t->expand("$by_client server { $lines }"),
                  $is_found ? 'one-client:1' : ());
}
finds_in_http('one-client: of the http block', $t->expand("$by_client limit_req zone=z;\n"
    . 'server { listen 127.0.0.1:%%PORT%%; } server { listen 127.0.0.1:%%PORT_b%%; }'), 'one-client:1');
table('unanchored-regex',
    'location ~ \.php { }' => 1,
    'location ~* \.(jpe?g|png) { }' => 1,
    'location ~ /a/.*\.(?:css|js) { }' => 1,
    'location ~ \.php$ { }' => 0,
    'location ~ \.php(/|$) { }' => 0,
    'location ~ ^/index\.php { }' => 0,
    'location ~ /\.ht { }' => 0,
    'location ~ \.well-known { }' => 0,
    'location ~ \.php/ { }' => 0,
    'location ~ \.(bak|zip) { deny all; }' => 0,
    'location ~ /api { }' => 0);
table('unescaped-dot',
    'location ~ .php$ { }' => 1,
    'location ~* /a/.+.(gif|ico)$ { }' => 1,
    'location ~ \.php$ { }' => 0,
    'location ~ [.]php$ { }' => 0,
    'location ~ ^/.+$ { }' => 0,
    'location ~ /a.b$ { }' => 0);

table('unreachable-location',
    'location ~ a { } location ~ a { }' => 1,
    'location ~* a { } location ~ a { }' => 1,
    'location ~ ^/ { } location ~ a { }' => 1,
    'location / { } location ~ .* { }' => 1,
    'location ^~ /a/ { } location ~ ^/a/b { }' => 1,
    'return 301 /x; location / { }' => 1,
    'rewrite ^ https://a$request_uri permanent; location / { }' => 1,
    'location ~ a { } location ~ b { }' => 0,
    'location ~ a { } location ~* a { }' => 0,
    'location /x { location ~ a { } } location ~ a { }' => 0,
    'location = / { } location ^~ /b { } location ~ .* { }' => 0,
    'location ^~ /a/ { } location /a/b { } location ~ ^/a/b { }' => 0,
    'location ^~ /a/ { } location ~* ^/a/b { }' => 0,
    'location ^~ /a/ { } location ~ ^/a/b|c { }' => 0,
    'location ^~ /a/ { } location ~ /a/b { }' => 0,
    'location ^~ /ab { } location ~ ^/ab?c { }' => 0,
    'location @x { } error_page 404 @x; return 404;' => 0,
    'if ($uri ~ ^/a) { break; } return 301 /x; location / { }' => 0,
    'if ($arg_a) { rewrite ^ /x last; } return 301 /x; location / { }' => 0,
    'rewrite ^/a /x last; return 301 /x; location / { }' => 0,
    'if ($arg_a) { return 301 /x; } location / { }' => 0,
    'rewrite ^/a$ https://a/ permanent; location / { }' => 0);
$t->write('shared.conf', 'location /x { }');
finds('unreachable-location: one that was included', "return 404;\n"
    . "include shared.conf;");

# ---- what upstreams are told ----

my $cached = 'add_header X-Cache $upstream_cache_status;';
table('header-lost',
    "$cached location / { add_header B 1; expires 1h; }" => 0,
    "$cached location / { add_header B 1; proxy_pass http://127.0.0.1:1; }"
        => 1,
    "$cached location / { add_header B 1; if (\$arg_a) { proxy_pass
        http://127.0.0.1:1; } }" => 1,
    "$cached add_header A 1; location / { add_header B 1; }" => 1);
finds_in_http('missing-host: X-Forwarded-Host', "$group "
    . 'proxy_set_header X-Forwarded-Host $host;'
    . server('location / { proxy_pass http://g; }'));

my $kept = 'upstream k { server 127.0.0.1:1; keepalive 8; }';
my $close = 'proxy_set_header Host $http_host; proxy_set_header Connection';
my $to_k = 'location / { proxy_pass http://k; }';
finds_in_http('keepalive-lost: close', "$kept "
    . server("$close close; $to_k"), 'keepalive-lost:2');
finds_in_http('keepalive-lost: among others', "$kept "
    . server("$close 'Upgrade, Close'; $to_k"), 'keepalive-lost:2');
finds_in_http("keepalive-lost: $_->[0]", $_->[1]) for
    ['empty', "$kept " . server("$close ''; $to_k")],
    ['a variable', "$kept " . server("$close \$http_x; $to_k")],
    ['not asked for', 'upstream k { server 127.0.0.1:1; }'
        . server("$close close; $to_k")],
    ['off', 'upstream k { server 127.0.0.1:1; keepalive 0; }'
        . server("$close close; $to_k")],
    ['another list', "$kept " . server("$close close; location / {
        proxy_set_header Connection ''; proxy_set_header Host \$http_host;
        proxy_pass http://k; }")];

my $host = 'proxy_set_header Host $host;';
my $to = 'location / { proxy_pass http://127.0.0.1:1; }';
sub on { return "server { listen $_[0]; $host $to }" }
finds_in_http('host-without-port: another port', on('18080'),
    'host-without-port:1');
finds_in_http("host-without-port: $_", on($_))
    for '127.0.0.1:18080', "unix:$dir/sock", '18080 proxy_protocol',
        $> == 0 ? (80, '18080; listen 443') : ();
finds_in_http("host-without-port: $_->[0]",
    "server { listen 18080; $_->[1] $to }") for
    ['$http_host', 'proxy_set_header Host $http_host;'],
    ['with a port', 'proxy_set_header Host $host:$server_port;'],
    ['X-Forwarded-Port', "$host proxy_set_header X-Forwarded-Port 18080;"];

# ---- the rest ----

finds_in_http('empty-include', "include $dir/nosuch/*.conf;",
    'empty-include:1');
finds_in_http('empty-include: relative', "include nosuch/a-*/x/*.conf;",
    'empty-include:1');
finds_in_http('empty-include: silenced',
    "include nosuch/*.conf; # weir:ignore empty-include");
finds_in_http('empty-include: a folder that is empty', "include $dir/*.nosuch;");
{
    my $all = join '', map { "listen 127.0.0.$_:$port;" } 1 .. 8;
    my $text = "events { worker_connections %d; }\nhttp { access_log off;
        server { $all } }\n";
    for ([8, 1], [2, 1], [9, 0]) {
        my ($n, $is_found) = @$_;

        $t->write('lint.conf', "pid lint.pid; error_log lint.log;\n"
            . sprintf($text, $n));
        my (undef, $json) = run_binary('-t', '-p', "$dir/", '-c', 'lint.conf',
            '-e', 'lint.log', '--json', '-q');
        is_deeply [map { "$_->{name}:$_->{line}" }
                   @{ decode_json($json)->{lint} }],
            [('few-connections:2') x $is_found],
            "few-connections: $n for 8 sockets";
    }
}

my ($twice) = finds_in_http('duplicate-server-name', join("\n",
        'server { listen 127.0.0.1:' . $port . '; server_name a A.example; }',
        'server { listen 127.0.0.1:' . $port . '; server_name b a.example; }'),
    'duplicate-server-name:2');
like $twice->{message}, qr{"a\.example".* \Q$dir\E/lint\.conf:3 },
    'duplicate-server-name: the other place';
finds_in_http('duplicate-server-name: a wildcard', join("\n",
        'server { listen 127.0.0.1:' . $port . '; server_name *.a .b; }',
        'server { listen 127.0.0.1:' . $port . '; server_name .a b; }'),
    'duplicate-server-name:2', 'duplicate-server-name:2');
finds_in_http('duplicate-server-name: on other addresses', join("\n",
        'server { listen 127.0.0.1:' . $port . '; server_name a; }',
        'server { listen 127.0.0.2:' . $port . '; server_name a; }'));


# ---- comments that silence ------------------------------------------------------------

my $bad = 'location /a { alias /b/; }';
for my $quiet (
    "$bad # weir:ignore alias-traversal",
    "# weir:ignore alias-traversal\n$bad",
    "#weir:ignore alias-traversal\n# why\n\n$bad",
    "$bad\t#  weir:ignore  header-lost alias-traversal\r",
    "$bad # weir:ignore alias-traversal -- it is meant",
    "location /a { # weir:ignore alias-traversal\nalias /b/;\n}",
    "# weir:ignore alias-traversal\nlocation /a {\nalias /b/;\n}",
    "location /a {\nalias # weir:ignore alias-traversal\n/b/;\n}",
    "location /a {\nalias\n/b/; # weir:ignore alias-traversal\n}",
) {
    (my $text = $quiet) =~ s/\n/|/g;
    finds("ignored: $text", $quiet);
}
finds_in_http('ignored: in a whole server',
    "# weir:ignore alias-traversal\n" . server("\n$bad\n"));
is_deeply [report("# weir:ignore alias-traversal\n" . http(server($bad)))], [],
    'ignored: in all of http';
finds('ignored: another rule', "$bad # weir:ignore header-lost",
    'alias-traversal:1');
finds('ignored: another line', "$bad\nroot /x; # weir:ignore alias-traversal",
    'alias-traversal:1');
finds('ignored: behind the block', "location /c { }\n$bad\n"
    . '# weir:ignore alias-traversal', 'alias-traversal:2');
finds('ignored: the reason is no name',
    "$bad # weir:ignore header-lost -- alias-traversal", 'alias-traversal:1');
finds('no comment: within quotes',
    "location /a { alias /b/; add_header A '# weir:ignore alias-traversal'; }",
    'alias-traversal:1');
my ($unknown) = finds('unknown-ignore', "root /x; # weir:ignore alias-travers",
    'unknown-ignore:1');
like $unknown->{cure}, qr/"alias-traversal"/, 'unknown-ignore: did you mean';
finds('unknown-ignore: no name', "root /x; # weir:ignore", 'unknown-ignore:1');
finds('unknown-ignore: other comments', "root /x; # weir: ignore foo");
$t->write('ignored.conf', "$bad # weir:ignore alias-traversal\n");
finds('ignored: in an included file', "include ignored.conf;");


# ---- how it is reported ----------------------------------------------------------------

my $file = "$dir/lint.conf";
my $fine = "nginx: the configuration file $file syntax is ok\n"
    . "nginx: configuration file $file test is successful\n";
my $text = http(server($bad));
my ($code, $out, $err) = test($text);
is $code, 0, 'findings: exit code';
is $out, '', 'findings: nothing on standard output';
like $err, qr/\A\Q$fine\Enginx: \[lint\] alias-traversal: \S.* in \Q$file\E:4\n {7}cure: \S.*\n\z/,
    'findings: behind the lines of nginx, with place and cure';
is_deeply [test(http(server('root /x;')))], [0, '', $fine], 'nothing to say';
is_deeply [test($text, '--no-lint')], [0, '', $fine], '--no-lint';
is_deeply [test($text, '-q')], [0, '', ''], '-q';
($code, $out, $err) = test($text, '-T');
is $code, 0, '-T: exit code';
like $out, qr/\A# configuration file \Q$file\E:\n.*alias/s, '-T: the dump';
unlike $out, qr/lint\]/, '-T: and nothing else';
like $err, qr/\A\Q$fine\E.*alias-traversal/s, '-T: findings';

($code, $out, $err) = test($text, '--json');
is $code, 0, '--json: exit code';
like $err, qr/\A\Q$fine\E.*alias-traversal/s, '--json: standard error as ever';
my $json = decode_json($out);
my $found = $json->{lint}[0];
is_deeply $json, { valid => JSON::PP::true, errors => [], warnings => [],
    lint => [{ name => 'alias-traversal', file => $file, line => 4,
               message => $found->{message}, cure => $found->{cure} }] },
    '--json: the object';
($code, $out, $err) = test($text, '--json', '-q');
is_deeply decode_json($out), $json, '--json -q: the same object';
is $err, '', '--json -q: nothing on standard error';
($code, $out) = test($text, '--json', '--no-lint');
is_deeply decode_json($out)->{lint}, [], '--json --no-lint';

($code, $out, $err) = test(http("foo on;\nallow 127.0.0.1;\nroot;"), '--json');
is $code, 1, '--json: exit code of errors';
is_deeply decode_json($out), { valid => JSON::PP::false, errors => [
        { file => $file, line => 3, column => 1, hint => undef,
          message => 'unknown directive "foo"' },
        { file => $file, line => 5, column => 1, hint => undef,
          message => 'invalid number of arguments in "root" directive' } ],
    warnings => [], lint => [] }, '--json: errors';
like $err, qr/\Anginx: \[emerg\] unknown directive "foo" in \Q$file\E:3\n/,
    '--json: errors on standard error';
($code, $out) = test(http("log_format a '\$nosuch';"), '--json');
is_deeply decode_json($out)->{errors}, [{ file => $file, line => 3,
    column => undef, hint => undef, message => 'unknown "nosuch" variable' }],
    '--json: the place of an error that nginx prints without one';
($code, $out) = test(http("  root /a; client_max_body_size 10MB;\n"
    . "root /b;"), '--json');
is_deeply [map { [@$_{qw(line column hint)}] } @{ decode_json($out)->{errors} }],
    [[3, 12, 'sizes end in k, m or g: "10m"'],
     [4, 1, "the first one is at $file:3"]], '--json: columns and hints';
like $out, qr/\}\n\z/, '--json: ends with a newline';
($code, $out) = test(http("access_log /nosuch/folder/x;"), '--json');
like decode_json($out)->{errors}[0]{message},
    qr{^open\(\) "/nosuch/folder/x" failed \(2: No such file or directory\)$},
    '--json: errors when files are opened';
($code, $out, $err) = test(http("access_log /nosuch/folder/x;\n"
    . server('location /files { alias /srv/; }')));
is $code, 1, 'what cannot be opened here (for another user, say): exit code';
like $err, qr/test failed\n.*\[lint\] alias-traversal: /s, '... and findings';
($code, $out) = test(http(server("server_name a;")
    . server("server_name a;")), "--json");
is decode_json($out)->{warnings}[0]{message},
    qq{conflicting server name "a" on 127.0.0.1:$port, ignored},
    '--json: warnings of nginx';
for my $option ('--json', '--no-lint') {
    my ($c, undef, $e) = run_binary($option, '-p', "$dir/");
    is "$c $e", qq{1 nginx: option "$option" needs "-t"\n},
        "$option without -t";
}

# The time grows as the configuration does: of four times the locations it
# takes some four times as long, and not sixteen.
sub locations {
    return join "\n", map {
        "location /l$_ { return 200 x; }
         location ~ ^/r$_/ { return 200 x; }
         location ^~ /st$_/ { } location ~ ^/st$_/x { }
         location /p$_ { proxy_pass http://g/; add_header A b; }
         location /v$_ { set \$x h$_.a; proxy_pass http://\$x/; }
         location ~ ^/c$_/(.*)\$ { proxy_pass http://h/\$1; }
         location ~ ^/same/ { } # weir:ignore unreachable-location
         location /i$_ { if (\$arg_a) { set \$b 1; } try_files \$uri =404; }"
    } 1 .. $_[0];
}

sub seconds_of {
    my ($n) = @_;
    my $body = http("proxy_set_header X y; add_header C d;
        upstream g { server 127.0.0.1:1; }\n" . server(locations($n)));
    my $before = (times)[2];

    my ($code) = test($body, "--json", "-q");
    is $code, 0, "$n of each are read to their end";
    return (times)[2] - $before;
}

my ($few, $many) = (seconds_of(500), seconds_of(2000));
cmp_ok $many, '<', 6 * $few + 0.5, 'four times as much, four times as long'
    or diag "$few s, $many s";

# A start says nothing of it.
my $u = Weir::Test->new;
$u->run("%%HTTP%% server { listen 127.0.0.1:%%PORT%%; $bad } }");
is $u->get('/a')->status, 404, 'a server with findings runs';
unlike $u->read('error.log'), qr/traversal/, 'and does not log them';

done_testing;
