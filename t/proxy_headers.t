# SPDX-License-Identifier: BSD-2-Clause
#
# Header fields on their way through a proxy: what is passed on, set, hidden
# and rewritten, in both directions.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

# Shows what came, and answers with the fields that X-Fields asks for.
my $backend = Weir::Backend->http(sub {
    my ($request) = @_;
    my $fields = $request->header('X-Fields') // '';
    my $text = $request->head;

    return "HTTP/1.1 204 No\r\nContent-Type: text/x\r\nContent-Length: 5\r\n"
        . "\r\n" if $request->uri eq '/204';
    my $status = $request->uri =~ m{^/status/(\d+)} ? $1 : 200;

    $fields =~ s/;; */\r\n/g;
    $fields .= "\r\n" if length $fields;
    return "HTTP/1.1 $status OK\r\n${fields}Content-Length: " . length($text)
        . "\r\n\r\n$text";
});
my $up = $backend->port;

my $t = Weir::Test->new;
$t->run(<<"EOC");
%%HTTP%%
    proxy_http_version 1.1;
    underscores_in_headers on;
    proxy_set_header X-Outer yes;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://127.0.0.1:$up; }
        location /set { proxy_pass http://127.0.0.1:$up;
            proxy_set_header Host \$host;
            proxy_set_header X-Real-IP \$remote_addr;
            proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for;
            proxy_set_header User-Agent "";
            proxy_set_header X-Empty "";
            proxy_set_header x-client "changed \$http_x_client";
            proxy_set_header X-Proxy "\$proxy_host \$proxy_port"; }
        location /twice { proxy_pass http://127.0.0.1:$up;
            proxy_set_header Host first; proxy_set_header Host last;
            proxy_set_header X-A 1; proxy_set_header X-A 2; }
        location /nohost10 { proxy_pass http://127.0.0.1:$up;
            proxy_http_version 1.0; proxy_set_header Host \$http_x_nosuch; }
        location /nohost { proxy_pass http://127.0.0.1:$up;
            proxy_set_header Host \$http_x_nosuch; }
        location /gz { proxy_pass http://127.0.0.1:$up;
            gzip on; gzip_types application/json; gzip_min_length 0;
            charset koi8-r; charset_types application/json; }
        location /none { proxy_pass http://127.0.0.1:$up;
            proxy_pass_request_headers off; }
        location /hide { proxy_pass http://127.0.0.1:$up;
            proxy_hide_header X-Secret; proxy_hide_header ETag;
            proxy_pass_header Server; proxy_pass_header X-Accel-Charset; }
        location /redirect/ { proxy_pass http://127.0.0.1:$up/up/; }
        location /plain { proxy_pass http://127.0.0.1:$up; }
        location /off { proxy_pass http://127.0.0.1:$up; proxy_redirect off; }
        location /rules { proxy_pass http://127.0.0.1:$up;
            proxy_redirect http://one.test/ /two/;
            proxy_redirect ~^http://re\\.test:(\\d+)/(.*)\$ http://\$1.test/\$2;
            proxy_redirect ~*^HTTP://any /any;
            proxy_redirect http://\$host/ https://\$host/;
            proxy_redirect default; }
        location /cookie { proxy_pass http://127.0.0.1:$up;
            proxy_cookie_domain up.test \$host;
            proxy_cookie_domain ~\\.(\\w+)\\.up\$ \$1.example;
            proxy_cookie_path /up/ /cookie/;
            proxy_cookie_path ~^/user/(.*)\$ /u/\$1;
            proxy_cookie_flags one secure httponly samesite=strict;
            proxy_cookie_flags ~^t nosecure nohttponly nosamesite; }
        location /ranges { proxy_pass http://127.0.0.1:$up;
            proxy_force_ranges on; }
    }
}
EOC

sub sent { return $t->get($_[0], headers => $_[1] // [])->body }

sub answered {
    my ($uri, $fields) = @_;

    return $t->get($uri, headers => ['X-Fields', $fields]);
}

# ---- to the upstream ----

my $got = sent('/x', ['X-Client', 'a', 'X-Client', 'b', 'Keep-Alive', '5',
                      'TE', 'trailers', 'Upgrade', 'foo', 'X_Under', 'c',
                      'Cookie', 'd=1', 'Expect', '100-continue']);
like $got, qr{^GET /x HTTP/1\.1\r\nX-Outer: yes\r\nHost: 127\.0\.0\.1:$up\r\n},
    'Host';
like $got, qr/X-Outer: yes/, 'proxy_set_header, inherited';
like $got, qr/X-Client: a\r\nX-Client: b/, 'repeated fields stay';
like $got, qr/X_Under: c/, 'underscores';
like $got, qr/Cookie: d=1/, 'cookies';
unlike $got, qr/^$_:/mi, "no $_"
    for 'Keep-Alive', 'TE', 'Upgrade', 'Expect';
SKIP: {
    skip_before '1.29.7', 'Connection: close is sent', 1;
    unlike $got, qr/^Connection:/mi, 'no Connection';
}

$got = sent('/set', ['X-Client', 'a', 'X-Forwarded-For', '1.1.1.1',
                     'User-Agent', 'u', 'X-Real-IP', '9.9.9.9',
                     'X-Empty', 'e']);
like $got, qr/^Host: localhost\r/m, 'Host set';
like $got, qr/^X-Real-IP: 127\.0\.0\.1\r/m, 'X-Real-IP';
like $got, qr/^X-Forwarded-For: 1\.1\.1\.1, 127\.0\.0\.1\r/m,
    'X-Forwarded-For is continued';
unlike $got, qr/9\.9\.9\.9/, 'not as the client says';
unlike $got, qr/User-Agent|X-Empty/, 'empty ones are left out';
like $got, qr/^x-client: changed a\r/m, 'a changed one';
like $got, qr/^X-Proxy: 127\.0\.0\.1:$up $up\r/m, 'variables';
unlike $got, qr/X-Outer/, 'a list of its own replaces the outer one';
like sent('/set'), qr/^X-Forwarded-For: 127\.0\.0\.1\r/m, 'begun';

$got = sent('/twice');
like $got, qr/^X-A: 1\r\nX-A: 2\r/m, 'set twice';
SKIP: {
    skip_before '1.30.0', 'Host would be sent twice', 1;
    is_deeply [$got =~ /^(Host: .*)\r/gm], ['Host: last'], 'but one Host';
}
SKIP: {
    skip_before '1.30.0', 'an empty Host is left out', 1;
    like sent('/nohost'), qr/^Host: 127\.0\.0\.1:$up\r/m, 'an empty Host';
}

unlike sent('/nohost10'), qr/^Host:/m, 'an empty Host of HTTP/1.0';

$got = sent('/none', ['X-Client', 'a']);
unlike $got, qr/X-Client/, 'proxy_pass_request_headers off';
like $got, qr/X-Outer: yes/, 'but what is set';

# ---- from the upstream ----

my $r = answered('/x', 'X-A: 1;; X-A: 2;; Set-Cookie: a;; Set-Cookie: b;; '
                 . 'Date: d;; Server: s;; X-Pad: p;; ETag: "e";; X-Empty:');
is join('|', $r->headers('X-A')), '1|2', 'repeated fields';
is join('|', $r->headers('Set-Cookie')), 'a|b', 'cookies';
is $r->header('ETag'), '"e"', 'ETag';
is $r->header('X-Empty'), '', 'an empty one';
isnt $r->header('Server'), 's', 'Server is ours';
isnt $r->header('Date'), 'd', 'Date is ours';
is $r->header('X-Pad'), undef, 'X-Pad goes';
is scalar($r->headers('Server')), 1, 'one Server';

$r = answered('/x', 'Content-Type: text/x;; Last-Modified: '
              . 'Sun, 06 Nov 1994 08:49:37 GMT;; Connection: x;; '
              . 'Keep-Alive: 5');
is $r->header('Content-Type'), 'text/x', 'Content-Type';
is $r->header('Last-Modified'), 'Sun, 06 Nov 1994 08:49:37 GMT',
    'Last-Modified';
is $r->header('Keep-Alive'), undef, 'Keep-Alive goes';
is answered('/x', 'Content-Type: text/html; charset=utf-8')
    ->header('Content-Type'), 'text/html; charset=utf-8', 'a charset';
is answered('/x', 'Last-Modified: yesterday')->header('Last-Modified'),
    'yesterday', 'an odd date';

$r = answered('/hide', 'X-Secret: 1;; ETag: e;; Server: s;; X-Other: o;; '
              . 'x-accel-charset: c');
is $r->header('X-Secret'), undef, 'hidden';
is $r->header('ETag'), undef, 'hidden by its known name';
is $r->header('X-Other'), 'o', 'no other';
is $r->header('Server'), 's', 'passed';
is $r->header('X-Accel-Charset'), 'c', 'passed, whatever the case';

# ---- rewritten ----

my $own = 'http://localhost:' . $t->port;

sub location { return answered($_[0], "Location: $_[1]")->header('Location') }

is location('/redirect/a', "http://127.0.0.1:$up/up/b?c"),
    "$own/redirect/b?c", 'the URL of proxy_pass becomes the location';
is location('/redirect/a', '/up/b'), '/up/b', 'a path stays';
is location('/redirect/a', 'http://other/up/b'), 'http://other/up/b',
    'another host stays';
is location('/plain', "http://127.0.0.1:$up/b"), "$own/b", 'without a URI';
is location('/off', "http://127.0.0.1:$up/b"), "http://127.0.0.1:$up/b",
    'off';
is location('/rules', 'http://one.test/a'), "$own/two/a", 'a text';
is location('/rules', 'http://re.test:80/a'), 'http://80.test/a',
    'a pattern';
is location('/rules', 'http://ANY'), "$own/any", 'in any case';
is location('/rules', 'http://localhost/a'), 'https://localhost/a',
    'with variables';
is location('/rules', "http://127.0.0.1:$up/b"), "$own/b", 'and the default';
is answered('/redirect/a', "Refresh: 3; url=http://127.0.0.1:$up/up/b")
    ->header('Refresh'), '3; url=/redirect/b', 'Refresh';

sub cookie {
    return answered('/cookie', "Set-Cookie: $_[0]")->header('Set-Cookie');
}

is cookie('a=1'), 'a=1', 'a plain cookie';
is cookie('a=1; Path=/up/x; Domain=up.test'),
    'a=1; Path=/cookie/x; Domain=localhost', 'path and domain';
is cookie('a=1; path=/user/x; domain=.www.up'),
    'a=1; path=/u/x; domain=www.example', 'by patterns';
is cookie('a=1; path=/else; domain=else'), 'a=1; path=/else; domain=else',
    'others stay';
is cookie('one=1; Path=/'),
    'one=1; Path=/; Secure; HttpOnly; SameSite=Strict', 'flags are added';
is cookie('two=1; Secure; HttpOnly; SameSite=Lax; Max-Age=1'),
    'two=1; Max-Age=1', 'and taken away';

# ---- ranges ----

$r = $t->get('/ranges', headers => ['Range', 'bytes=0-2']);
is $r->status, 206, 'proxy_force_ranges';
is $r->body, 'GET', 'the range';
is $t->get('/x', headers => ['Range', 'bytes=0-2'])->status, 200,
    'else the upstream decides';

# ---- lists of types see what stands before the charset ----

my @types = (
    'application/json' => 'application/json; charset=koi8-r',
    'application/json; charset=utf-8' => '=',
    'application/json;charset="utf-8"' => '=',
    'application/json; Charset=UTF-8; profile=x' => '=',
    'application/json;  charset=a;charset=b' => '=',
);
my @others = (
    'application/json; profile=x', 'application/json; profile=x; charset=y',
    'application/json ;charset=utf-8', 'application/json;', 'text/x',
);
while (my ($type, $sent) = splice @types, 0, 2) {
    my $r = $t->get('/gz', headers => [ 'Accept-Encoding' => 'gzip',
        'X-Fields' => "Content-Type: $type" ]);
    is $r->header('Content-Encoding'), 'gzip', "$type: compressed";
    is $r->header('Content-Type'), $sent eq '=' ? $type : $sent,
        "$type: as it came";
}
for my $type (@others) {
    my $r = $t->get('/gz', headers => [ 'Accept-Encoding' => 'gzip',
        'X-Fields' => "Content-Type: $type" ]);
    is $r->header('Content-Encoding'), undef, "$type: not compressed";
    is $r->header('Content-Type'), $type, "$type: as it came";
}

# ---- Last-Modified ----

my $date = 'Sun, 06 Nov 1994 08:49:37 GMT';
for my $status (200, 201, 302, 404, 503) {
    my $r = $t->get("/status/$status",
                    headers => [ 'X-Fields' => "Last-Modified: $date" ]);
    is $r->status, $status, "status $status";
    is $r->header('Last-Modified'), $date, "$status: Last-Modified";
}

# ---- 204 ----

my $empty = $t->get('/204');
is $empty->status, 204, 'an empty one';
is $empty->header('Content-Type'), 'text/x', '204: its type';
is $empty->header('Content-Length'), undef, '204: no length' if !is_oracle;

# ---- "off" stands alone ----

my %rules = (
    proxy_redirect => '/a /b', proxy_cookie_path => '/a /b',
    proxy_cookie_domain => 'a b', proxy_cookie_flags => 'a secure',
);
for my $name (sort keys %rules) {
    for my $pair ([ $rules{$name}, 'off' ], [ 'off', $rules{$name} ],
                  [ 'off', 'off' ]) {
        my $text = join ' ', map { "$name $_;" } @$pair;
        is conf_test("events {}\nhttp {\n$text\n}\n")->{first},
            qq{"$name" directive is duplicate in F:3}, $text;
    }
    my $twice = "$name $rules{$name}; " x 2;
    is conf_test("events {}\nhttp {\n$twice\n}\n")->{code}, 0, $twice;
}

done_testing;
