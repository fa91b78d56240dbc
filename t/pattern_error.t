# SPDX-License-Identifier: BSD-2-Clause
#
# Matches that end in an error (a limit is reached, a subject is no UTF-8):
# they say neither yes nor no, so nothing may follow from them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
$t->expect_log(qr/pcre2_match\(\) failed: -\d+ on /);
$t->write('html/f', 'file');
$t->write('html/page', 'error page');
$t->write('users', "u:{PLAIN}p\n");
$t->run(<<'EOC');
%%HTTP%%
    default_type text/plain;
    map $arg_s $slow { ~^(a+)+$ yes; default no; }
    map $arg_s $denied { ~^(a+)+$ 1; default 0; }
    map $arg_s $again { volatile; ~^(a+)+$ 1; default 0; }
    map $arg_s $realm { ~^(a+)+$ area; default off; }
    map $slow $second { yes 1; default 0; }
    map $arg_u $utf { "~(*UTF8)^secret" 1; default 0; }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name localhost;
        root %%TESTDIR%%/html;

        location /l/ { return 200 prefix; }
        location ~ ^/l/(a+)+$ { return 403; }
        location ~ ^/l/ { return 200 weaker; }
        location /u/ { location ~ "(*UTF8)^/u/se" { deny all; } return 200 open; }
        location ^~ /c/ { return 200 caret; }

        location /if { if ($arg_s ~ ^(a+)+$) { return 403; } return 200 open; }
        location /ifnot { if ($arg_s !~ ^(a+)+$) { return 200 open; } return 403; }
        location /rw { rewrite ^/rw(a+)+$ /no last; return 200 open; }

        location /map { if ($denied) { return 403; } return 200 open; }
        location /volatile { if ($again) { return 403; } return 200 open; }
        location /second { if ($second) { return 403; } return 200 open; }
        location /equal { if ($slow = yes) { return 403; } return 200 open; }
        location /set { set $x "<$slow>"; return 200 open; }
        location /text { return 200 "<$slow>"; }
        location /to { return 302 /$slow; }
        location /rewritten { rewrite ^ /x/$slow? last; }
        location /x/ { return 200 x; }
        location /auth { auth_basic $realm;
            auth_basic_user_file %%TESTDIR%%/users; try_files /f =404; }
        location /root { root %%TESTDIR%%/$slow; try_files /f =404; }
        location ~ ^/alias { alias %%TESTDIR%%/html/f$slow; }
        location /tries { try_files /$slow /f; }
        location /index/ { alias %%TESTDIR%%/html/; index $slow f; }
        location /pass { proxy_pass http://127.0.0.1:%%PORT_up%%/$slow; }
        location /field { proxy_set_header X-User $slow;
            proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location /header { add_header X-Slow $slow; try_files /f =404; }
        location /own { error_page 500 /page; if ($denied) { return 403; }
            return 200 open; }
        location = /page { internal; }
        location /utf { if ($utf) { return 403; } return 200 open; }

        location /referer { valid_referers ~^(a+)+$;
            if ($invalid_referer) { return 403; } return 200 open; }
        location /names { valid_referers server_names x.example;
            if ($invalid_referer) { return 403; } return 200 open; }
    }
    server { listen 127.0.0.1:%%PORT_up%%;
        return 200 "up $request_uri $http_x_user"; }
    server { listen 127.0.0.1:%%PORT_n%%; return 200 default; }
    server { listen 127.0.0.1:%%PORT_n%%; server_name ~^(a+)+$;
        location / { return 200 guarded; }
        location /names { valid_referers server_names x.example;
            if ($invalid_referer) { return 403; } return 200 open; } }
    server { listen 127.0.0.1:%%PORT_utf%%; return 200 default; }
    server { listen 127.0.0.1:%%PORT_utf%%; server_name "~(*UTF8)^secret";
        return 200 guarded; }
    server { listen 127.0.0.1:%%PORT_gz%%; gzip on; gzip_min_length 1;
        gzip_types text/plain; gzip_disable ^(a+)+$;
        location / { root %%TESTDIR%%/html; } }
}
EOC

my $bad = 'a' x 40 . 'b';
my @table = (
    # the request          a match  none     an error
    ['/l/%s',              403,     200,     500],
    ['/if?s=%s',           403,     200,     500],
    ['/ifnot?s=%s',        403,     200,     500],
    ['/rw%s',              404,     200,     500],
);
my @beyond = (
    ['/map?s=%s',          403,     200,     500],
    ['/volatile?s=%s',     403,     200,     500],
    ['/second?s=%s',       403,     200,     500],
    ['/equal?s=%s',        403,     200,     500],
    ['/set?s=%s',          200,     200,     500],
    ['/text?s=%s',         200,     200,     500],
    ['/to?s=%s',           302,     302,     500],
    ['/rewritten?s=%s',    200,     200,     500],
    ['/auth?s=%s',         401,     200,     401],
    ['/root?s=%s',         404,     404,     500],
    ['/alias?s=%s',        404,     404,     500],
    ['/tries?s=%s',        200,     200,     500],
    ['/index/?s=%s',       200,     200,     500],
    ['/pass?s=%s',         200,     200,     500],
    ['/field?s=%s',        200,     200,     500],
    ['/header?s=%s',       200,     200,     200],
    ['/own?s=%s',          403,     200,     500],
);

sub statuses {
    my ($row, %opt) = @_;
    my ($uri, @wanted) = @$row;
    my @got = map { $t->get(sprintf($uri, $_), %opt)->status }
        'aaa', 'bbb', $bad;

    is "@got", "@wanted", $uri;
}

statuses($_) for @table;
is $t->get('/u/secret')->status, 403, 'UTF-8 that matches';
is $t->get("/u/$_")->status, 500, "a location and $_" for qw(%FF x%C3);
is $t->get("/c/%FF")->status, 200, 'where no expression is tried';
is $t->get('/l/' . 'a' x 40 . '/../x')->body, 'weaker', 'another URI';
ok $t->wait_log(qr{\[alert\] .*\Qpcre2_match() failed: -47 on "/l/$bad" using }
                . qr{\Q"^/l/(a+)+\E}), 'the log';

SKIP: {
    skip 'nginx goes on', 38 if is_oracle;
    statuses($_) for @beyond;
    is $t->get("/own?s=$bad")->body, 'error page', 'its error page';
    is $t->get("/map?s=$bad&x", close => 1)->header('Connection'), 'close',
        'the client may ask again';
    is $t->get('/utf?u=secret')->status, 403, 'a map and UTF-8';
    is $t->get("/utf?u=\xff")->status, 500, 'and what is none';

    for my $who ('aaa', 'bbb', $bad) {
        my $status = { aaa => 200, bbb => 403 }->{$who} // 500;

        is $t->get('/referer', headers => [Referer => "http://$who/x"])
            ->status, $who eq $bad ? 500 : 403, "valid_referers: $who";
        is $t->get('/names', port => 'n', host => 'aaa',
            headers => [Referer => "http://$who/x"])->status, $status,
            "valid_referers server_names: $who";
        my $r = $t->get('/', port => 'n', host => $who);
        is $r->status, $who eq $bad ? 500 : 200, "server_name: $who";
        $r = $t->get("http://$who/", port => 'n', host => 'x');
        is $r->status, $who eq $bad ? 500 : 200, "in the request line: $who";
    }
    my $r = $t->get('/', port => 'n', host => $bad);
    is $r->header('Connection'), 'close', 'nothing follows it';
    isnt $t->get('/', port => 'utf', host => "\xff")->status, 200,
        'server_name and what is no UTF-8';
    is $t->get('/', port => 'utf', host => 'secret')->body, 'guarded',
        'and what is';
    is $t->get("/auth?s=$bad", headers => [Authorization => 'Basic dTpw'])
        ->status, 500, 'with the right password, too';
}
is $t->get('/f', port => 'gz', headers => ['Accept-Encoding' => 'gzip',
    'User-Agent' => $bad])->header('Content-Encoding'), undef,
    'gzip_disable: not compressed then';

done_testing;
