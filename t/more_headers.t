# SPDX-License-Identifier: BSD-2-Clause
#
# more_set_headers and more_clear_headers: fields of responses of any status
# and origin, set, replaced and cleared.  t/more_input_headers.t has those of
# requests.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $so = '/usr/lib/nginx/modules/ngx_http_headers_more_filter_module.so';
my $load = is_oracle() ? "load_module $so;\n" : '';
plan skip_all => 'no headers-more' if is_oracle() && !-e $so;

my $modified = 'Tue, 14 Nov 2023 22:13:20 GMT';
my $t = Weir::Test->new;
$t->write("html/f.$_", '0123456789', mtime => 1700000000) for 'txt', 'html';
$t->run($load . <<'EOC');
%%HTTP%%
    types { text/plain txt; text/html html; }
    charset utf-8;
    more_set_headers 'X-Http: http';
    server {
        listen 127.0.0.1:%%PORT_b%%;
        add_header Set-Cookie a=1;
        add_header Set-Cookie b=2;
        add_header X-A 1;
        add_header x-b 2;
        add_header Vary Foo;
        add_header ETag '"abc"';
        add_header Cache-Control no-store;
        add_header Cache-Control max-age=1;
        more_clear_headers X-Http;
        location / { return 200 many; }
        location /cs { default_type "text/html; charset=koi8-r"; return 200; }
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        more_set_headers 'X-Server: server' 'X-Uri: $uri';

        location / { }
        location /own/ {
            alias %%TESTDIR%%/html/;
            more_set_headers 'X-Own: own' 'X-Server: own';
            location /own/in/ {
                alias %%TESTDIR%%/html/;
                more_clear_headers X-Http;
            }
        }
        location /forms {
            more_set_headers A:1 'B :2' 'C:   a b' 'X-Http' 'X-Server:' 'D:'
                             'E: $arg_none';
            return 200;
        }
        location /twice {
            more_set_headers 'Set-Cookie: a=1' 'Set-Cookie: b=2';
            more_set_headers 'X-D: a' 'x-d: b';
            return 200;
        }
        location /value { more_clear_headers 'X-Http: other'; return 200; }
        location /var {
            more_set_headers 'X-V: a$arg_a-$status' 'X-S: 1';
            more_set_headers 'X-T: $sent_http_x_s';
            return 201;
        }
        location /add {
            add_header X-Add 1;
            more_clear_headers X-Add;
            return 200;
        }
        location /if {
            more_set_headers 'X-Loc: loc';
            if ($arg_a) { more_set_headers 'X-If: if' 'X-Loc: if'; }
            if ($arg_b) { more_clear_headers X-Loc; }
            return 200;
        }
        location /s/ {
            more_set_headers -s 404 'X-404: y';
            more_set_headers -s '404 500' 'X-List: y' -s 503;
            location /s/200 { return 200; }
            location /s/404 { return 404; }
            location /s/500 { return 500; }
            location /s/503 { return 503; }
        }
        location /t/ {
            more_set_headers -t 'text/html text/x' 'X-T: y' -t 'a/b;a/c';
            location /t/html { default_type text/html; return 200; }
            location /t/html5 { default_type text/html5; return 200; }
            location /t/plain { default_type text/plain; return 200; }
            location /t/x { default_type text/x; return 200; }
            location /t/c { default_type a/c; return 200; }
            location /t/upper { default_type TEXT/HTML; return 200; }
            location /t/none { default_type ""; return 200; }
            location /t/404 { default_type text/plain; return 404; }
            location /t/proxy { proxy_pass http://127.0.0.1:%%PORT_b%%/cs; }
            location /t/set { more_set_headers 'Content-Type: text/x';
                              more_set_headers -t text/x 'X-U: y';
                              return 200; }
        }

        location /known/server { more_set_headers 'Server: me'; return 200; }
        location /known/noserver { more_clear_headers Server; return 404; }
        location /known/server2 { more_clear_headers Server;
                                  more_set_headers 'Server: me'; return 200; }
        location /known/date { more_set_headers 'Date: today'; return 200; }
        location /known/nodate { more_clear_headers Date; return 200; }
        location /known/type { more_set_headers 'Content-Type: text/x';
                               return 200 x; }
        location /known/html { more_set_headers 'Content-Type: text/html';
                               return 200 x; }
        location /known/typecs {
            more_set_headers 'Content-Type: text/html; charset=koi8-r';
            return 200 x; }
        location /known/notype { more_clear_headers Content-Type;
                                 return 200 x; }
        location /known/short { more_set_headers 'Content-Length: 2';
                                return 200 xyz; }
        location /known/chunked { more_clear_headers Content-Length;
                                  return 200 xyz; }
        location /known/place { more_set_headers 'Location: /foo';
                                return 302 /bar; }
        location /known/place200 { more_set_headers 'Location: /foo';
                                   return 200; }
        location /known/placefar { more_set_headers 'Location: http://a/b';
                                   return 301 /; }
        location /known/noplace { more_clear_headers Location;
                                  return 302 /bar; }
        location /known/close { more_set_headers 'Connection: close';
                                return 200; }
        location /known/auth { more_set_headers 'WWW-Authenticate: Foo';
                               auth_basic x; auth_basic_user_file none; }

        location /file/modified/ { alias %%TESTDIR%%/html/;
            more_set_headers 'Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT'; }
        location /file/nomodified/ { alias %%TESTDIR%%/html/;
            more_clear_headers Last-Modified; }
        location /file/etag/ { alias %%TESTDIR%%/html/;
            more_set_headers 'ETag: "x"'; }
        location /file/noetag/ { alias %%TESTDIR%%/html/;
            more_clear_headers ETag; }
        location /file/noranges/ { alias %%TESTDIR%%/html/;
            more_clear_headers Accept-Ranges; }
        location /file/coded/ { alias %%TESTDIR%%/html/;
            more_set_headers 'Content-Encoding: x'; }
        location /file/wild/ { alias %%TESTDIR%%/html/;
            more_clear_headers 'L*' 'E*' 'S*' 'D*' 'Con*'; }

        location /proxy/plain { proxy_pass http://127.0.0.1:%%PORT_b%%; }
        location /proxy/clear { proxy_pass http://127.0.0.1:%%PORT_b%%;
            more_clear_headers Set-Cookie x-a Vary; }
        location /proxy/set { proxy_pass http://127.0.0.1:%%PORT_b%%;
            more_set_headers 'Set-Cookie: c' 'Cache-Control: private'
                             'X-B: new'; }
        location /proxy/wild { proxy_pass http://127.0.0.1:%%PORT_b%%;
            more_clear_headers 'x-*' 'Set-C*'; }
        location /proxy/status { proxy_pass http://127.0.0.1:%%PORT_b%%;
            more_clear_headers -s 404 X-A; more_clear_headers -s 200 x-b; }

        location /page { error_page 404 /page.html;
            more_set_headers 'X-From: here'; return 404; }
        location = /page.html { internal; more_set_headers 'X-Page: page';
            return 200 page; }
        location /sub { more_set_headers 'X-Sub: main';
            auth_request /auth; proxy_pass http://127.0.0.1:%%PORT_b%%; }
        location = /auth { more_set_headers 'X-Sub: sub' 'X-Auth: sub';
            return 204; }
    }
}
EOC

sub header { my ($uri, $name, @opt) = @_; $t->get($uri, @opt)->header($name) }

# ---- setting, replacing, clearing ----
my $r = $t->get('/f.txt');
is $r->header('X-Http'), 'http', 'from http';
is $r->header('X-Server'), 'server', 'from a server';
is $r->header('X-Uri'), '/f.txt', 'a variable';
$r = $t->get('/own/f.txt');
is $r->header('X-Http'), 'http', 'outer ones are kept';
is $r->header('X-Own'), 'own', 'beside those of a location';
is_deeply [$r->headers('X-Server')], ['own'], 'which have the last word';
$r = $t->get('/own/in/f.txt');
is $r->header('X-Own'), 'own', 'and in one inside of it';
is $r->header('X-Http'), undef, 'where one is cleared';

$r = $t->get('/forms');
is $r->header('A'), '1', 'no blank';
is $r->header('B'), '2', 'a blank before the colon';
is $r->header('C'), 'a b', 'several behind it';
for my $name ('X-Http', 'X-Server', 'D', 'E') {
    is $r->header($name), undef, "$name without a value";
}
$r = $t->get('/twice');
is_deeply [$r->headers('Set-Cookie')], ['b=2'], 'a name twice: the last one';
is_deeply [$r->headers('X-D')], ['b'], 'case does not matter';
is header('/value', 'X-Http'), undef, 'a value is not needed to clear';
$r = $t->get('/var?a=1');
is $r->header('X-V'), 'a1-201', 'text and variables';
is $r->header('X-T'), '1', 'a variable of a field that was set';
is_deeply [$t->get('/add')->headers('X-Add')], ['1'],
    'add_header comes later';
is header('/if', 'X-If'), undef, 'if that is not so';
is header('/if', 'X-Loc'), 'loc', 'the location around it';
is header('/if?a=1', 'X-If'), 'if', 'if that is so';
is header('/if?a=1', 'X-Loc'), 'if', 'its own';
is header('/if?b=1', 'X-Loc'), undef, 'cleared by if';

# ---- -s and -t ----
for (['200', undef, undef], ['404', 'y', 'y'], ['500', undef, 'y'],
     ['503', undef, 'y']) {
    my ($status, $one, $list) = @$_;
    $r = $t->get("/s/$status");
    is $r->status, $status, "status $status";
    is $r->header('X-404'), $one, '-s with one';
    is $r->header('X-List'), $list, '-s with a list';
}
for my $uri (qw(html x c 404 proxy)) {
    is header("/t/$uri", 'X-T'), 'y', "type: $uri";
}
for my $uri (qw(html5 plain upper none)) {
    is header("/t/$uri", 'X-T'), undef, "no type: $uri";
}
is header('/t/set', 'X-U'), 'y', 'a type that was set before';

# ---- fields that the server writes itself ----
is header('/known/server', 'Server'), 'me', 'Server';
is header('/known/noserver', 'Server'), undef, 'no Server';
is_deeply [$t->get('/known/server2')->headers('Server')], ['me'],
    'Server cleared and set';
is_deeply [$t->get('/known/date')->headers('Date')], ['today'], 'Date';
is header('/known/nodate', 'Date'), undef, 'no Date';
is header('/known/type', 'Content-Type'), 'text/x', 'Content-Type';
is header('/known/html', 'Content-Type'), 'text/html; charset=utf-8',
    'Content-Type that gets the charset';
is header('/known/typecs', 'Content-Type'), 'text/html; charset=koi8-r',
    'Content-Type with one of its own';
is header('/known/notype', 'Content-Type'), undef, 'no Content-Type';
$r = $t->get('/known/short');
is_deeply [$r->headers('Content-Length')], ['2'], 'Content-Length';
is $r->body, 'xy', 'and the body is as long';
$r = $t->get('/known/chunked');
is $r->header('Transfer-Encoding'), 'chunked', 'no Content-Length';
is $r->body, 'xyz', 'its body';
is $t->get('/known/chunked', version => '1.0')->body, 'xyz', 'HTTP/1.0';
like header('/known/place', 'Location'), qr{^http://localhost:\d+/foo$},
    'Location is completed';
like header('/known/place200', 'Location'), qr{^http://localhost:\d+/foo$},
    'in any response';
is header('/known/placefar', 'Location'), 'http://a/b', 'an absolute one';
$r = $t->get('/known/noplace');
is $r->status, 302, 'a redirect';
is $r->header('Location'), undef, 'without Location';
like join(',', $t->get('/known/close', close => 0)->headers('Connection')),
    qr/\bclose\b/, 'Connection: close';
$r = $t->get('/known/auth');
is $r->status, 401, 'no credentials';
is_deeply [$r->headers('WWW-Authenticate')], ['Foo'], 'WWW-Authenticate';

# ---- files: conditions and ranges ----
is_deeply [$t->get('/file/modified/f.txt')->headers('Last-Modified')],
    ['Mon, 01 Jan 2024 00:00:00 GMT'], 'Last-Modified';
is $t->get('/file/modified/f.txt',
           headers => ['If-Modified-Since', $modified])->status, 304,
    'conditions are judged by the real one';
is header('/file/nomodified/f.txt', 'Last-Modified'), undef,
    'no Last-Modified';
is_deeply [$t->get('/file/etag/f.txt')->headers('ETag')], ['"x"'], 'ETag';
is $t->get('/file/etag/f.txt', headers => ['If-None-Match', '"x"'])->status,
    200, 'that conditions do not know';
is header('/file/noetag/f.txt', 'ETag'), undef, 'no ETag';
$r = $t->get('/file/noranges/f.txt', headers => [Range => 'bytes=0-1']);
is $r->status, 200, 'no Accept-Ranges, and no ranges';
is $r->header('Accept-Ranges'), undef, 'nor the field';
is header('/file/coded/f.txt', 'Content-Encoding'), 'x', 'Content-Encoding';
$r = $t->get('/f.txt', headers => [Range => 'bytes=1-2']);
is $r->status, 206, 'a part';
is $r->body, '12', 'of the body';
is $r->header('X-Http'), 'http', 'with its fields';
$r = $t->get('/f.txt', headers => ['If-Modified-Since', $modified]);
is $r->status, 304, 'not modified';
is $r->header('X-Http'), 'http', 'with its fields';
$r = $t->get('/f.txt', headers => [Range => 'bytes=50-60']);
is $r->status, 416, 'no such part';
is_deeply [$r->headers('X-Http')], ['http'], 'with its fields';
$r = $t->head('/f.txt');
is $r->header('Content-Length'), 10, 'HEAD';
is $r->header('X-Http'), 'http', 'with its fields';
$r = $t->get('/file/wild/f.txt');
is $r->header('ETag'), undef, 'a wildcard';
ok defined $r->header($_), "leaves $_"
    for 'Server', 'Date', 'Content-Type', 'Content-Length';
is header('/missing', 'X-Http'), 'http', 'no file';

# ---- upstreams ----
$r = $t->get('/proxy/plain');
is_deeply [$r->headers('Set-Cookie')], ['a=1', 'b=2'], 'proxied as it is';
is $r->header('X-Http'), 'http', 'with one more';
$r = $t->get('/proxy/clear');
for my $name ('Set-Cookie', 'X-A', 'Vary') {
    is $r->header($name), undef, "$name of an upstream cleared";
}
is $r->header('x-b'), '2', 'others stay';
$r = $t->get('/proxy/set');
is_deeply [$r->headers('Set-Cookie')], ['c'], 'several become one';
is_deeply [$r->headers('Cache-Control')], ['private'], 'Cache-Control';
is_deeply [$r->headers('X-B')], ['new'], 'whatever the case';
$r = $t->get('/proxy/wild');
for my $name ('Set-Cookie', 'X-A', 'x-b', 'X-Http', 'X-Server') {
    is $r->header($name), undef, "$name by a wildcard";
}
is $r->header('Vary'), 'Foo', 'and no others';
$r = $t->get('/proxy/status');
is $r->header('X-A'), '1', 'cleared with another status';
is $r->header('x-b'), undef, 'with this status';

# ---- error pages and subrequests ----
$r = $t->get('/page');
is $r->status, 404, 'an error page';
is $r->header('X-Page'), 'page', 'has those of its location';
is $r->header('X-From'), undef, 'not those of the one that failed';
$r = $t->get('/sub');
is $r->header('X-Sub'), 'main', 'a subrequest';
is $r->header('X-Auth'), undef, 'keeps its fields to itself';

# ---- mistakes ----
for (
    ["more_set_headers -x 'A: b'",
     'more_set_headers: invalid option name: "-x"'],
    ["more_set_headers -r 'A: b'",
     'more_set_headers: invalid option name: "-r"'],
    ['more_clear_headers -', 'more_clear_headers: invalid option name: "-"'],
    ["more_set_headers 'A: b' -s",
     'more_set_headers: option -s takes an argument.'],
    ["more_set_headers 'A: b' -t",
     'more_set_headers: option -t takes an argument.'],
    ["more_set_headers -s 4xx 'A: b'", 'more_set_headers: invalid digit "x" '
     . 'found in the status code list "4xx"'],
    ["more_set_headers -s '404;500' 'A: b'", 'more_set_headers: invalid digit '
     . '";" found in the status code list "404;500"'],
    ["more_clear_headers '*'",
     'more_clear_headers: wildcard key too short: *'],
    ['more_set_headers',
     'invalid number of arguments in "more_set_headers" directive'],
    ["more_set_headers 'A: \$nonesuch'", 'unknown "nonesuch" variable'],
    ['if ($uri) { more_set_headers a; }',
     '"more_set_headers" directive is not allowed here'],
) {
    my ($text, $wanted) = @$_;
    my $c = conf_test("$load%%HTTP%% server { $text; } }");
    is $c->{code}, 1, $text;
    is substr($c->{first}, 0, length $wanted), $wanted, "$text: why";
}
for my $text ("more_set_headers '' -s 404", "more_set_headers -t '' 'A: b'",
              'more_clear_headers "A: $nonesuch" -s 404 B') {
    is conf_test("$load%%HTTP%% server { $text; } }")->{code}, 0, $text;
}

# ---- what only weir does ----
SKIP: {
    skip 'not there', 1 if is_oracle();

    my $w = Weir::Test->new;
    $w->write('html/f', '0123456789');
    $w->run(<<'EOC');
load_module modules/ngx_http_headers_more_filter_module.so;
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        location /crlf { more_set_headers 'X-U: $uri' 'Location: $uri';
                         return 200; }
        location /lines { more_set_headers "X-L: a;
b"; return 200; }
        location /long { more_set_headers 'Content-Length: 20';
                         return 200 xyz; }
        location /bad { more_set_headers 'Content-Length: x'; return 200 abc; }
        location /coding { more_set_headers 'Transfer-Encoding: gzip';
                           return 200 abc; }
        location /cut/ { alias %%TESTDIR%%/html/;
                         more_set_headers 'Content-Length: 4'; }
        location /append { more_set_headers 'Set-Cookie: a' 'Server: one';
            more_set_headers -a 'Set-Cookie: b' 'Set-Cookie: c' 'Server: two';
            return 200; }
        location /close { more_set_headers 'Connection: close'; return 200; }
        location /ranges/ { alias %%TESTDIR%%/html/;
                            more_set_headers 'Accept-Ranges: none'; }
        location /date/ { alias %%TESTDIR%%/html/;
            more_set_headers 'Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT'; }
    }
}
EOC
    $r = $w->get('/crlf/a%0d%0aX-In:%201');
    is $r->header('X-In'), undef, 'a value does not end its line';
    is $r->header('X-U'), '/crlf/a  X-In: 1', 'but has blanks';
    is $w->get('/lines')->header('X-L'), 'a; b', 'a value of two lines';
    my $c = $w->connect;
    $r = $c->request('GET', '/long');
    is $r->body, 'xyz', 'a body shorter than Content-Length';
    ok $c->closed, 'ends the connection';
    $r = $w->get('/bad');
    is $r->header('Content-Length'), 3, 'a Content-Length that is none';
    ok $w->wait_log(qr/invalid "Content-Length" "x"/), 'is logged';
    $r = $w->get('/coding');
    is $r->header('Transfer-Encoding'), undef, 'no coding of its own';
    is $w->get('/cut/f')->body, '0123', 'a file cut short';
    $r = $w->get('/cut/f', headers => [Range => 'bytes=2-5']);
    is $r->body, '23', 'and a part of that';
    $c = $w->connect;
    is $c->request('HEAD', '/cut/f')->header('Content-Length'), 4,
        'its length alone';
    is $c->request('GET', '/cut/f')->body, '0123', 'and the next request';
    $r = $w->get('/append');
    is_deeply [$r->headers('Set-Cookie')], [qw(a b c)], '-a';
    is_deeply [$r->headers('Server')], ['two'], '-a of what there is once';
    $c = $w->connect;
    is_deeply [$c->request('GET', '/close')->headers('Connection')],
        ['close'], 'Connection: close';
    ok $c->closed, 'and so it is';
    $r = $w->get('/ranges/f', headers => [Range => 'bytes=0-1']);
    is $r->status, 200, 'Accept-Ranges: none';
    is_deeply [$r->headers('Accept-Ranges')], ['none'], 'and so it is';
    is $w->get('/date/f', headers => [Range => 'bytes=0-1', 'If-Range',
        'Mon, 01 Jan 2024 00:00:00 GMT'])->status, 206,
        'If-Range by the date that was sent';
    for my $name ('A b', 'A(b)', ' ', '"') {
        my $v = conf_test("%%HTTP%% server { more_set_headers '$name: x'; } }");
        is $v->{code}, 1, "no name: $name";
        like $v->{first}, qr/invalid header name/, 'why';
    }
}

done_testing;
