# SPDX-License-Identifier: BSD-2-Clause
#
# more_set_input_headers and more_clear_input_headers: fields of requests, as
# upstreams, variables, other modules and logs see them afterwards.

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
$t->write('html/f.txt', '0123456789', mtime => 1700000000);
$t->write('pw', "u:{PLAIN}p\n");
my $b = 'proxy_pass http://127.0.0.1:%%PORT_b%%';
my $seen = '$http_host|ua=$http_user_agent|c=$http_cookie'
    . '|xff=$http_x_forwarded_for|foo=$http_foo|bar=$http_bar'
    . '|ct=$http_content_type|x=$http_x';
$t->run($load . <<"EOC");
%%HTTP%%
    log_format in '\$uri ua=\$http_user_agent h=\$http_host host=\$host '
        'c=\$http_cookie xff=\$http_x_forwarded_for foo=\$http_foo '
        'ct=\$content_type';
    more_set_input_headers 'X-Http: http';
    server {
        listen 127.0.0.1:%%PORT_b%%;
        access_log off;
        return 200 "$seen";
    }
    server { listen 127.0.0.1:%%PORT%%; server_name other.test;
             return 200 other; }
    server {
        listen 127.0.0.1:%%PORT%% default_server;
        server_name main.test;
        root %%TESTDIR%%/html;
        access_log %%TESTDIR%%/in.log in;
        proxy_set_header Host b;
        more_set_input_headers 'X-Server: server';

        location /set { $b; more_set_input_headers 'Foo: foo' 'Cookie: a=b'
            'User-Agent: agent' 'X-Forwarded-For: 1.2.3.4'
            'Content-Type: a/b'; }
        location /clear { $b; more_clear_input_headers Foo Cookie User-Agent
            'X-Forwarded-For: x' Content-Type; }
        location /empty { $b; more_set_input_headers 'Foo:' Bar
            'Cookie: \$arg_a'; }
        location /wild { $b; more_clear_input_headers 'fo*' 'Coo*' 'X-F*'; }
        location /replace { $b; more_set_input_headers -r 'Foo: new'
            'Bar: new'; }
        location /clearr { $b; more_clear_input_headers -r Foo; }
        location /type { $b; more_set_input_headers -t 'text/plain a/b'
            'Foo: typed'; more_clear_input_headers -t a/b Bar; }
        location /twice { $b; more_set_input_headers 'Foo: a' 'foo: b'; }
        location /order { $b; more_set_input_headers 'Foo: one';
            more_clear_input_headers Foo;
            more_set_input_headers -r 'Foo: two'; }
        location /var { $b; more_set_input_headers 'Foo: \$arg_a-\$http_bar'
            'Cookie: \$http_cookie; z=1'; }
        location /swap { $b; more_set_input_headers 'Foo: \$http_bar'
            'Bar: \$http_foo'; }
        location /outer { $b; more_set_input_headers
            'X: \$http_x_http-\$http_x_server'; }
        location /if { $b; more_set_input_headers 'Bar: loc' 'X: loc';
            if (\$arg_a) { more_set_input_headers 'Foo: if' 'X: if'; } }
        location /kept { $b; set \$v "\$http_foo"; proxy_set_header Bar \$v;
            more_set_input_headers 'Foo: new'; }
        location /return { more_set_input_headers 'Foo: new';
            return 200 "foo=\$http_foo"; }
        location /rewrite { more_set_input_headers 'Foo: new';
            rewrite ^ /elsewhere; }
        location /elsewhere { $b; }
        location /forwarded { $b; more_set_input_headers
            'X-Forwarded-For: 2.2.2.2';
            proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for; }
        location /cookie { $b; more_set_input_headers 'Cookie: c=3';
            proxy_set_header Foo "\$cookie_a-\$cookie_c"; }

        location /host/set { $b; more_set_input_headers 'Host: OTHER.test:81';
            proxy_set_header Host \$http_host; proxy_set_header Foo \$host; }
        location /host/var { $b; more_set_input_headers 'Host: \$http_x_host';
            proxy_set_header Foo "\$host,\$http_host,\$server_name"; }
        location /host/redirect { more_set_input_headers 'Host: a.test:81';
            try_files /none =404; error_page 404 =301 /there/; }
        location /there { return 301 /here; }

        location /use/range/ { alias %%TESTDIR%%/html/;
            more_set_input_headers 'Range: bytes=1-2'; }
        location /use/norange/ { alias %%TESTDIR%%/html/;
            more_clear_input_headers Range; }
        location /use/since/ { alias %%TESTDIR%%/html/;
            more_set_input_headers 'If-Modified-Since: $modified'; }
        location /use/nosince/ { alias %%TESTDIR%%/html/;
            more_clear_input_headers If-Modified-Since If-None-Match; }
        location /use/gzip/ { alias %%TESTDIR%%/html/; gzip on; gzip_types *;
            gzip_min_length 0; more_set_input_headers 'Accept-Encoding: gzip'; }
        location /use/nogzip/ { alias %%TESTDIR%%/html/; gzip on; gzip_types *;
            gzip_min_length 0; more_clear_input_headers Accept-Encoding; }
        location /use/auth/ { alias %%TESTDIR%%/html/; auth_basic x;
            auth_basic_user_file %%TESTDIR%%/pw;
            more_set_input_headers 'Authorization: Basic dTpw'; }
        location /use/noauth/ { alias %%TESTDIR%%/html/; auth_basic x;
            auth_basic_user_file %%TESTDIR%%/pw;
            more_clear_input_headers Authorization; }
        location /use/sub { auth_request /auth; $b;
            more_set_input_headers 'Foo: main'; }
        location = /auth { more_set_input_headers -r 'Foo: sub';
            more_clear_input_headers Cookie; $b; }
        location /use/body { $b; more_set_input_headers 'Foo: x';
            proxy_set_header Bar \$content_length; }
    }
}
EOC

# what(URI, fields): what the upstream got, as a hash.
sub what {
    my ($uri, @fields) = @_;
    my $r = $t->get($uri, headers => \@fields);
    my ($host, @rest) = split /\|/, $r->body, -1;
    my %got = map { split /=/, $_, 2 } @rest;

    return { status => $r->status, host => $host, %got };
}

my @all = (Foo => 1, Foo => 2, Bar => 3, Cookie => 'x=1', Cookie => 'y=2',
           'User-Agent' => 'ua', 'X-Forwarded-For' => '9.9.9.9',
           'Content-Type' => 'c/d');
my %all = (foo => 'foo', c => 'a=b', ua => 'agent', xff => '1.2.3.4',
           ct => 'a/b');

# ---- setting, replacing, clearing ----
my $r = what('/set', @all);
is $r->{$_}, $all{$_}, "replaced: $_" for sort keys %all;
is $r->{bar}, '3', 'others stay';
$r = what('/set');
is $r->{$_}, $all{$_}, "added: $_" for sort keys %all;
$r = what('/clear', @all);
is $r->{$_}, '', "cleared: $_" for sort keys %all;
is $r->{bar}, '3', 'others stay';
$r = what('/empty', @all);
is $r->{$_}, '', "an empty value: $_" for 'foo', 'bar', 'c';
$r = what('/empty?a=b', @all);
is $r->{c}, 'b', 'one that is not';
$r = what('/wild', @all);
is $r->{$_}, '', "by a wildcard: $_" for 'foo', 'c', 'xff';
is $r->{bar}, '3', 'not others';
is what('/replace', Foo => 1, Foo => 2)->{foo}, 'new', '-r: it is there';
is what('/replace', Foo => 1)->{bar}, '', '-r: it is not';
is what('/clearr', Foo => 1)->{foo}, '', '-r to clear';
for (['text/plain' => 'typed'], ['a/b' => 'typed'], ['c/d' => '1'],
     ['A/B' => '1'], ['a/bc' => '1']) {
    is what('/type', Foo => 1, 'Content-Type' => $_->[0])->{foo}, $_->[1],
        "-t: $_->[0]";
}
is what('/type', Foo => 1)->{foo}, '1', '-t: no type';
is what('/type', Bar => 1, 'Content-Type' => 'a/b')->{bar}, '', '-t to clear';
is what('/twice')->{foo}, 'b', 'a name twice: the last one';
is what('/order', Foo => 1)->{foo}, '', 'one directive after the other';
$r = what('/var?a=1', Bar => 'b', Cookie => 'c=1');
is $r->{foo}, '1-b', 'text and variables';
is $r->{c}, 'c=1; z=1', 'its own value with more';
$r = what('/swap', Foo => 1, Bar => 2);
is $r->{foo}, '2', 'another one';
is $r->{bar}, '2', 'that is new already';
is what('/outer')->{x}, 'http-server', 'those of outer blocks come first';
is what('/if', Foo => 1)->{foo}, '1', 'if that is not so';
$r = what('/if?a=1', Foo => 1);
is $r->{foo}, 'if', 'if that is so';
is $r->{bar}, 'loc', 'with those around it';
is $r->{x}, 'if', 'and the last word';
$r = what('/kept', Foo => 'old');
is $r->{foo}, 'new', 'behind set';
is $r->{bar}, 'old', 'which has seen the old one';
is $t->get('/return', headers => [Foo => 'old'])->body, 'foo=old',
    'return comes first';
is what('/rewrite', Foo => 'old')->{foo}, 'new', 'rewrite does not';
is what('/forwarded', 'X-Forwarded-For' => '1.1.1.1')->{xff},
    '2.2.2.2, 127.0.0.1', '$proxy_add_x_forwarded_for';
$r = what('/cookie', Cookie => 'a=1', Cookie => 'b=2');
is $r->{foo}, '-3', '$cookie_NAME';
is $r->{c}, 'c=3', 'one cookie field';

# ---- Host ----
$r = what('/host/set');
is $r->{host}, 'OTHER.test:81', '$http_host';
is $r->{foo}, 'other.test', '$host';
$r = what('/host/var', 'X-Host' => 'A.test');
is $r->{foo}, 'a.test,A.test,main.test', 'by a variable; the server stays';
$r = what('/host/var');
is $r->{foo}, 'main.test,,main.test', 'cleared by one';
like $t->get('/host/redirect')->header('Location'),
    qr{^http://a\.test:\d+/here$}, 'redirects';
isnt $t->get('/host/var', headers => ['X-Host' => 'a/b'])->status, 200,
    'what is no host';

# ---- who reads them ----
$r = $t->get('/use/range/f.txt');
is $r->status, 206, 'Range';
is $r->body, '12', 'its part';
is $t->get('/use/norange/f.txt', headers => [Range => 'bytes=0-1'])->status,
    200, 'no Range';
is $t->get('/use/since/f.txt')->status, 304, 'If-Modified-Since';
is $t->get('/use/nosince/f.txt',
           headers => ['If-Modified-Since' => $modified])->status, 200,
    'no If-Modified-Since';
is $t->get('/use/gzip/f.txt')->header('Content-Encoding'), 'gzip',
    'Accept-Encoding';
is $t->get('/use/nogzip/f.txt', headers => ['Accept-Encoding' => 'gzip'])
    ->header('Content-Encoding'), undef, 'no Accept-Encoding';
is $t->get('/use/auth/f.txt')->status, 200, 'Authorization';
is $t->get('/use/noauth/f.txt', headers => [Authorization => 'Basic dTpw'])
    ->status, 401, 'no Authorization';
is $t->post('/use/body', 'hello')->status, 200, 'a body';
like $t->post('/use/body', 'hello')->body, qr/foo=x\|bar=5/, 'as it was sent';

$t->wait_log(qr{^/use/body}, 'in.log');
my ($line) = grep { m{^/set } } $t->log('in.log');
is $line, '/set ua=agent h=localhost host=localhost c=a=b xff=1.2.3.4 '
    . 'foo=foo ct=a/b', 'logs';
($line) = grep { m{^/clear } } $t->log('in.log');
is $line, '/clear ua=- h=localhost host=localhost c=- xff=- foo=- ct=-',
    'logs of what was cleared';

# ---- mistakes ----
for (
    ["more_set_input_headers -s 404 'A: b'",
     'more_set_input_headers: invalid option name: "-s"'],
    ["more_set_input_headers -a 'A: b'",
     'more_set_input_headers: invalid option name: "-a"'],
    ['more_clear_input_headers -s 404 A',
     'more_clear_input_headers: invalid option name: "-s"'],
    ['more_set_input_headers -t',
     'more_set_input_headers: option -t takes an argument.'],
    ["more_clear_input_headers '*'",
     'more_clear_input_headers: wildcard key too short: *'],
    ['more_clear_input_headers', 'invalid number of arguments in '
     . '"more_clear_input_headers" directive'],
    ['if ($uri) { more_set_input_headers a; }',
     '"more_set_input_headers" directive is not allowed here'],
) {
    my ($text, $wanted) = @$_;
    my $c = conf_test("$load%%HTTP%% server { $text; } }");
    is $c->{code}, 1, $text;
    is substr($c->{first}, 0, length $wanted), $wanted, "$text: why";
}

# ---- what only weir does ----
SKIP: {
    skip 'not there', 1 if is_oracle();

    my $b2 = Weir::Backend->http(sub {
        return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    });
    my $port = $b2->port;
    my $w = Weir::Test->new;
    $w->run(<<"EOC");
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_http_version 1.1;
        location /crlf { more_set_input_headers 'Foo: \$uri';
                         proxy_pass http://127.0.0.1:$port/; }
        location /length { more_set_input_headers 'Content-Length: 2'
            'Transfer-Encoding: chunked'; more_clear_input_headers 'Con*';
            proxy_pass http://127.0.0.1:$port/; }
        location /host { more_set_input_headers 'Host: \$arg_h';
                          try_files /none =204; }
        location /sub { more_set_input_headers 'Foo: main'; auth_request /auth;
                        mirror /mirror; proxy_pass http://127.0.0.1:$port/; }
        location = /auth { more_set_input_headers 'Foo: auth' 'Bar: auth';
                           more_clear_input_headers Cookie;
                           proxy_pass http://127.0.0.1:$port/auth; }
        location = /mirror { more_set_input_headers 'Foo: mirror' 'X-M: 1';
                             proxy_pass http://127.0.0.1:$port/mirror; }
    }
}
EOC
    $w->get('/crlf/%0d%0aX-In:%201');
    my ($q) = $b2->requests;
    is $q->header('X-In'), undef, 'a value does not end its line';
    is $q->header('Foo'), '/crlf/  X-In: 1', 'but has blanks';
    $b2->forget;
    is $w->post('/length', 'hello')->status, 200, 'a body';
    ($q) = $b2->requests;
    is $q->body, 'hello', 'is as long as it was';
    is $q->header('Content-Length'), 5, 'and says so';
    is $w->get('/host?h=a.test')->status, 204, 'a host';
    is $w->get('/host?h=a/b')->status, 400, 'what is no host';
    ok $w->wait_log(qr/invalid host "a\/b"/), 'is logged';
    $b2->forget;
    is $w->get('/sub', headers => [Cookie => 'c'])->status, 200,
        'subrequests';
    wait_until(sub { $b2->requests == 3 });
    my %by = map { ($_->uri => $_) } $b2->requests;
    is $by{'/auth'}->header('Foo'), 'auth', 'of their own: auth_request';
    is $by{'/auth'}->header('Cookie'), undef, 'cleared';
    is $by{'/mirror'}->header('Foo'), 'mirror', 'mirror';
    is $by{'/mirror'}->header('Bar'), undef, 'not of each other';
    is $by{'/'}->header('Foo'), 'main', 'the request itself';
    is $by{'/'}->header('Bar'), undef, 'has none of theirs';
    is $by{'/'}->header('X-M'), undef, 'none at all';
    is $by{'/'}->header('Cookie'), 'c', 'and all of its own';
    like conf_test("%%HTTP%% more_set_input_headers 'Content-Length: 0'; }")
        ->{err}, qr/\[warn\] "Content-Length" is never changed/, 'a warning';
}

done_testing;
