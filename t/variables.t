# SPDX-License-Identifier: BSD-2-Clause
#
# The variables that every HTTP configuration has: of the request, the
# connection, the response, and the families.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
$t->write('html/file.txt', 'some text');
$t->mkdir('real');
symlink $t->path('real'), $t->path('link');
$t->run(<<'EOC');
%%HTTP%%
    default_type text/plain;
    log_format body "[$request_body][$request_body_file]";
    log_format end "$uri|$status|$body_bytes_sent|$bytes_sent|$request_length|"
                   "$request_completion|$sent_http_content_type|"
                   "$sent_http_content_length|$sent_http_location|"
                   "$sent_http_connection|$sent_http_transfer_encoding|"
                   "$sent_http_last_modified|$sent_http_x_none";
    access_log %%TESTDIR%%/end.log end;
    map $request_id $id_again { default $request_id; }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name first.test second.test;
        root %%TESTDIR%%/html;
        location /request { return 200 "$request|$request_method|$request_uri|$uri|$document_uri|$args|$query_string|$is_args|$server_protocol|$scheme|$https"; }
        location /names { return 200 "$host|$http_host|$server_name"; }
        location /address { return 200 "$remote_addr|$remote_port|$server_addr|$server_port|$proxy_protocol_addr"; }
        location /binary { return 200 "$binary_remote_addr"; }
        location /connection { return 200 "$connection|$connection_requests|$pipe|$pid"; }
        location /fields { return 200 "$http_user_agent|$http_referer|$http_cookie|$http_x_some_field|$http_x_none|$content_length|$content_type"; }
        location /cookie { return 200 "$cookie_a|$cookie_b_c|$cookie_none|$cookie_A"; }
        location /arg { return 200 "$arg_a|$arg_B|$arg_c_d|$arg_none"; }
        location /user { return 200 "$remote_user"; }
        location /paths { alias %%TESTDIR%%/html; return 200 "$document_root|$realpath_root|$request_filename"; }
        location /linked { root %%TESTDIR%%/link; return 200 "$document_root|$realpath_root|$request_filename"; }
        location /time { return 200 "$msec|$time_local|$time_iso8601|$request_time"; }
        location /id { return 200 "$request_id|$request_id|$id_again"; }
        location /process { return 200 "$hostname|$nginx_version"; }
        location /rate { set $limit_rate 10k; return 200 "$limit_rate"; }
        location /norate { return 200 "$limit_rate"; }
        location /badrate { set $limit_rate 10x; return 200 "$limit_rate"; }
        location /tcp { return 200 "$tcpinfo_rtt|$tcpinfo_rttvar|$tcpinfo_snd_cwnd|$tcpinfo_rcv_space"; }
        location /setargs { set $args "$args&more=1"; return 200 "$args|$arg_more|$arg_a|$query_string|$request_uri"; }
        location /shadow { set $http_x_some_field own; set $arg_a mine; set $cookie_a $cookie_b_c; return 200 "$http_x_some_field|$arg_a|$cookie_a"; }
        location /length { return 200 "$request_length"; }
        location /body { access_log %%TESTDIR%%/body.log body; proxy_pass http://127.0.0.1:%%PORT_plain%%; proxy_set_header X-Body $request_body; }
        location /bodyfile { client_body_in_file_only clean; access_log %%TESTDIR%%/body.log body; proxy_pass http://127.0.0.1:%%PORT_plain%%; proxy_set_header X-Body "[$request_body]"; }
        location /moved { return 302 /there; }
    }
    server { listen 127.0.0.1:%%PORT_plain%%; location / { return 200 "$host|$server_name|$server_port"; }
             location /body { return 200 "$http_x_body|$content_length"; } }
}
EOC

my $port = $t->port;
my $file = $t->path('html');

sub body { return $t->get(@_)->body }

is body('/request%2Fa?x=%20y'),
    'GET /request%2Fa?x=%20y HTTP/1.1|GET|/request%2Fa?x=%20y|/request/a|'
    . '/request/a|x=%20y|x=%20y|?|HTTP/1.1|http|', 'the request line';
is body('/request', version => '1.0'),
    'GET /request HTTP/1.0|GET|/request|/request|/request||||HTTP/1.0|http|',
    'HTTP/1.0, without arguments';
is body('/names', host => 'FIRST.test:99'), 'first.test|FIRST.test:99|first.test',
    'names: the host of the request';
is body('/names', host => 'second.test.'), 'second.test|second.test.|first.test',
    'names: the first of a server';
is body('/names', version => '1.0', host => undef), 'first.test||first.test',
    'names: no Host';
is $t->get('/', port => 'plain', version => '1.0', host => undef)->body,
    '||' . $t->port('plain'), 'names: none at all';

my $c = $t->connect;
like $c->get('/address')->body,
    qr{^127\.0\.0\.1\|${\ $c->local_port}\|127\.0\.0\.1\|$port\|$}, 'addresses';
is body('/binary'), "\x7f\0\0\1", '$binary_remote_addr';
my @seen = map { [split /\|/, $c->get('/connection')->body] } 1, 2;
is $seen[0][0], $seen[1][0], '$connection stays';
is "$seen[0][1] $seen[1][1]", '2 3', '$connection_requests';
is $seen[0][2], '.', '$pipe';
is $seen[0][3], ($t->worker_pids)[0], '$pid';

is $t->request('POST', '/fields', body => 'abc', headers => [
    'User-Agent' => 'ua', Referer => 'ref', 'X-Some-Field' => 'some',
    Cookie => 'a=1', 'Content-Type' => 'x/y'])->body,
    'ua|ref|a=1|some||3|x/y', 'fields';
is body('/fields'), '||||||', 'no fields';
is body('/cookie', headers => [Cookie => 'x=y; a=1;b_c= 2 ; A=3']),
    '1|2 ||1', 'cookies';
is body('/cookie', headers => [Cookie => 'aa=1', Cookie => 'b_c=x;a=z']),
    'z|x||z', 'cookies: two fields';
is body('/arg?A=1&b=2&c_d=%41&a=3'), '1|2|%41|', 'arguments';
is body('/arg?a&aa=1&a=&b==x&'), '|=x||', 'arguments: odd ones';
is body('/user', headers => [Authorization => 'Basic dXNlcjpwYXNz']), 'user',
    '$remote_user';
is body('/user', headers => [Authorization => 'Basic dXNlcg==']), '',
    '$remote_user: no colon';
is body('/user', headers => [Authorization => 'Bearer dXNlcjpwYXNz']), '',
    '$remote_user: another scheme';
is body('/user'), '', '$remote_user: none';
is body('/paths/x'), "$file|$file|$file/x", 'paths: alias';
is body('/linked/x'), $t->path('link') . '|' . $t->path('real') . '|'
    . $t->path('link') . '/linked/x', 'paths: a link';
like body('/time'), qr{^\d{10}\.\d{3}\|\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [-+]\d{4}\|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d\|\d+\.\d{3}$},
    'times';
like body('/id'), qr{^([0-9a-f]{32})\|\1\|\1$}, '$request_id';
isnt body('/id'), body('/id'), '$request_id: another one';
like body('/process'), qr{^[^A-Z|]+\|1\.\d+\.\d+$}, 'process';
is body('/rate'), '10240', '$limit_rate, set';
is body('/norate'), '0', '$limit_rate';
is body('/badrate'), '0', '$limit_rate, set to nonsense';
ok $t->wait_log(qr{\[error\] .* invalid \$limit_rate "10x", client:}),
    '... which is logged';
like body('/tcp'), qr{^\d+\|\d+\|\d+\|\d+$}, '$tcpinfo_';
is body('/setargs?a=1'), 'a=1&more=1|1|1|a=1&more=1|/setargs?a=1', 'set $args';
is body('/shadow?a=theirs', headers => ['X-Some-Field' => 'theirs',
        Cookie => 'a=1; b_c=2']), 'own|mine|2', 'set, of a family';
my $request = "GET /length HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
is $t->raw($request)->body, length $request, '$request_length';

# ---- bodies ----

is $t->post('/body', 'the body')->body, 'the body|8', '$request_body';
is $t->get('/body')->body, '|', '$request_body: none';
is $t->post('/bodyfile', 'the body')->body, '[]|8',
    '$request_body: in a file';
ok wait_until(sub { $t->log('body.log') >= 3 }), 'bodies: the log';
my @bodies = $t->log('body.log');
is $bodies[0], '[the body][-]', 'log: $request_body';
is $bodies[1], '[-][-]', 'log: none';
like $bodies[2], qr{^\[-\]\[/.*/\d{10}\]$}, 'log: $request_body_file';

# ---- what is known at the end ----

sub end_of {
    my ($uri, @more) = @_;
    my $before = $t->log('end.log');
    my $r = $t->get($uri, @more);

    wait_until(sub { $t->log('end.log') > $before });
    return ($r, [split /\|/, ($t->log('end.log'))[-1], -1]);
}

my ($r, $end) = end_of('/norate');
is "@$end[0, 1, 2]", '/norate 200 1', 'end: status and body';
is $end->[3], length $r->raw, 'end: $bytes_sent';
is "@$end[5, 6, 7, 8]", 'OK text/plain 1 -', 'end: fields';
is "@$end[10, 11, 12]", '- - -', 'end: what is not there';
($r, $end) = end_of('/file.txt');
is $end->[11], $r->header('Last-Modified'), 'end: Last-Modified';
($r, $end) = end_of('/moved');
is $end->[8], 'http://localhost:' . $t->port . '/there', 'end: Location';
($r, $end) = end_of('/nothing');
is $end->[1], '404', 'end: 404';
is $end->[2], length $r->body, 'end: the size of an error page';

done_testing;
