# SPDX-License-Identifier: BSD-2-Clause
#
# weir explain: the path of a request through a configuration, with reasons and
# places, as text and as JSON; and that nobody hears of it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP qw(decode_json);
use Weir::Test;

plan skip_all => 'weir only' if is_oracle();

my $t = Weir::Test->new;
my $backend = Weir::Backend->http(sub { return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" });
$t->write('html/index.html', 'hello');
$t->write('html/folder/index.html', 'folder');
$t->write('html/limited/big', 'x' x 100000);
mkdir $t->path("html/$_") for 'empty';
$t->write('htpasswd', "user:{PLAIN}pass\n");
my $port_of_backend = $backend->port;
$t->write('conf.txt', $t->expand(<<'EOC' =~ s/%%BACKEND%%/$port_of_backend/gr));
events {}
error_log %%TESTDIR%%/e.log;
pid %%TESTDIR%%/pid;
http {
    log_format short '$remote_addr';
    access_log %%TESTDIR%%/a.log short;
    add_header X-Outer yes;
    proxy_set_header X-From-Http 1;
    map $remote_addr $group_of { volatile; default none; 10.1.2.3 ten; }
    geo $net { default out; 10.0.0.0/8 in; }
    split_clients $remote_addr $share { * all; }
    upstream group {
        server nowhere.invalid:8080;
        server 127.0.0.1:%%BACKEND%%;
    }
    server {
        listen %%PORT%%;
        server_name *.example.com ~^www\..*$;
        location / { return 200 wildcard; }
    }
    server {
        listen %%PORT%%;
        server_name www.example.com;
        root %%TESTDIR%%/html;
        set $word "two words";
        rewrite ^/old/(.*)$ /new/$1?from=old last;
        rewrite ^/gone https://example.org/? permanent;
        location / { try_files $uri $uri/ @app; }
        location @app { proxy_pass http://group; }
        location /cycle { rewrite ^ /cycle last; }
        location = /exact { return 204; }
        location ^~ /static/ { return 200 static; }
        location /cached/ { expires 1h; add_trailer X-Time $msec; return 200; }
        location ~ \.php$ { return 403; }
        location ~* \.PHP$ { return 404; }
        location /new/ {
            add_header X-Inner 1;
            add_header X-Always 2 always;
            add_header X-Empty $arg_none;
            allow 127.0.0.1;
            allow 10.1.0.0/16;
            deny all;
            client_max_body_size 10m;
            proxy_set_header Host $host;
            proxy_pass http://group/base/;
            if ($arg_deny) { return 405; }
            if ($scheme = https) { return 404; }
        }
        location /private/ {
            auth_basic realm;
            auth_basic_user_file %%TESTDIR%%/htpasswd;
            return 200 in;
        }
        location /password/ {
            auth_basic realm;
            auth_basic_user_file %%TESTDIR%%/htpasswd;
            proxy_pass http://group;
        }
        location /auth/ { resolver 127.0.0.1; auth_request /check; proxy_pass http://$arg_to; }
        location = /check { internal; proxy_pass http://127.0.0.1:%%BACKEND%%/ask; }
        location /methods/ { limit_except GET { deny all; } proxy_pass http://group; }
        location /mirrored/ { mirror /check; proxy_pass http://group; }
        location /stored/ { proxy_store on; root %%TESTDIR%%/store; proxy_pass http://group; }
        location /outer/ {
            location /outer/inner/ { return 200 inner; }
            location ~ /outer/.*regex { return 200 regex; }
        }
        location /unresolved/ { proxy_pass http://$arg_to; }
        location /any/ {
            satisfy any;
            allow 10.0.0.0/8;
            deny all;
            auth_basic realm;
            auth_basic_user_file %%TESTDIR%%/htpasswd;
        }
        location /real/ {
            set_real_ip_from 127.0.0.1;
            real_ip_header X-Forwarded-For;
            add_header X-All "$remote_addr $net $group_of $share $group_of";
            proxy_pass http://group;
        }
        location /slow/ { auth_delay 1h; auth_basic realm; auth_basic_user_file %%TESTDIR%%/htpasswd; }
        location /limited/ { limit_rate 1; }
        location /after/ { post_action /check; return 200; }
        location /text/ { return 200 "$arg_a, $arg_b"; }
        location /single/ {
            add_header Last-Modified one;
            add_header Last-Modified two;
            add_header ETag three;
            add_header ETag "";
            more_set_headers 'X-Cleared: four';
            more_clear_headers X-Cleared;
            return 200;
        }
        location /moved { add_header Location five; return 301 /elsewhere; }
        location /known/ { userid on; return 200; }
        location /uri1/ { proxy_pass http://127.0.0.1:%%BACKEND%%/one/; }
        location /uri2/ { proxy_pass http://127.0.0.1:%%BACKEND%%; }
        location /uri4/ { proxy_pass http://named.invalid:81/four/; }
        location /uri3/ { proxy_pass http://unix:%%TESTDIR%%/s:/three/; }
        location /slash/ { proxy_pass http://group; }
        location /alias/ { alias %%TESTDIR%%/html/; }
        location /empty/ { }
        error_page 404 /404.html;
        location = /404.html { internal; return 200 page; }
        location /missing/ { }
    }
    server {
        listen 127.0.0.1:%%PORT_other%% default_server;
        listen 127.0.0.1:%%PORT_pp%% proxy_protocol;
        listen unix:%%TESTDIR%%/sock;
        listen %%PORT_wide%%;
        server_name a.test;
        location / { return 200 $remote_addr|$server_addr|$proxy_protocol_addr; }
    }
    server { listen 127.0.0.1:%%PORT_wide%%; server_name b.test; return 200; }
    server { listen [::1]:%%PORT_six%%; server_name six.test; return 200 $remote_addr; }
}
EOC

# explain($url, @args): its exit code, standard output and standard error.
sub run_explain { return run_binary({ dir => $t->dir }, 'explain', @_, '-c',
    $t->path('conf.txt'), '-p', $t->dir . '/') }

# json($url, @args): what it says, decoded.
sub json {
    my ($code, $out, $err) = run_explain(@_, '--json');

    is $code, 0, "@_: exit code" or diag $err;
    is $err, '', "@_: nothing on standard error";
    return decode_json($out);
}

my $port = $t->port;
my $www = "http://www.example.com:$port";

# step($said, $kind, $verdict): texts of the steps of that kind and verdict.
sub steps {
    my ($said, $kind, $verdict) = @_;

    return map { $_->{what} } grep {
        $_->{kind} eq $kind && $_->{verdict} eq $verdict } @{ $said->{steps} };
}
sub why {
    my ($said, $what) = @_;

    return join '; ', map { $_->{why} // '' }
        grep { index($_->{what}, $what) >= 0 } @{ $said->{steps} };
}
sub line_of {
    my ($text) = @_;
    my @lines = split /\n/, Weir::Test::slurp($t->path('conf.txt'));

    for my $i (0 .. $#lines) {
        return $i + 1 if index($lines[$i], $text) >= 0;
    }
    return 0;
}

# ---- the server ----

my $said = json("GET $www/exact");
is $said->{server}{name}, 'www.example.com', 'server';
is $said->{server}{line}, line_of('server_name www.example.com') - 2,
    'its place';
is $said->{listener}{address}, "0.0.0.0:$port", 'listener';
is_deeply [ sort(steps($said, 'server', 'lost')) ],
    [ '*.example.com', '~^www\..*$' ], 'names that lost';
like why($said, '*.example.com'), qr/exact name goes first/, 'why one lost';
is $said->{response}{status}, 204, 'status';
is $said->{location}{name}, '= /exact', 'location';
is $said->{location}{line}, line_of('= /exact'), 'its line';

$said = json("http://b.example.com:$port/");
is_deeply [ steps($said, 'server', 'matched') ], ['*.example.com'], 'wildcard';
$said = json("http://www.other.test:$port/");
is_deeply [ steps($said, 'server', 'matched') ], ['~^www\..*$'], 'regex';
$said = json("http://nobody.test:$port/");
is scalar(steps($said, 'server', 'default')), 1, 'default server';
like why($said, '0.0.0.0'), qr/first server/, 'why';
$said = json('http://nobody.test:' . $t->port('other') . '/');
like why($said, '127.0.0.1'), qr/default_server/, 'default_server';
$said = json("GET http://127.0.0.1:$port/exact", '-H', 'Host: www.example.com');
is $said->{location}{name}, '= /exact', 'a Host of its own';

# ---- locations ----

$said = json("$www/x.php");
is $said->{location}{name}, '~ \.php$', 'regex location';
is_deeply [ sort(steps($said, 'location', 'lost')) ],
    [ 'location /', 'location ~* \.PHP$' ], 'what lost to it';
like why($said, 'location /'), qr/regular expression matches/, 'why';
$said = json("$www/static/x.php");
is $said->{location}{name}, '^~ /static/', '^~';
like why($said, '\.php'), qr/keeps them from being tried/, 'why regexes lost';
$said = json("$www/outer/inner/x");
is $said->{location}{name}, '/outer/inner/', 'inner location';
$said = json("$www/outer/x-regex");
is $said->{location}{name}, '~ /outer/.*regex', 'inner regex';

$said = json("$www/cached/");
is_deeply [ map { $_->{text} =~ s/: \w{3}, .*/: DATE/r } @{ $said->{response}{added} } ],
    [ 'X-Outer: yes', 'Expires: DATE', 'Cache-Control: max-age=3600' ], 'expires';
is_deeply [ steps($said, 'header', 'added behind the body') ],
    ['add_trailer X-Time $msec;'], 'trailers';

$said = json("$www/single/");
is_deeply [ map { $_->{text} } @{ $said->{response}{added} } ], ['Last-Modified: two'],
    'what a later line replaces or clears';
is_deeply [ steps($said, 'header', 'cleared') ], [ 'X-Cleared', 'add_header ETag "";' ],
    'cleared';
$said = json("$www/moved");
is_deeply [ map { $_->[1] } grep { $_->[0] eq 'Location' } @{ $said->{response}{headers} } ],
    [ "$www/elsewhere", 'five' ], 'add_header Location beside that of a redirect';

# ---- rewriting ----

$said = json("$www/old/thing?q=1");
is_deeply $said->{upstream}{request_line}, 'GET /base/thing?from=old&q=1 HTTP/1.1',
    'upstream request line';
like why($said, 'rewrite ^/old'), qr{the URI is "/new/thing\?from=old&q=1"},
    'rewrite step';
like why($said, 'set $word'), qr/two words/, 'set step';
is_deeply { map { @$_ } @{ $said->{upstream}{headers} } },
    { Host => 'www.example.com' }, 'upstream headers';
is_deeply [ steps($said, 'upstream', 'dropped') ],
    ['proxy_set_header X-From-Http 1;'], 'an upstream header that is lost';
is_deeply [ map { $_->{text} } @{ $said->{response}{added} } ],
    [ 'X-Inner: 1', 'X-Always: 2' ], 'headers added';
is_deeply [ map { $_->{text} } @{ $said->{response}{left_out} } ],
    ['add_header X-Empty $arg_none;'], 'headers left out';
is_deeply [ map { [ $_->{text}, $_->{line} ] } @{ $said->{response}{dropped} } ],
    [ [ 'add_header X-Outer yes;', line_of('X-Outer') ] ], 'headers dropped';
my %limit = map { $_->{text} => $_ } @{ $said->{limits} };
is $limit{'client_max_body_size 10m;'}{line}, line_of('10m'), 'a limit';
ok exists $limit{"$_;"}, $_ for 'allow 127.0.0.1', 'allow 10.1.0.0/16', 'deny all';

$said = json("$www/gone/x?y");
is $said->{response}{status}, 301, 'redirect';
like why($said, 'rewrite ^/gone'), qr{redirects to "https://example.org/"}, 'where';
$said = json("$www/cycle");
is $said->{response}{status}, 500, 'a cycle';
is scalar(grep { /rewrite or internal redirection cycle/ } steps($said, 'error log', 'error')),
    1, 'the error log would say';
$said = json("$www/new/?deny=1");
is $said->{response}{status}, 405, 'if';
is_deeply [ map { $_->{text} } @{ $said->{response}{added} } ], ['X-Always: 2'],
    'always';

# ---- access ----

$said = json("$www/new/", '--from', '192.0.2.9');
is $said->{response}{status}, 403, 'denied';
is_deeply [ steps($said, 'access', 'decided') ], ['deny all;'], 'by that rule';
is $said->{upstream}, undef, 'nobody asked';
$said = json("$www/new/", '--from', '10.1.2.3');
is_deeply [ steps($said, 'access', 'decided') ], ['allow 10.1.0.0/16;'], 'allowed';
$said = json("$www/password/");
is $said->{response}{status}, 401, 'no password';
is_deeply [ steps($said, 'access', 'refused') ], ['by auth_basic: 401'], 'said so';
$said = json("$www/password/", '-H', 'Authorization: Basic dXNlcjpwYXNz');
is $said->{response}{status}, 200, 'with a password';
$said = json("POST $www/methods/x");
is $said->{response}{status}, 403, 'limit_except';
$said = json("$www/check");
is $said->{response}{status}, 404, 'internal';
like why($said, '404'), qr/internal/, 'why';

$said = json("$www/any/");
is $said->{response}{status}, 401, 'satisfy any';
is_deeply [ steps($said, 'access', 'refused') ],
    [ 'by access: 403', 'by auth_basic: 401', '401' ], 'each that refuses';
like why($said, '401'), qr/nobody allowed it/, 'and all';
$said = json("$www/any/", '--from', '10.0.0.1');
is_deeply [ steps($said, 'access', 'allowed') ], ['by access'], 'one allows';
$said = json("$www/slow/");
is $said->{response}{status}, 401, 'auth_delay is not waited for';

# ---- the client, and what depends on it ----

$said = json("$www/real/", '-H', 'X-Forwarded-For: 10.1.2.3');
is_deeply [ steps($said, 'client', 'taken to be') ], ['10.1.2.3'], 'realip';
is_deeply [ steps($said, 'value', 'is') ],
    [ '$net = "in"', '$group_of = "ten"', '$share = "all"' ], 'map, geo, split_clients';
is +(grep { $_->{kind} eq 'value' } @{ $said->{steps} })[1]{line},
    line_of('map $remote_addr'), 'where they stand';
is $said->{response}{added}[0]{text}, 'X-All: 10.1.2.3 in ten all ten', 'so do others';
$said = json("$www/real/", '-H', 'X-Forwarded-For: 10.1.2.3', '--from', '192.0.2.1');
is_deeply [ steps($said, 'client', 'taken to be') ], [], 'no trust';
is_deeply [ steps($said, 'value', 'is') ],
    [ '$net = "out"', '$group_of = "none"', '$share = "all"' ], 'the defaults';
$said = json("$www/text/?a=1&b=2");
like why($said, 'return 200 "$arg'), qr/the text is "1, 2"/, 'the text of return';
$said = json("$www/new/?deny=no");
like why($said, 'if ($arg_deny)'), qr/it is so: \$arg_deny is "no"/, 'what if tested';
like why(json("$www/new/"), 'if ($scheme'), qr/it is not so: \$scheme is "http"/,
    'a variable that is not kept';
$said = json("$www/known/");
like +($said->{response}{added}[-1]{text}), qr/^Set-Cookie: uid=/, 'userid';

# ---- requests that are none ----

for my $bad ([ '/%00', 'invalid request' ], [ '/', 'invalid host header', 'Host: /' ],
    [ '/', 'too long header line', 'X: ' . 'x' x 9000 ],
    [ '/', 'duplicate host header', 'Host: a', 'Host: b' ]) {
    my ($path, $text, @fields) = @$bad;
    my $answer = json("$www$path", map { ('-H', $_) } @fields);

    is $answer->{response}{status}, 400, "$text: status";
    is scalar(grep { /client sent $text/ } steps($answer, 'error log', 'info')), 1,
        "$text: said";
    like why($answer, 'client sent'), qr/not written/, "$text: the log is not to hold it";
}

# ---- files, redirects, subrequests ----

$said = json("$www/folder/");
is $said->{response}{status}, 200, 'a folder';
is_deeply [ steps($said, 'redirect', 'internal redirect') ],
    ['/folder/index.html'], 'index';
$said = json("$www/nothing");
is $said->{location}{name}, '@app', 'named location';
is $said->{upstream}{url}, 'http://nowhere.invalid:8080', 'a peer by its name';
$said = json("$www/missing/x");
is $said->{location}{name}, '= /404.html', 'error page';
is_deeply [ steps($said, 'redirect', 'error page') ],
    ['error_page 404 /404.html;'], 'error page step';
$said = json("$www/auth/x?to=host.test:81");
is_deeply [ map { (split /\r\n/, $_)[0] } steps($said, 'upstream', 'request') ],
    [ 'GET /ask HTTP/1.1', 'GET /auth/x?to=host.test:81 HTTP/1.1' ],
    'subrequest first';
is $said->{upstream}{url}, 'http://host.test:81', 'a name that is looked up';
$said = json("$www/auth/x?to=host.test:81", '--status', '403');
is $said->{response}{status}, 403, 'what the upstream is taken to say';
$said = json("$www/slash/x", '--status', '304');
ok !(grep { $_->[0] eq 'Content-Length' } @{ $said->{response}{headers} }),
    'no length of a 304';
$said = json("$www/unresolved/?to=host.test:81");
is $said->{response}{status}, 502, 'a name that no resolver is there for';
is $said->{upstream}, undef, 'nobody to ask';
is scalar(grep { /no resolver defined/ } steps($said, 'error log', 'error')), 1, 'why';
$said = json("$www/unresolved/?to=127.0.0.1:81");
is $said->{upstream}{url}, 'http://127.0.0.1:81', 'an address needs none';
my @urls = (("http://127.0.0.1:$port_of_backend") x 2, 'http://unix:' . $t->path('s'),
    'http://named.invalid:81');
for my $i (1 .. @urls) {
    $said = json("$www/uri$i/");
    is $said->{upstream}{url}, $urls[$i - 1], "a server without its URI, $i";
    is +(grep { $_->{verdict} eq 'asks' } @{ $said->{steps} })[0]{line},
        line_of("location /uri$i/"), 'its line';
}
$said = json("$www/after/");
is_deeply [ steps($said, 'subrequest', 'would run') ], ['post_action /check;'],
    'post_action';
is $said->{upstream}, undef, 'which does not run';
$said = json("$www/slash");
is $said->{response}{status}, 301, 'a slash is added';
like why($said, '301'), qr/ends in a slash/, 'why';
$said = json("$www/alias/index.html");
my ($found) = grep { $_->{kind} eq 'file' } @{ $said->{steps} };
is $found->{line}, line_of('alias '), 'alias maps the file';
like $found->{why}, qr/by alias /, 'said so';
$said = json("$www/empty/");
like why($said, '403'), qr/no content handler took it/, 'no index';
my $began = time;
$said = json("$www/limited/big");
is $said->{response}{status}, 200, 'a slow response';
cmp_ok time - $began, '<', 5, 'is not waited for';
$said = json("$www/mirrored/");
is scalar(steps($said, 'subrequest', 'in the background')), 1, 'mirror';

$said = json("$www/slash/x", '--answer', 'X-Accel-Redirect: /static/y', '--answer', 'X-Up: 1');
is $said->{location}{name}, '^~ /static/', 'X-Accel-Redirect';
$said = json("$www/slash/x", '--answer', 'X-Accel-Redirect: /mirrored/y');
is $said->{upstream}{request_line}, 'GET /mirrored/y HTTP/1.1', 'to another upstream';
is $said->{response}{status}, 200, 'which does not say it again';
$said = json("$www/slash/x", '--status', '302', '--answer', 'Location: http://group/z',
    '--answer', 'Server: hidden', '--answer', "X-Up:  up ");
is_deeply [ grep { $_->[0] =~ /^(Location|X-Up)$/ } @{ $said->{response}{headers} } ],
    [ [ 'Location', "$www/z" ], [ 'X-Up', 'up' ] ], 'fields of an answer, rewritten';
ok !(grep { $_->[1] eq 'hidden' } @{ $said->{response}{headers} }), 'or hidden';
$said = json("$www/auth/x?to=host.test:81", '--answer', 'X-Accel-Redirect: /static/y');
is_deeply [ map { (split / /, $_)[1] } steps($said, 'upstream', 'request') ],
    [ '/ask', '/auth/x?to=host.test:81' ], 'not of a subrequest';
is $said->{location}{name}, '^~ /static/', 'but of the request';

# ---- the connection ----

$said = json('http://127.0.0.1:' . $t->port('other') . '/', '--from', '2001:db8::7');
is $said->{response}{status}, 200, 'from an IPv6 address';
$said = json('http://a.test:' . $t->port('pp') . '/', '--from', '192.0.2.7');
is $said->{response}{status}, 200, 'a listener with proxy_protocol';
my $wide = $t->port('wide');
for my $case ([ 'a.test', '0.0.0.0', 'a.test' ], [ 'b.test', '127.0.0.1', 'b.test' ],
    [ 'B.TEST', '127.0.0.1', 'b.test' ], [ 'c.test', '0.0.0.0', 'a.test' ],
    [ '127.0.0.1', '127.0.0.1', 'b.test' ], [ '127.0.0.2', '0.0.0.0', 'a.test' ]) {
    my ($host, $address, $server) = @$case;

    $said = json("http://$host:$wide/");
    is $said->{listener}{address}, "$address:$wide", "$host: a wildcard and one address";
    is $said->{server}{name}, $server, "$host: the server";
    like $said->{listener}{line}, qr/^\d+$/, "$host: the line";
}
my $six = $t->port('six');
$said = json("http://[::1]:$six/");
is $said->{request}{from}, '::1', 'IPv6 from IPv6';
is $said->{server}{name}, 'six.test', 'IPv6: the server';
my $sock = 'unix:' . $t->path('sock');
$said = json("GET http://$sock:/x?y");
is $said->{listener}{address}, $sock, 'a socket in the file system';
is $said->{request}{from}, 'unix:', 'from nowhere';
is $said->{request}{target}, '/x?y', 'the target';
$said = json("http://$sock", '--from', '192.0.2.7', '-H', 'Host: a.test');
is $said->{request}{from}, '192.0.2.7', 'or from where it is said';
is $said->{server}{name}, 'a.test', 'with a Host';
$said = json("POST $www/new/", '-H', 'Content-Length: 300000');
is $said->{upstream}{request_line}, 'POST /base/ HTTP/1.1', 'with a body';
$said = json("POST $www/new/", '-H', 'Content-Length: 30000000');
is $said->{response}{status}, 413, 'with too large a body';
$said = json("HEAD $www/folder/index.html");
is $said->{response}{status}, 200, 'HEAD';

# ---- nobody hears of it ----

is $backend->connections, 0, 'no upstream was asked';
ok !-e $t->path($_), "no $_" for 'a.log', 'e.log', 'pid', 'store/stored';

# ---- text ----

my ($code, $out, $err) = run_explain("GET $www/old/x");
is $code, 0, 'text';
like $out, qr/^\Q$_\E/m, "text: $_" for "GET $www/old/x from 127.0.0.1",
    '  listener    0.0.0.0:', '  server      matched www.example.com',
    '              > GET /base/x?from=old HTTP/1.1', '  response    < HTTP/1.1 200 OK';
like $out, qr{dropped add_header X-Outer yes; .* conf\.txt:7$}m, 'text: dropped';
like $out, qr/taking the upstream's answer to be 200/, 'text: assumption';
($code, $out) = run_explain("GET $www/\e[31m", '-H', "X: \e");
unlike $out, qr/\e/, 'no escapes for the terminal';
($code, $out) = run_explain("https://www.example.com:$port/");
like $out, qr/^  listener .* \(it has no ssl: taken to be http\)/m, 'https of a plain listener';
($code, $out) = run_explain("http://$sock:/x");
like $out, qr{^GET http://\Q$sock\E:/x from unix:$}m, 'text: a socket';

# ---- mistakes ----

sub bad {
    my ($what, $name, @args) = @_;
    my ($rc, undef, $said_so) = run_explain(@args);

    is $rc, 1, "$name: exit code";
    like $said_so, $what, $name;
}
bad(qr/a request is wanted/, 'no request');
bad(qr/no server listens on port 1\n.*listen 0\.0\.0\.0:$port/s, 'port', 'http://x:1/');
bad(qr/invalid option "--nonsense"/, 'option', '--nonsense', 'x');
bad(qr/a value is missing behind "-H"/, 'no value', "$www/", '-H');
bad(qr/not a header field/, 'header', "$www/", '-H', 'nonsense');
bad(qr/not a header field/, 'answer', "$www/", '--answer', 'nonsense');
bad(qr/not a header field/, 'line break in an answer', "$www/", '--answer', "A: b\r\nX: y");
bad(qr/not an address/, 'address', "$www/", '--from', 'nonsense');
bad(qr/not the status/, 'status', "$www/", '--status', '42');
bad(qr/no host in/, 'host', 'http:///x');
bad(qr/invalid port in/, 'port 0', 'http://a:0/x');
bad(qr/invalid port in/, 'port 65536', 'http://a:65536/x');
bad(qr/invalid port in/, 'no port', 'http://a:/x');
bad(qr/a space \("%20"\) in/, 'a space', 'http://a/b c');
bad(qr/a space \("%20"\) in/, 'a space behind a method', 'GET http://a/b c');
bad(qr/no socket in/, 'no socket', 'http://unix:');
bad(qr/no server listens on unix:.none$/m, 'another socket', 'http://unix:/none:/');
bad(qr/a line break/, 'line break', "$www/\r\nX: y");
bad(qr/not a header field/, 'line break in a header', "$www/", '-H', "A: b\r\nX: y");
bad(qr/invalid method/, 'method', "g\@t $www/");
my ($rc, undef, $said_so) = run_binary({ dir => $t->dir }, 'explain', "$www/",
    '-c', $t->path('missing.conf'));
is $rc, 1, 'no configuration: exit code';
like $said_so, qr/\[emerg\] open\(\) .* failed \(2:/, 'no configuration';

# What is stored is not looked at: the folder may be another machine's.
$t->write('cached.conf', $t->expand(<<'EOC'));
events {}
http {
    proxy_cache_path %%TESTDIR%%/cache keys_zone=cached:1m;
    server {
        listen 127.0.0.1:%%PORT_cached%%;
        location / { proxy_cache cached; proxy_pass http://127.0.0.1:9; }
    }
}
EOC
my ($cached, $steps) = run_binary({ dir => $t->dir }, 'explain',
    'http://127.0.0.1:' . $t->port('cached') . '/', '-c', $t->path('cached.conf'));
is $cached, 0, 'a cache';
like $steps, qr/GET \/ HTTP/, '... the upstream is asked';
ok !-e $t->path('cache'), '... no folder is made';

done_testing;
