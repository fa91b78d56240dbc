# SPDX-License-Identifier: BSD-2-Clause
#
# userid and its kin; $uid_got, $uid_set, $uid_reset.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64;
use Weir::Test;

need_module('http_userid', 'http_rewrite');

my $t = Weir::Test->new;
$t->write('html/in', 'in');
$t->run(<<'EOC');
%%HTTP%%
    log_format ids '$uri got=$uid_got set=$uid_set';
    access_log %%TESTDIR%%/ids.log ids;
    root %%TESTDIR%%/html;
    add_header X-Got "$uid_got"; add_header X-Set "$uid_set";
    server {
        listen 127.0.0.1:%%PORT%%;
        userid on; userid_service 258;
        location / { return 204; }
        location /off { userid off; return 204; }
        location /log { userid log; return 204; }
        location /v1 { userid v1; return 204; }
        location /name { userid_name visitor; return 204; }
        location /full {
            userid_name u; userid_domain .example.com; userid_path /x;
            userid_expires max; userid_p3p 'policyref="/p"'; userid_mark m;
            userid_flags secure httponly samesite=strict;
            return 204;
            location /full/none {
                userid_domain none; userid_p3p none; userid_expires off;
                userid_mark off; userid_flags off; return 204; } }
        location /expires { userid_expires 1d; return 204; }
        location /late { userid_expires 20y; return 204; }
        location /lax { userid_flags httponly samesite=lax; return 204; }
        location /none { userid_flags samesite=none; return 204; }
        location /mark { userid_mark =; return 204; }
        location /markz { userid_mark z; return 204; }
        location /reset { set $uid_reset $arg_r; return 204; }
        location /error { return 404; }
        location /internal { set $before $uid_set; rewrite ^ /in break;
            add_header X-Before $before; add_header X-Set $uid_set; }
    }
    server {
        listen 127.0.0.1:%%PORT_address%%;
        userid on;
        location / { return 204; }
        location /v1 { userid v1; return 204; }
    }
    server {
        listen unix:%%TESTDIR%%/sock;
        userid on; return 204;
    }
}
EOC

sub words { unpack 'N4', decode_base64($_[0]) }
sub native { unpack 'L4', decode_base64($_[0]) }
sub text { join '', map { sprintf '%08X', $_ } native($_[0]) }

# cookie(response): the value and what follows it.
sub cookie {
    my ($r) = @_;

    return ($r->header('Set-Cookie') // '') =~ /^(\w+)=([^;]*)(.*)/
        ? ($1, $2, $3) : ();
}

sub with {
    my ($uri, $cookie, %opt) = @_;

    return $t->get($uri, headers => [ Cookie => $cookie ], %opt);
}

# ---- new ones ----

my $before = time;
my $r = $t->get('/');
my ($name, $id, $rest) = cookie($r);
my @w = words($id);
is $name, 'uid', 'name';
like $id, qr{^[\w+/]{22}==$}, 'base64';
is $rest, '; path=/', 'attributes';
is $w[0], 258, 'service';
cmp_ok abs($w[1] - $before), '<', 5, 'time';
my ($worker) = $t->worker_pids;
is $w[2] & 0xffff, $worker & 0xffff, 'process';
is $w[3], 0x03030302, 'first number';
is $r->header('X-Got') // '', '', 'nothing came';
is +($r->header('X-Set')), 'uid=' . text($id), '$uid_set';
my @next = words((cookie($t->get('/')))[1]);
is $next[3], 0x03030402, 'next number';
is $next[2], $w[2], 'same process';

my ($v1) = (cookie($t->get('/v1')))[1];
@w = native($v1);
is $w[0], 258, 'v1: service';
cmp_ok abs($w[1] - $before), '<', 5, 'v1: time';
is $w[2] & 0xffff, $worker & 0xffff, 'v1: process';
is $w[3], 1, 'v1: first number';
is +(native((cookie($t->get('/v1')))[1]))[3], 0x101, 'v1: next number';

is +(words((cookie($t->get('/', port => 'address')))[1]))[0], 0x7f000001,
    'address of the server';
is +(native((cookie($t->get('/v1', port => 'address')))[1]))[0], 0,
    'v1: no address';
is +(words((cookie($t->get('/', unix => 'sock')))[1]))[0], 0, 'unix: no address';

is cookie($t->get('/off')), undef, 'off';
$r = $t->get('/log');
is cookie($r), undef, 'log';
is $r->header('X-Set') // '', '', 'log: not set';
is +(cookie($t->get('/name')))[0], 'visitor', 'userid_name';
isnt cookie($t->get('/error')), undef, 'with errors too';
isnt cookie($t->head('/')), undef, 'HEAD';

# ---- attributes ----

$r = $t->get('/full');
is +($r->header('Set-Cookie') =~ s/=.{22}/=ID/r),
    'u=IDm=; expires=Thu, 31-Dec-37 23:55:55 GMT; domain=.example.com'
    . '; path=/x; secure; httponly; samesite=strict', 'all attributes';
is $r->header('P3P'), 'policyref="/p"', 'P3P';
$r = $t->get('/full/none');
is +($r->header('Set-Cookie') =~ s/=.{22}/=ID/r), 'u=ID==; path=/x',
    'none of them';
is $r->header('P3P'), undef, 'no P3P';
my @months = qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec);
my @days = qw(Sun Mon Tue Wed Thu Fri Sat);
my @at = gmtime(time + 86400);
like +(cookie($t->get('/expires')))[2],
    qr/^; expires=\w{3}, \d\d-$months[$at[4]]-@{[ sprintf '%02d', $at[5] - 100 ]} \d\d:\d\d:\d\d GMT; path/,
    'userid_expires';
like +(cookie($t->get('/late')))[2], qr/expires=\w{3}, \d\d-\w{3}-20\d\d /,
    'after 2037';
is +(cookie($t->get('/lax')))[2], '; path=/; httponly; samesite=lax', 'lax';
is +(cookie($t->get('/none')))[2], '; path=/; samesite=none', 'none';

# ---- those that come ----

$r = with('/', "uid=$id");
is cookie($r), undef, 'known: no cookie';
is $r->header('X-Got'), 'uid=' . text($id), '$uid_got';
is $r->header('X-Set') // '', '', 'not set';
is with('/log', "uid=$id")->header('X-Got'), 'uid=' . text($id), 'log: got';
is with('/off', "uid=$id")->header('X-Got') // '', '', 'off: not got';
is with('/', "a=b; uid=$id; c=d")->header('X-Got'), 'uid=' . text($id),
    'among others';
is with('/', "UID=$id")->header('X-Got'), 'uid=' . text($id), 'case';
is with('/', "xuid=$id")->header('X-Got') // '', '', 'another name';
is with('/name', "visitor=$id")->header('X-Got'), 'visitor=' . text($id),
    'name of the cookie';
is with('/', 'uid=' . substr $id, 0, 22)->header('X-Got'), 'uid=' . text($id),
    'without padding';
is with('/', "uid=$id" . 'junk')->header('X-Got'), 'uid=' . text($id),
    'what follows is left out';

$r = with('/', 'uid=short');
isnt cookie($r), undef, 'too short: a new one';
like $t->wait_log(qr/too short userid/),
    qr/\[error\] .*client sent too short userid cookie "uid=short", client: /,
    'logged';
$r = with('/', 'uid=' . '!' x 24);
isnt cookie($r), undef, 'no base64: a new one';
ok $t->wait_log(qr/client sent invalid userid cookie "uid=!{24}", client: /),
    'logged';
isnt cookie(with('/', 'uid=' . 'A' x 22)), undef, 'zeroes: a new one';
isnt cookie(with('/', 'uid=AAAA' . '=' x 20)), undef, 'cut: a new one';

# ---- mark ----

my $core = substr $id, 0, 22;
is +(cookie(with('/markz', "uid=$id")))[1], "${core}z=", 'mark is added';
is cookie(with('/markz', "uid=${core}z=")), undef, 'mark is there';
is +(cookie(with('/markz', "uid=${core}y=")))[1], "${core}z=", 'another mark';
is +(cookie(with('/markz', "uid=${core}z")))[1], "${core}z=", 'cut mark';
is +(cookie(with('/markz', "uid=${core}z!")))[1], "${core}z=", 'bad end';
is cookie(with('/mark', "uid=$id")), undef, 'mark "="';
is +(cookie(with('/mark', "uid=${core}z=")))[1], "$core==", 'mark "=" added';
is with('/markz', "uid=$id")->header('X-Set'), 'uid=' . text($id),
    'mark: $uid_set';
my $odd = 'ABCDEFGHIJKLMNOPQRSTUV';
is +(cookie(with('/markz', "uid=$odd==")))[1], "${odd}z=",
    'the bits at the end are kept';

# ---- reset ----

for my $v ('', '0') {
    is cookie(with("/reset?r=$v", "uid=$id")), undef, "reset \"$v\"";
}
$r = with('/reset?r=1', "uid=$id");
my $fresh = (cookie($r))[1];
isnt $fresh // $id, $id, 'reset: a new one';
is $r->header('X-Set'), 'uid=' . text($fresh), 'reset: set';
is $r->header('X-Got'), 'uid=' . text($id), 'reset: got';
is +(grep { /was reset/ } $t->log), 0, 'not logged';
with('/reset?r=log', "uid=$id");
my $want = 'uid=' . text($id);
ok $t->wait_log(qr/\[notice\] .*userid cookie "$want" was reset, client: /),
    'reset: logged';
isnt cookie($t->get('/reset?r=log')), undef, 'reset without a cookie';

# ---- once for a request ----

$r = $t->get('/internal');
is $r->header('X-Before'), $r->header('X-Set'), 'one for the request';
is $r->header('X-Set'), 'uid=' . text((cookie($r))[1]), 'and that is sent';
ok $t->wait_log(qr{^/in got=- set=\Q${\ $r->header('X-Set') }\E$}, 'ids.log'),
    'access log';

# ---- messages ----

sub first { return conf_test("events {}\nhttp {\n$_[0]\n}\n")->{first} }

my $mark = '"userid_mark" directive value must be "off" or a single letter, '
    . 'digit or "=" in F:3';
my @table = (
    'userid maybe;' => 'invalid value "maybe" in F:3',
    'userid on; userid on;' => '"userid" directive is duplicate in F:3',
    'userid_mark ab;' => $mark, 'userid_mark _;' => $mark,
    'userid_mark "";' => $mark, 'userid_mark on;' => $mark,
    'userid_expires x;' => '"userid_expires" directive invalid value in F:3',
    'userid_expires -1;' => '"userid_expires" directive invalid value in F:3',
    'userid_flags x;' => 'invalid value "x" in F:3',
    'userid_flags secure secure;' => 'duplicate value "secure" in F:3',
    'userid_flags samesite=lax samesite=none;' =>
        'duplicate value "samesite=none" in F:3',
    'userid_service x;' => '"userid_service" directive invalid number in F:3',
    'userid_service -1;' => '"userid_service" directive invalid number in F:3',
    'userid_service 4294967296; userid_mark 9; userid_flags off secure;' =>
        'the configuration file F syntax is ok',
    'userid_domain none; userid_domain a;' =>
        '"userid_domain" directive is duplicate in F:3',
    'server { if ($args) { userid on; } }' =>
        '"userid" directive is not allowed here in F:3',
);
while (my ($text, $message) = splice @table, 0, 2) {
    is first($text), $message, $text;
}

done_testing;
