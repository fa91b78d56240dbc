# SPDX-License-Identifier: BSD-2-Clause
#
# proxy_pass: its forms, what is asked of the upstream, mistakes in it, and
# the log lines that tell of trouble on the way.  (t/truth has more URIs.)

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
my $answer = sub {
    my ($request) = @_;
    my $reply = $request->header('X-Reply');

    if (defined $reply) {
        $reply =~ s/\\r\\n/\r\n/g;
        $reply =~ s/\{(.)\*(\d+)\}/$1 x $2/e;
        return $reply;
    }
    my $text = join '|', $request->method, $request->uri,
        $request->header('Host') // '';
    return "HTTP/1.1 200 OK\r\nContent-Length: " . length($text)
        . "\r\n\r\n$text";
};
my $backend = Weir::Backend->http($answer);
my $unix = Weir::Backend->http($answer, unix => $t->path('up.sock'));
my $up = $backend->port;
my $dead = $t->port('dead');

$t->run(<<"EOC");
%%HTTP%%
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    upstream group { server 127.0.0.1:$up; }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name a.test;
        location / { proxy_pass http://127.0.0.1:$up; }
        location /slash/ { proxy_pass http://127.0.0.1:$up/; }
        location /sub/ { proxy_pass HTTP://127.0.0.1:$up/other/; }
        location = /exact { proxy_pass http://127.0.0.1:$up/target; }
        location /unix/ { proxy_pass http://unix:%%TESTDIR%%/up.sock:/u/; }
        location /unixplain/ { proxy_pass http://unix:%%TESTDIR%%/up.sock; }
        location /group/ { proxy_pass http://group; }
        location /var/ { proxy_pass http://127.0.0.1:\$arg_port\$arg_uri; }
        location /vargroup/ { proxy_pass http://\$arg_to; }
        location /varunix/ {
            proxy_pass http://unix:%%TESTDIR%%/\$arg_to.sock:/v; }
        location /varnone/ { proxy_pass \$arg_to; }
        location ~ ^/re/(.*) { proxy_pass http://127.0.0.1:$up/x/\$1; }
        location /break/ { rewrite ^/break/(.*) /new/\$1 break;
                           proxy_pass http://127.0.0.1:$up/gone/; }
        location /if/ { if (\$arg_p) { proxy_pass http://group; } }
        location /outer/ { proxy_pass http://127.0.0.1:$up/o/;
            location /outer/plain { return 200 plain; }
            if (\$arg_x) { add_header X-If yes; } }
        location /limit/ { return 200 inside;
            limit_except GET { proxy_pass http://group; } }
        location /method/ { proxy_pass http://group; proxy_method \$arg_m; }
        location /ten/ { proxy_pass http://group; proxy_http_version 1.0; }
        location /dead { proxy_pass http://127.0.0.1:$dead; }
        location /nosocket { proxy_pass http://unix:%%TESTDIR%%/none.sock:/x; }
    }
}
EOC

# ---- what is asked ----

my $here = "127.0.0.1:$up";
$t->answers(
    '/a%2Fb/../c?x=1' => "GET|/a%2Fb/../c?x=1|$here",
    '/slash/a?b' => "GET|/a?b|$here",
    '/sub/a%20b' => "GET|/other/a%20b|$here",
    '/exact?q' => "GET|/target?q|$here",
    '/unix/a' => 'GET|/u/a|localhost',
    '/unixplain/a' => 'GET|/unixplain/a|localhost',
    '/group/a' => 'GET|/group/a|group',
    "/var/a?port=$up" => "GET|/var/a?port=$up|$here",
    "/var/a?port=$up&uri=/z" => "GET|/z|$here",
    '/vargroup/a?to=group' => 'GET|/vargroup/a?to=group|group',
    "/vargroup/a?to=$here/b" => "GET|/b|$here",
    '/varunix/a?to=up' => 'GET|/v|localhost',
    '/re/a%20b' => "GET|/x/a b|$here",
    '/break/a' => "GET|/new/a|$here",
    '/if/a?p=1' => 'GET|/if/a?p=1|group',
    '/outer/a' => "GET|/o/a|$here",
    '/outer/plain' => 'plain',
    '/outer/a?x=1' => "GET|/o/a?x=1|$here",
    '/limit/a' => 'inside',
    '/method/a?m=FETCH' => 'FETCH|/method/a?m=FETCH|group',
    '/ten/a' => 'GET|/ten/a|group',
);
# A target in absolute-form may lack the path.
for my $to ('http://a.test?x', 'http://a.test:80?x=/../y', 'HTTP://a.test?') {
    my ($args) = $to =~ /(\?.*)/;

    $args = '' if $args eq '?';
    is $t->raw("GET $to HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
        ->body, "GET|/$args|$here", "absolute: $to";
}
is $t->post('/limit/a', '')->body, 'POST|/limit/a|group', 'limit_except';
is $t->get('/slash?q')->status, 301, 'a slash is missing';
like $t->get('/slash?q')->header('Location'), qr{/slash/\?q$}, 'where to';

# ---- trouble ----

my $tail = qr/, client: 127\.0\.0\.1, server: a\.test, request: "GET /;

sub trouble {
    my ($uri, $status, $log, @opt) = @_;

    is $t->get($uri, @opt)->status, $status, "$uri: $status";
    ok $t->wait_log($log), "$uri: told" or Test::More::diag($t->log);
}

trouble('/dead?x=1', 502,
    qr{\[error\] .*: \*\d+ connect\(\) failed \(111: Connection refused\) while connecting to upstream$tail/dead\?x=1 HTTP/1.1", upstream: "http://127\.0\.0\.1:$dead/dead\?x=1", host: "localhost"});
trouble('/nosocket', 502,
    qr{\[crit\] .* connect\(\) to unix:\S+/none\.sock failed \(2: No such file or directory\) while connecting to upstream.* upstream: "http://unix:\S+none\.sock:/x"});
trouble('/varnone/x?to=ftp', 500, qr/invalid URL prefix in "ftp"/);
trouble('/vargroup/x', 500, qr/invalid URL prefix in "http:\/\/"/);
trouble('/vargroup/x?to=no.test', 502, qr/no resolver defined to resolve no\.test/);
trouble('/vargroup/x?to=1.2.3.4:99999', 500,
    qr/invalid port in upstream "1\.2\.3\.4:99999"/);

sub reply { return (headers => ['X-Reply', $_[0]]) }

my $reading = qr/while reading response header from upstream$tail/;
trouble('/r1', 502, qr/upstream sent invalid header: "Bad\\x20\.\.\." $reading/,
        reply('HTTP/1.1 200 OK\r\nBad Header: x\r\n\r\n'))
    if version_at_least('1.23.0');
trouble('/r2', 502, qr/upstream sent too big header $reading/,
        reply('HTTP/1.1 200 OK\r\nX: {a*70000}\r\n\r\n'));
SKIP: {
    skip_before '1.25.4', 'lengths are not judged', 8;
    trouble('/r3', 502,
        qr/upstream sent duplicate header line: "Content-Length: 2", previous value: "Content-Length: 1" $reading/,
        reply('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'));
    trouble('/r4', 502, qr/upstream sent invalid "Content-Length" header: /,
        reply('HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nab'));
    trouble('/r5', 502, qr/upstream sent unknown "Transfer-Encoding": "gzip"/,
        reply('HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nab'));
    trouble('/r6', 502,
        qr/upstream sent "Content-Length" and "Transfer-Encoding" headers at the same time|upstream sent "Transfer-Encoding"/,
        reply('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nab'));
}

$t->expect_log(qr/none\.sock failed/);

# ---- configurations ----

sub location {
    my ($text, $name) = @_;

    return conf_test("%%GLOBALS%% events {} http { %%GLOBALS_HTTP%%\n"
        . 'upstream u { server 127.0.0.1; } server { '
        . "listen 127.0.0.1:%%PORT%%;\nlocation " . ($name // '/')
        . " {\n$text\n} } }")->{first};
}

my %wrong = (
    'proxy_pass 127.0.0.1;' => qr/invalid URL prefix in F:/,
    'proxy_pass http://127.0.0.1:0;' =>
        qr/invalid port in upstream "127\.0\.0\.1:0" in F:/,
    'proxy_pass http://;' => qr/no host in upstream "" in F:|invalid host/,
    'proxy_pass http://u:81;' => qr/upstream "u" may not have port 81 in F:/,
    'proxy_pass http://unix:;' =>
        qr/no path in the unix domain socket in upstream "unix:" in F:/,
    'proxy_pass http://u; proxy_pass http://u;' =>
        qr/"proxy_pass" directive is duplicate in F:/,
    'proxy_pass http://$host; proxy_redirect default;' =>
        qr/"proxy_redirect default" cannot be used with "proxy_pass" directive with variables in F:/,
    'proxy_redirect default; proxy_pass http://u;' =>
        qr/"proxy_redirect default" should be placed after the "proxy_pass" directive in F:/,
    'proxy_next_upstream foo;' => qr/invalid value "foo" in F:/,
    'proxy_buffer_size 64k; proxy_buffers 2 4k; proxy_pass http://u;' =>
        qr/"proxy_busy_buffers_size" must be less than the size of all "proxy_buffers" minus one buffer in F:/,
    'proxy_buffers 1 64k; proxy_pass http://u;' =>
        qr/there must be at least 2 "proxy_buffers" in F:/,
    'proxy_http_version 3;' => qr/invalid value "3" in F:/,
);
for my $text (sort keys %wrong) {
    like location($text), $wrong{$text}, $text;
}
like location('proxy_pass http://u/b;', '~ ^/a'),
    qr/"proxy_pass" cannot have URI part in location given by regular expression, or inside named location, or inside "if" statement, or inside "limit_except" block in F:/,
    'a URI under a pattern';
like location('proxy_pass http://u/b;', '@a'), qr/cannot have URI part/,
    'a URI in a named location';
like location('if ($arg_a) { proxy_pass http://u/b; }'),
    qr/cannot have URI part/, 'a URI in an if';

# What http{} says counts where a server takes it over.
my $size = 'proxy_buffer_size 64k;';
my $place = 'location / { proxy_pass http://127.0.0.1:9; }';
like conf_test("%%GLOBALS%% events {} http { %%GLOBALS_HTTP%% proxy_buffer_size 1m;"
    . " server { listen 127.0.0.1:%%PORT%%; } }")->{first},
    qr/"proxy_busy_buffers_size" must be less than/, 'buffers of http';
is conf_test("%%GLOBALS%% events {} http { %%GLOBALS_HTTP%% $size server {"
    . " listen 127.0.0.1:%%PORT%%; proxy_buffers 4 256k;"
    . " proxy_busy_buffers_size 512k; $place } }")->{code}, 0,
    '... that the only server makes good';

done_testing;
