# SPDX-License-Identifier: BSD-2-Clause
#
# rewrite, if, set, return: escapes of captures, arguments, nesting, what is
# logged, what is refused.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
$t->write('html/file', 'x');
$t->write("html/sp ace", 'y');
$t->mkdir('html/dir');
$t->run(<<'EOC');
%%HTTP%%
    default_type text/plain;
    uninitialized_variable_warn on;
    server {
        listen 127.0.0.1:%%PORT_own%%;
        server_name own.test;
        if ($arg_a) { set $sum "${sum}a"; }
        location /bare { error_page 404 @show; }
        location /except { limit_except POST { allow all; }
                           error_page 404 405 @show; set $sum "${sum}b"; }
        location @show { return 200 "$sum"; }
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        set $level server;
        location /show { return 200 "$uri?$args"; }
        location /inside { internal; return 200 "inside $uri"; }
        location /toinside { rewrite ^ /inside; }
        location /q1/ { rewrite ^/q1/(.*)$ /show/$1?a=$1&b=c last; }
        location /q2/ { rewrite ^/q2/(.*)$ /show?x=$1?y=$1 last; }
        location /q3/ { rewrite ^/q3/(.*)$ /show?$args&z=$arg_a? last; }
        location /q4/ { rewrite ^/q4/(.*)$ /show$is_args$args? last; }
        location /r1/ { rewrite ^/r1/(.*)$ /new/$1?q=$1 redirect; }
        location /r2/ { rewrite ^/r2/(.*)$ /new?$args? permanent; }
        location /r3/ { rewrite ^/r3/(.*)$ https://x.test/$1 permanent; }
        location /r4/ { rewrite ^/r4/(.*)$ /$uri? redirect; }
        location /r5/ { rewrite ^/r5/(.*)$ http://x.test/?back=$request_uri? last; }
        location /r6/ { rewrite ^/r6/(.*)$ /$arg_u redirect; }
        location /break1/ { rewrite ^ /file; rewrite ^ /dir/../file break; return 200 no; }
        location /break2/ { rewrite ^/break2/(.*)$ /show/$1; break; return 200 no; }
        location /two/ { rewrite ^/two/(.*)$ /two2/$1; rewrite ^/two2/(.*)$ /show/$1?from=two2; }
        location /groups/ { rewrite ^/groups/(a)?(b)?(c)?$ /show/[$1$2$3] last; }
        location /ten/ { rewrite ^/ten/(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)$ /show/$9$8$10 last; }
        location /name/ { rewrite ^/name/(?P<first>[^/]+)/(?<second>.+)$ /show/$second-$first-$1 last; }
        location /set/ { set $a $level; set $level location; set $b "$level$a"; return 200 $b; }
        location /caps/ { if ($uri ~ ^/caps/(.)(.)) { set $x $2$1; } if ($arg_n ~ z(.)) { set $x "$x$1"; } return 200 "$x $1"; }
        location /keep/ { if ($uri ~ ^/keep/(.)) { } if ($arg_n ~ none) { } return 200 "$1"; }
        location /nogroup/ { if ($uri ~ ^/nogroup/(.)) { } if ($uri ~ nogroup) { } return 200 "[$1]"; }
        location /ifrw/ { if ($arg_a) { rewrite ^/ifrw/(.*)$ /show/$1; } return 200 "stays $uri"; }
        location /ifset/ { set $v 0; if ($arg_a) { set $v 1; } if ($v) { return 200 yes; } return 200 no; }
        location /ifret/ { if ($arg_a = 1) { return 403 one; } if ($arg_a = 2) { return 302 /two; } if ($arg_a = 3) { return 444; } return 200 none; }
        location /eq/ { set $w "a b"; if ($arg_a = "$w") { return 200 yes; } return 200 no; }
        location /eqvar/ { if ($arg_a = $arg_b) { return 200 same; } return 200 different; }
        location /emptyeq/ { if ($arg_a = "") { return 200 empty; } return 200 full; }
        location /unset/ { return 200 "[$unset]"; }
        location /unset2/ { uninitialized_variable_warn off; return 200 "[$unset]"; }
        location /never { set $unset x; }
        location /log/ { rewrite_log on; rewrite ^/nope /x; if ($arg_a ~ b) { } rewrite ^/log/(.*)$ /go/$1 redirect; }
        location /log2/ { rewrite_log on; rewrite ^/log2/(.*)$ /show/$1?c=d last; }
        location /file/ { if (-f $document_root/$arg_f) { return 200 f; } if (-d $document_root/$arg_f) { return 200 d; } if (!-e "$document_root/$arg_f") { return 200 none; } return 200 other; }
        location /half1/ { rewrite ^/half1/(.*)$ /x$uri$request_uri redirect; }
        location /grow/ { set $g "$uri$uri$uri$uri$uri$uri$uri$uri$uri$uri$uri";
            set $g "$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g";
            set $g "$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g";
            set $g "$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g$g";
            return 200 grown; }
        location /quote/ { return 200 'a "b" $uri'; }
        location /long/ { return 200 "$uri$uri$uri$uri$uri$uri$uri$uri$uri$uri$uri$uri$uri$uri$uri$uri$uri$uri$uri$uri"; }
        location ~ ^/re/(?<id>\d+)/(.*)$ { set $cap $2; rewrite ^/re/(\d+) /show/$1/$id/$cap last; }
        location /nested/ { set $n 1; location /nested/in/ { return 200 "[$n]"; } return 200 "<$n>"; }
        location /codes/ { return 200; }
        location /empty/ { rewrite ^ "$arg_none" last; }
        rewrite ^/once/(.*)$ /counted/$1;
        location /counted/ { set $times "${times}x"; add_header X-Times $times always; }
        location /again/ { set $times "${times}y"; rewrite ^/again/(.*)$ /counted/$1; }
        location ~ ^/esc1/(.*)$ { set $e "<$1>"; return 200 "$e$1"; }
        location ~ ^/esc2/(.*)$ { rewrite ^/esc2/(.*)$ /x/$1; set $e $1; return 200 $e; }
        location ~ ^/esc3/(.*)$ { if ($uri ~ ^/esc3/(.*)$) { set $e $1; } return 200 $e; }
        location ~ ^/esc4/(.*)$ { set $e $1; rewrite ^/esc4/(.*)$ /x/$1$e; return 200 "$uri"; }
        location ~ ^/esc5/(.*)$ { if ($arg_a = $1) { return 200 same; } return 200 differs; }
        location /code201 { return 201 "made"; }
        location /code204 { return 204 "gone"; }
        location /code301var { return 301 $arg_to; }
        location /code400 { return 400 "bad $arg_a"; }
        location /codeurl { return http://$host/x?y=$arg_a; }
    }
}
EOC

my $here = 'http://localhost:' . $t->port;
my @table = (
    '/toinside'              => 'inside /inside',
    '/inside'                => [404],
    '/q1/x'                  => '/show/x?a=x&b=c',
    '/q1/x?o=p'              => '/show/x?a=x&b=c&o=p',
    '/q1/a%20b%26c'          => '/show/a b&c?a=a%20b%26c&b=c',
    '/q1/a+b'                => '/show/a+b?a=a%2Bb&b=c',
    '/q1/a&b'                => '/show/a&b?a=a&b&b=c',
    '/q1/%3F%25'             => '/show/?%?a=%3F%25&b=c',
    '/q2/x'                  => '/show?x=x?y=x',
    '/q3/x?a=b'              => '/show?a=b&z=b',
    '/q4/x?a=b'              => '/show?a=b?',
    '/q4/x'                  => '/show?',
    '/break1/x'              => 'x',
    '/break2/x'              => [404],
    '/two/x?k=v'             => '/show/x?from=two2&k=v',
    '/groups/ac'             => '/show/[ac]?',
    '/groups/'               => '/show/[]?',
    '/ten/abcdefghij'        => '/show/iha0?',
    '/name/f/s'              => '/show/s-f-f?',
    '/set/'                  => 'locationserver',
    '/caps/ab?n=zq'          => 'baq q',
    '/caps/ab'               => 'ba ',
    '/keep/x?n=1'            => '',
    '/nogroup/x'             => '[]',
    '/ifrw/x?a=1'            => 'stays /show/x',
    '/ifrw/x'                => 'stays /ifrw/x',
    '/ifset/?a=1'            => 'yes',
    '/ifset/'                => 'no',
    '/ifret/?a=1'            => [403, 'one'],
    '/ifret/'                => 'none',
    '/eq/?a=a%20b'           => 'no',
    '/eqvar/?a=1&b=1'        => 'same',
    '/eqvar/'                => 'same',
    '/eqvar/?a=1'            => 'different',
    '/emptyeq/'              => 'empty',
    '/emptyeq/?a=1'          => 'full',
    '/unset/'                => '[]',
    '/unset2/'               => '[]',
    '/log2/x?a=b'            => '/show/x?c=d&a=b',
    '/file/?f=file'          => 'f',
    '/file/?f=dir'           => 'd',
    '/file/?f=nothing'       => 'none',
    '/quote/'                => 'a "b" /quote/',
    '/long/'                 => '/long/' x 20,
    '/re/12/rest'            => '/show/12/12/rest?',
    '/nested/in/'            => '[]',
    '/nested/'               => '<1>',
    '/codes/'                => [200, ''],
    '/empty/'                => [500],
    '/esc1/%20+'             => '<%20%2B> +',
    '/esc1/a&b'              => '<a&b>a&b',
    '/esc2/%20+'             => ' +',
    '/esc3/%20+'             => '%20%2B',
    '/esc4/%20+'             => '/x/ +%20%2B',
    '/esc5/%20+?a=%20%2B'    => 'same',
    '/esc5/x?a=x'            => 'same',
    '/code201'               => [201, 'made'],
    '/code204'               => [204, ''],
    '/code400?a=%20x'        => [400, 'bad %20x'],
);
$t->answers(@table);

my @redirects = (
    '/r1/a%20b?o=p'   => [302, "$here/new/a%20b?q=a%20b&o=p"],
    '/r1/%C3%A9'      => [302, "$here/new/%C3%A9?q=%C3%A9"],
    '/r1/a%2Fb'       => [302, "$here/new/a/b?q=a/b"],
    '/r1/%23'         => [302, "$here/new/%23?q=%23"],
    '/r1/%22%3C%3E'   => [302, "$here/new/%22<>?q=%22%3C%3E"],
    '/r1/%3Fx'        => [302, "$here/new/?x?q=%3Fx"],
    '/r1/%2B'         => [302, "$here/new/+?q=%2B"],
    '/r2/x?a=b%20c'   => [301, "$here/new?a=b%20c"],
    '/r3/a?b=c'       => [301, 'https://x.test/a?b=c'],
    '/r4/a'           => [302, "$here//r4/a"],
    '/r5/a?b=c'       => [302, 'http://x.test/?back=/r5/a?b=c'],
    '/r6/?u=%2Fx'     => [302, undef],
    '/half1/%25'      => [302, "$here/x/half1//half1/%25"],
    '/ifret/?a=2'     => [302, "$here/two"],
    '/code301var?to=/x%20y' => [301, "$here/x%20y"],
    '/codeurl?a=b'    => [302, 'http://localhost/x?y=b'],
);
while (my ($uri, $wanted) = splice @redirects, 0, 2) {
    my $r = $t->get($uri);
    is $r->status, $wanted->[0], $uri;
    is $r->header('Location'), $wanted->[1], "$uri: Location"
        if defined $wanted->[1];
}
is $t->get('/once/a')->header('X-Times'), 'x',
    'after a rewrite in the server a location is run once';
is $t->get('/again/a')->header('X-Times'), 'yx', '... and in a location, too';
is $t->get('/bare?a=1', port => 'own')->body, 'a',
    'a location without rules does not run those of its server';
is $t->get('/except?a=1', port => 'own')->body, 'a',
    'limit_except does not run those of its location';
is $t->get('/ifret/?a=3')->raw, '', 'return 444 in if';

# ---- the log ----

ok $t->wait_log(qr{\[warn\] .* using uninitialized "unset" variable, client: 127\.0\.0\.1, server: , request: "GET /unset/ HTTP/1\.1", host: "localhost"$}),
    'an uninitialized variable';
ok !grep({ /uninitialized.*unset2/ } $t->log('error.log')),
    'uninitialized_variable_warn off';
ok $t->wait_log(qr{\[error\] .* the rewritten URI has a zero length, client:}),
    'an empty URI';
$t->get('/log/x?a=b');
ok $t->wait_log(qr{\[notice\] .* "\^/nope" does not match "/log/x", client:}),
    'rewrite_log: no match';
ok $t->wait_log(qr{\[notice\] .* "b" matches "b", client:}),
    'rewrite_log: a condition';
ok $t->wait_log(qr{\[notice\] .* rewritten redirect: "/go/x\?a=b", client:}),
    'rewrite_log: a redirect';
ok $t->wait_log(qr{\[notice\] .* rewritten data: "/show/x", args: "c=d&a=b", client:}),
    'rewrite_log: the result';

SKIP: {
    skip 'limits of weir', 2 if is_oracle();
    is $t->get('/grow/' . 'x' x 100)->status, 500, 'a text that grows too long';
    ok $t->wait_log(qr{\[error\] .* rewrite rules made a text of \d+ bytes,}),
        '... is told';
}

# ---- what is refused ----

my @errors = (
    'rewrite ^ "";' => 'empty replacement in F:3',
    'rewrite ^ /x foo;' => 'invalid parameter "foo" in F:3',
    'rewrite ^ "/$";' => 'invalid variable name in F:3',
    'rewrite ^(a)(b /x;' => 'pcre2_compile() failed: missing closing '
        . 'parenthesis in "^(a)(b" in F:3',
    'rewrite "^(?<uri>.)" /x;' => 'the duplicate "uri" variable in F:3',
    'return 1000;' => 'invalid return code "1000" in F:3',
    'return -1;' => 'invalid return code "-1" in F:3',
    'return /x;' => 'invalid return code "/x" in F:3',
    'return;' => 'invalid number of arguments in "return" directive in F:3',
    'set $ x;' => 'invalid variable name "$" in F:3',
    'set x y;' => 'invalid variable name "x" in F:3',
    'set $host y;' => 'the duplicate "host" variable in F:3',
    'set $a $b;' => 'unknown "b" variable',
    'break x;' => 'invalid number of arguments in "break" directive in F:3',
    'if ($a { }' => 'invalid condition "$a" in F:3',
    'if () { }' => 'invalid condition ")" in F:3',
    'if ( ) { }' => 'invalid condition ")" in F:3',
    'if ($a b) { }' => 'invalid condition "$a" in F:3',
    'if ($a = b c) { }' => 'invalid condition "$a" in F:3',
    'if ($a < b) { }' => 'unexpected "<" in condition in F:3',
    'if (-f) { }' => 'invalid condition "-f" in F:3',
    'if (-z x) { }' => 'invalid condition "-z" in F:3',
    'if (!-z x) { }' => 'invalid condition "!-z" in F:3',
    'if (abc) { }' => 'invalid condition "abc" in F:3',
    'if ($) { }' => 'invalid condition "$" in F:3',
    'if ($host ~ "(") { }' => 'pcre2_compile() failed: missing closing '
        . 'parenthesis in "(" in F:3',
    'if ($host) { if ($host) { } }' => '"if" directive is not allowed here in F:3',
    'if ($host) { listen 80; }' => '"listen" directive is not allowed here in F:3',
);
while (my ($line, $wanted) = splice @errors, 0, 2) {
    is conf_test("events {}\nhttp { server {\n$line\n} }\n")->{first}, $wanted,
        $line;
}

done_testing;
