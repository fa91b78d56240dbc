# SPDX-License-Identifier: BSD-2-Clause
#
# error_log at level debug: what rewriting did, in every build, and in a build
# --with-debug the way of a request through locations, phases and upstreams, in
# the words that people look for in nginx's log.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my (undef, undef, $version) = run_binary('-V');
my $has_lines = $version =~ /--with-debug/;

my $backend = Weir::Backend->http(sub {
    return "HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nX-Up: a\r\n\r\nup";
});
my $up = $backend->port;

my $t = Weir::Test->new;
$t->write('www/a.txt', 'a');
$t->run(<<"EOC");
%%HTTP%%
    error_log %%TESTDIR%%/debug.log debug;
    root %%TESTDIR%%/www;
    map \$arg_m \$mapped { default d; x y; }
    upstream grp { server 127.0.0.1:%%PORT_nobody%% max_fails=0;
                   server 127.0.0.1:$up backup; }
    server {
        listen 127.0.0.1:%%PORT%%;
        set_real_ip_from 127.0.0.2;
        location / { allow all; }
        location = /eq { return 200 eq; }
        location /im { location ~ \\.gif\$ { return 204; }
                       location /im/x { return 204; } }
        location ~* \\.php\$ { return 403; }
        location /rw { rewrite ^/no ^; rewrite ^/rw/(.*)\$ /st/\$1?z=1 last; }
        location ^~ /st/ { return 200 \$mapped; }
        location /if { set \$x a\$arg_a; if (\$x = ab) { return 205; }
                       if (\$arg_a ~ ^c) { return 206; } return 207; }
        location /px/ { proxy_pass http://grp/; proxy_set_header X-A \$arg_a; }
        location /tn { try_files \$uri \@named; }
        location \@named { return 200 named; }
        location /page { error_page 404 /st/e; }
        location /quiet { error_log %%TESTDIR%%/quiet.log info;
                          rewrite ^ /st/q; }
    }
}
EOC

# The lines that a request adds, without date and process; context stays.
my $seen = 0;

sub lines_of {
    my (@request) = @_;
    # The end of the request before may come late.
    my $end = $has_lines ? qr/http request line.*http log handler/s
                         : qr/rewritten data/;
    my @lines;

    $t->get(@request);
    for (1 .. 100) {
        @lines = $t->log('debug.log');
        @lines = splice @lines, $seen;
        last if join("\n", @lines) =~ $end;
        select undef, undef, undef, 0.05;
    }
    $seen += @lines;
    s/^\S+ \S+ \[(\w+)\] \d+#\d+: (\*\d+ )?/$1 / for @lines;
    return @lines;
}

# in_order($name, \@lines, @wanted): each is there, in this order.
sub in_order {
    my ($name, $lines, @wanted) = @_;
    my $all = join "\n", @$lines;
    my $at = 0;
    for my $text (@wanted) {
        my $found = index $all, $text, $at;

        ok $found >= 0, "$name: $text" or diag $all;
        $at = $found + length $text if $found >= 0;
    }
}

# ---- in every build ----

my @lines = lines_of('/rw/zz');
in_order('rewriting', \@lines,
    'notice "^/no" does not match "/rw/zz", client: 127.0.0.1, ',
    'notice "^/rw/(.*)$" matches "/rw/zz", client: 127.0.0.1, ',
    'notice rewritten data: "/st/zz", args: "z=1", client: 127.0.0.1, ');
$t->get('/quiet');
unlike $t->read('quiet.log'), qr/rewritten|matches/,
    'another level says nothing of it';

if (!$has_lines) {
    is scalar(grep(/^debug /, @lines)), 0, 'no line of level debug';
    done_testing;
    exit;
}

# ---- in a build --with-debug ----

in_order('a rewrite', \@lines, 'debug http request line: "GET /rw/zz HTTP/1.1"',
    'debug http uri: "/rw/zz"', 'debug http args: ""',
    'debug http header: "Host: ', 'debug http header done',
    'debug rewrite phase: ', 'debug test location: ',
    'debug test location: ~ "\.php$"', 'debug using configuration "/rw"',
    'debug http cl:-1 max:1048576', 'debug rewrite phase: ',
    'debug http script regex: "^/rw/(.*)$"', 'debug http script copy: "/st/"',
    'debug http script capture: "zz"', 'debug post rewrite phase: ',
    'debug uri changes: 11', 'debug using configuration "/st/"',
    'debug http map: "" "d"', 'debug http log handler');
@lines = lines_of('/eq');
in_order('an exact location', \@lines, 'debug using configuration "=/eq"',
    "HTTP/1.1 200 OK", "Content-Length: 2", 'http write filter: l:',
    'debug http finalize request: 0, "/eq?"');
in_order('a nested expression', [lines_of('/im/x.gif')],
    'debug test location: "/im/x"', 'debug test location: ~ "\.gif$"',
    'debug using configuration "\.gif$"');
in_order('a file', [lines_of('/a.txt')], 'debug using configuration "/"',
    'debug generic phase: ', 'debug access phase: ',
    'debug post access phase: ', 'debug content phase: ',
    'debug http filename: "' . $t->dir . '/www/a.txt"',
    'Last-Modified: ', 'debug http output filter "/a.txt?"',
    'debug http write filter: ');
in_order('an if', [lines_of('/if?a=b')], 'debug http script copy: "a"',
    'debug http script var: "b"', 'debug http script set $x',
    'debug http script if');
in_order('an if that is not so', [lines_of('/if?a=d')],
    'debug http script if: false', 'debug http script if: false');
in_order('a named location', [lines_of('/tn')],
    'debug trying to use file: "/tn" "' . $t->dir . '/www/tn"',
    'debug using location: @named "/tn?"', 'HTTP/1.1 200 OK');
in_order('an error page', [lines_of('/page')],
    'debug http finalize request: 404, "/page?"',
    'debug http special response: 404, "/page?"',
    'debug internal redirect: "/st/e?"', 'debug using configuration "/st/"');
in_order('an upstream', [lines_of('/px/y?a=1')],
    'debug using configuration "/px/"', 'debug http init upstream',
    'debug get rr peer, try: 2', 'debug connect to 127.0.0.1:'
    . $t->port('nobody') . ', fd:', 'debug http next upstream, ',
    'debug free rr peer ', 'debug get rr peer, try: 1',
    "debug connect to 127.0.0.1:$up, fd:",
    'debug http proxy status 200 "200 Fine"',
    'debug http proxy header: "X-Up: a"', 'debug http proxy header done',
    'HTTP/1.1 200 Fine', 'debug http log handler');

# ---- debug_connection ----

for ([1 => '127.0.0.0/8'], [0 => '192.0.2.0/24']) {
    my ($is_debugged, $who) = @$_;
    my $u = Weir::Test->new;

    $u->run(<<"EOC");
%%GLOBALS%%
events { debug_connection $who; }
http { %%GLOBALS_HTTP%%
    server { listen 127.0.0.1:%%PORT%%; location / { return 200 x; } } }
EOC
    $u->get('/x');
    $u->wait_log(qr/log handler/) if $is_debugged;
    my $found = grep /\[debug\] .*using configuration "\/"/, $u->log;
    is !!$found, !!$is_debugged, "debug_connection $who";
}

done_testing;
